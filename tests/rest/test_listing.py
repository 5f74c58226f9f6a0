"""Listings of workloads: what each caller sees, page by page, on the real control plane."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.audit import AuditLog
from local.cluster import OPERATOR_NAMESPACE
from local.control_plane import ControlPlane, token_of
from local.objects import wait_for
from local.rest import Rest, rest_process
from runai_nim.rest.list_refusals import REFUSAL_SECONDS
from tests.rest.conftest import SERVICE_ACCOUNT, SPEC, Project, body, make_project
from tests.rest.lossy_proxy import LossyProxy

Http = Callable[..., httpx.Response]
Kubectl = Callable[..., str]
NIM_PATH = "/api/v2/workloads/nim-services"
PATH = "/api/v1/workloads"
MANY = 230
"""More than two pages of a LIST."""


@pytest.fixture(scope="module")
def administrator(control_plane: ControlPlane, rest: Rest) -> str:
    return token_of(control_plane.kubeconfig)


@pytest.fixture
def second(control_plane: ControlPlane, namespace: str, tokens: dict[str, str]) -> Project:
    """A second project of editor and reader."""
    return make_project(control_plane, f"{namespace}-b")


@pytest.fixture
def foreign(control_plane: ControlPlane, namespace: str, tokens: dict[str, str]) -> Project:
    """A project of nobody."""
    project = make_project(control_plane, f"{namespace}-foreign")
    control_plane.kubectl("delete", "rolebindings", "--all", f"--namespace={project.namespace}")
    return project


@pytest.fixture(scope="module")
def crowd(quiet_plane: ControlPlane, rest: Rest, tokens: dict[str, str]) -> Iterator[Project]:
    """A project with MANY workloads, of which every tenth is stopped and every third has a priority."""
    project = make_project(quiet_plane, "crowd")
    items = [manifest(project, f"n{number:03}", **_variety(number)) for number in range(MANY)]
    quiet_plane.kubectl(
        "create", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    )
    yield project
    quiet_plane.kubectl("delete", "namespace", project.namespace, "--wait=false")


def _variety(number: int) -> dict[str, Any]:
    return {
        **({"desiredPhase": "Stopped"} if number % 10 == 0 else {}),
        **({"priorityClass": ("low", "high")[number % 2]} if number % 3 == 0 else {}),
    }


def manifest(project: Project, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "runai-nim.io/v1alpha1",
        "kind": "RunaiNimService",
        "metadata": {"name": name, "namespace": project.namespace},
        "spec": {**SPEC, **spec},
    }


def of(*projects: Project) -> dict[str, Any]:
    """Parameters that leave the namespaces of one test, whatever else there is."""
    return {"filterBy": f"projectName=^{projects[0].id}"}


def listed(http: Http, **more: Any) -> list[tuple[str, str]]:
    answer = http("GET", PATH, **more)
    assert answer.status_code == 200, answer.text
    return [(one["namespace"], one["name"]) for one in answer.json()["workloads"]]


def test_each_caller_sees_the_own_workloads(
    http: Http, project: Project, second: Project, foreign: Project, administrator: str
) -> None:
    for where in (project, second, foreign):
        assert http("POST", NIM_PATH, json=body(where), token=administrator).status_code == 202
    own = [(project.namespace, "llama"), (second.namespace, "llama")]
    everywhere = [*own, (foreign.namespace, "llama")]

    def seen(**more: Any) -> list[tuple[str, str]]:
        everything = listed(http, params={"limit": 500}, **more)
        assert http("GET", f"{PATH}/count", **more).json() == {"count": len(everything)}
        return [found for found in everything if found in everywhere]

    assert seen() == seen(who="reader") == own
    assert seen(who="nobody") == seen(who="deleter") == []
    assert seen(token=administrator) == sorted(everywhere)
    assert listed(http, who="nobody") == []


def test_a_project_filter_reads_its_namespaces_alone(
    http: Http, project: Project, second: Project, foreign: Project, administrator: str
) -> None:
    for where in (project, second, foreign):
        http("POST", NIM_PATH, json=body(where), token=administrator)

    for name, value in (("projectId", second.id), ("projectName", second.id)):
        assert listed(http, params={"filterBy": f"{name}=={value}"}) == [(second.namespace, "llama")]
        assert listed(http, params={"filterBy": f"{name}=={foreign.id}"}) == []
        assert listed(http, params={"filterBy": f"{name}==unknown"}) == []
    both = {"filterBy": f"projectName=^{project.id},projectName!={second.id}"}
    assert listed(http, params=both) == [(project.namespace, "llama")]
    assert len(listed(http, params=both, token=administrator)) == 2


def test_a_workload_is_the_one_of_its_listing(http: Http, project: Project, kubectl: Kubectl) -> None:
    made = http("POST", NIM_PATH, json=body(project, priorityClass="high", replicas=2)).json()
    id_ = made["metadata"]["id"]

    got = http("GET", f"{PATH}/{id_}")
    (found,) = http("GET", PATH, params={"filterBy": f"projectId=={project.id}"}).json()["workloads"]

    assert got.status_code == 200
    assert got.json() == found
    assert (found["id"], found["phase"], found["priority"], found["source"]) == (id_, "Creating", 125, "Control-plane")
    assert found["submittedBy"] == "system:serviceaccount:people:editor"
    same = ("name", "projectId", "projectName", "clusterId", "tenantId", "departmentId", "createdAt", "updatedAt")
    assert {field: found[field] for field in same} == {field: made["metadata"][field] for field in same}
    status = {"phase": "Running", "readyReplicas": 2, "url": "https://llama.example.com"}
    patch = ("patch", "rnim", "llama", f"--namespace={project.namespace}", "--subresource=status", "--type=merge")
    kubectl(*patch, f"--patch={json.dumps({'status': status})}")
    changed = http("GET", f"{PATH}/{id_}").json()
    assert (changed["phase"], changed["runningPods"], changed["urls"]) == ("Running", 2, [status["url"]])


def test_one_that_is_being_deleted(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = http("POST", NIM_PATH, json=body(project)).json()["metadata"]["id"]
    http("POST", NIM_PATH, json=body(project, "other"))
    place = ("rnim", "llama", f"--namespace={project.namespace}")
    kubectl("patch", *place, "--type=merge", '--patch={"metadata":{"finalizers":["example.com/keep"]}}')
    http("DELETE", f"/api/v2/workloads/{id_}")

    found = http("GET", f"{PATH}/{id_}").json()
    gone = listed(http, params={"deleted": "true", **of(project)})
    everything = listed(http, params={"deleted": "false", **of(project)})
    counts = [
        http("GET", f"{PATH}/count", params={"deleted": word, **of(project)}).json() for word in ("true", "false")
    ]

    assert (found["phase"], found["desiredPhase"], found["deletedAt"] is None) == ("Deleting", "Deleted", False)
    assert (gone, len(everything)) == ([(project.namespace, "llama")], 2)
    assert counts == [{"count": 1}, {"count": 2}]
    kubectl("patch", *place, "--type=merge", '--patch={"metadata":{"finalizers":null}}')
    assert http("GET", f"{PATH}/{id_}").status_code == 404


def test_an_unknown_id_is_a_404(http: Http, foreign: Project, administrator: str) -> None:
    theirs = http("POST", NIM_PATH, json=body(foreign), token=administrator).json()["metadata"]["id"]

    answers = [http("GET", f"{PATH}/{id_}") for id_ in (theirs, "a" * 40, "counts", "x_y", "0" * 400)]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert len({answer.text for answer in answers}) == 1


def test_pages_are_the_whole_in_order(http: Http, crowd: Project) -> None:
    found: list[str] = []
    parameters: dict[str, Any] = {"limit": 70, "filterBy": f"projectId=={crowd.id}"}
    while True:
        answer = http("GET", PATH, params=parameters).json()
        found += (one["name"] for one in answer["workloads"])
        if "next" not in answer:
            break
        parameters["offset"] = answer["next"]

    assert found == [f"n{number:03}" for number in range(MANY)]
    assert listed(http, params={**parameters, "offset": 10**6}) == []


def test_order_filters_and_search_in_a_crowd(http: Http, crowd: Project, administrator: str) -> None:
    everywhere = {"filterBy": f"projectId=={crowd.id}", "limit": 500}

    def found(**more: Any) -> list[int]:
        parameters = {**everywhere, **more}
        one = [int(name[1:]) for _, name in listed(http, params=parameters)]
        assert one == [int(name[1:]) for _, name in listed(http, params=parameters, token=administrator)]
        return one

    thirds = range(0, MANY, 3)
    high, low = [one for one in thirds if one % 2], [one for one in thirds if one % 2 == 0]
    others = [one for one in range(MANY) if one % 3]
    assert found(sortBy="priority") == [*low, *high, *others]
    assert found(sortBy="priorityClassName", sortOrder="desc") == [*low, *high, *others]
    assert found(sortBy="name", sortOrder="desc", limit=3) == [MANY - 1, MANY - 2, MANY - 3]
    assert found(filterBy=[everywhere["filterBy"], "priority>=100,name=^n0"]) == [one for one in high if one < 100]
    assert found(search="N01") == [*range(10, 20)]
    both = http("GET", f"{PATH}/count", params={"filterBy": f"projectId=={crowd.id},phase==Creating"}).json()
    assert both == {"count": MANY}


def test_a_caller_of_one_among_many_namespaces(http: Http, crowd: Project, project: Project) -> None:
    """The LIST of all namespaces is refused; that of each is not."""
    http("POST", NIM_PATH, json=body(project))

    found = listed(http, params={"limit": 500})

    assert (project.namespace, "llama") in found
    assert len([name for namespace, name in found if namespace == crowd.namespace]) == MANY


def test_a_refusal_is_remembered_for_a_short_time(
    http: Http, project: Project, foreign: Project, administrator: str, control_plane: ControlPlane
) -> None:
    for where in (project, foreign):
        assert http("POST", NIM_PATH, json=body(where), token=administrator).status_code == 202
    log = AuditLog(control_plane.audit_log)
    control_plane.kubectl("create", "serviceaccount", "late", f"--namespace={foreign.namespace}")
    token = control_plane.kubectl("create", "token", "late", f"--namespace={foreign.namespace}").strip()

    def lists() -> int:
        """LISTs of another page."""
        mark = log.mark()
        assert listed(http, token=token, params={"offset": 1}) == []
        time.sleep(0.5)
        user = f"system:serviceaccount:{foreign.namespace}:late"
        return len([request for request in log.requests(mark, user) if request.verb == "list"])

    started = time.monotonic()
    assert lists() >= 3  # all together twice, and each namespace with workloads
    assert lists() == 0
    assert (project.namespace, "llama") in listed(http, who="reader")
    control_plane.kubectl(
        "create", "rolebinding", "late", f"--namespace={foreign.namespace}", "--role=reader",
        f"--serviceaccount={foreign.namespace}:late",
    )  # fmt: skip
    wait_for(lambda: listed(http, token=token) == [(foreign.namespace, "llama")] or None)
    assert time.monotonic() - started < REFUSAL_SECONDS + 5


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"offset": "1" + "0" * 30}, "offset"),
        ({"sortBy": "color"}, "sortBy"),
        ({"sortOrder": "up"}, "sortOrder"),
        ({"deleted": "perhaps"}, "deleted"),
        ({"filterBy": "x" * 10_000}, "filterBy[0]"),
        ({"filterBy": ["name==a"] * 1000}, "filterBy"),
        ({"filterBy": "(a+)+$"}, "filterBy[0]"),
        ({"filterBy": "createdAt>=\x00"}, "filterBy[0]"),
        ({"filterBy": "phase==\u0661"}, "filterBy[0]"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_wrong_query_is_refused_by_name(http: Http, parameters: dict[str, Any], field: str) -> None:
    answer = http("GET", PATH, params=parameters)
    counted = http("GET", f"{PATH}/count", params=parameters)

    assert answer.status_code == 400, answer.text
    assert [issue["field"] for issue in answer.json()["complianceIssues"]] == [field]
    assert len(answer.text) < 3000
    if field in ("limit", "offset", "sortBy", "sortOrder"):
        (issue,) = counted.json()["complianceIssues"]
        unknown = f'unknown parameter "{field}": this call has the parameters deleted, filterBy, search'
        assert issue == {"field": field, "details": unknown}
    else:
        assert counted.json() == answer.json()


@pytest.mark.parametrize("text", ["x" * 10_000, "\x00", "%00", "(a+)+$", "\ufffd", "ラマ", "' OR 1=1 --"])
def test_odd_text_finds_nothing(http: Http, project: Project, text: str) -> None:
    http("POST", NIM_PATH, json=body(project))

    assert listed(http, params={"search": text}) == []
    assert listed(http, params={"filterBy": f"name=@{text}"}) == []
    assert http("GET", f"{PATH}?filterBy=name=@%ff%fe&search=%c3%28").json() == {"workloads": []}


@pytest.mark.parametrize("path", [PATH, f"{PATH}/count", f"{PATH}/{'a' * 40}"])
def test_no_good_token_no_answer(http: Http, path: str) -> None:
    for more in ({"who": None}, {"token": "garbage"}):
        answer = http("GET", path, **more)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_process_that_may_not_watch_asks_for_the_project(
    http: Http, blind: Rest, tokens: dict[str, str], project: Project, administrator: str
) -> None:
    http("POST", NIM_PATH, json=body(project))

    def asked(token: str, **parameters: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"{blind.url}{PATH}", headers=headers, params=parameters, trust_env=False, timeout=30)

    refused = asked(tokens["editor"], filterBy="name==llama")
    one = asked(tokens["editor"], filterBy=f"projectId=={project.id}")
    everything = asked(administrator, limit="500")

    assert refused.status_code == 400
    message = "filterBy must name the project, as projectName==team-a does: you may not list all projects together"
    assert refused.json()["message"] == message
    assert refused.json()["complianceIssues"] == [{"field": "filterBy", "details": message, "rule": "required"}]
    assert "ask an administrator" in refused.json()["details"]
    assert [found["namespace"] for found in one.json()["workloads"]] == [project.namespace]
    assert project.namespace in {found["namespace"] for found in everything.json()["workloads"]}


def test_too_many_listings_are_refused_and_others_are_served(
    http: Http, crowd: Project, rest: Rest, tokens: dict[str, str]
) -> None:
    headers = {"Authorization": f"Bearer {tokens['editor']}"}

    def ask(_: int) -> httpx.Response:
        return httpx.get(f"{rest.url}{PATH}", headers=headers, trust_env=False, timeout=60)

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(ask, range(24)))

    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {200, 503}
    assert {(answer.headers["Retry-After"], answer.json()["details"]) for answer in refused} == {
        ("1", "too many calls wait to list workloads")
    }
    assert listed(http, who="reader")


@pytest.fixture(scope="module")
def expiring(control_plane: ControlPlane, rest: Rest) -> Iterator[tuple[LossyProxy, Rest]]:
    """A process that reaches the API server through a proxy."""
    with LossyProxy(control_plane.url, str(control_plane.ca_file)).running() as proxy:
        path = control_plane.directory / "rest-expiring.kubeconfig"
        via = proxy.url, control_plane.ca_file
        control_plane.service_account_kubeconfig(OPERATOR_NAMESPACE, SERVICE_ACCOUNT, path, via=via)
        found = rest_process(control_plane, "rest-expiring", path)
        found.program.start()
        yield proxy, found
        found.program.stop()


@pytest.mark.parametrize(("times", "code"), [(0, 200), (1, 200), (2, 503)])
def test_a_list_that_expires_begins_once_more(
    expiring: tuple[LossyProxy, Rest], crowd: Project, tokens: dict[str, str], times: int, code: int
) -> None:
    proxy, rest = expiring
    headers = {"Authorization": f"Bearer {tokens['editor']}"}
    parameters = {"filterBy": f"projectId=={crowd.id}", "limit": "500"}

    def ask() -> httpx.Response:
        return httpx.get(f"{rest.url}{PATH}", params=parameters, headers=headers, trust_env=False, timeout=30)

    wait_for(lambda: ask().status_code == 200, 10)
    proxy.expired = times
    answer = ask()

    assert (answer.status_code, proxy.expired) == (code, 0)
    if code == 200:
        assert [found["name"] for found in answer.json()["workloads"]] == [f"n{number:03}" for number in range(MANY)]
