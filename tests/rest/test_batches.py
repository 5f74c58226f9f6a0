"""One action on many workloads: each as its own call does it, and none stops another."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.rest import Rest
from runai_nim.rest.model.identifier import Identifier
from tests.rest.conftest import SPEC, Project, body, make_project, spec_of
from tests.rest.test_outages import names
from tests.rest.test_policies_of_workloads import set_policy

Http = Callable[..., httpx.Response]
Kubectl = Callable[..., str]
PATH = "/api/v2/workloads/nim-services"
BATCH = "/api/v1/workloads/batch"
UNKNOWN = "00000000-0000-0000-0000-{:012d}"


def made(http: Http, project: Project, name: str, **spec: Any) -> str:
    answer = http("POST", PATH, json=body(project, name, **spec))
    assert answer.status_code == 202, answer.text
    id_: str = answer.json()["metadata"]["id"]
    return id_


def outcome(answer: httpx.Response) -> tuple[list[str], list[tuple[str, int]]]:
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return found["succeeded"], [(one["id"], one["code"]) for one in found["failed"]]


@pytest.mark.parametrize(("stop", "start"), [("suspend", "resume"), ("stop", "start")])
def test_workloads_are_stopped_and_started(
    http: Http, project: Project, kubectl: Kubectl, stop: str, start: str
) -> None:
    scaled = {"metric": "concurrency", "metricThreshold": 10, "maxReplicas": 3}
    specs: dict[str, dict[str, Any]] = {
        "a": {"replicas": 3},
        "b": {"replicas": 0},
        "c": {"autoscaling": scaled, "replicas": None},
    }
    ids = [made(http, project, name, **spec) for name, spec in specs.items()]

    def phases() -> list[tuple[str | None, int | None]]:
        stored = [spec_of(kubectl, project, name) for name in specs]
        return [(spec.get("desiredPhase"), spec.get("replicas")) for spec in stored]

    for _ in range(2):  # the second time there is nothing to do
        assert outcome(http("POST", BATCH, json={"action": stop, "ids": ids})) == (ids, [])
        assert phases() == [("Stopped", 3), (None, 0), ("Stopped", None)]
    for _ in range(2):
        assert outcome(http("POST", BATCH, json={"action": start, "ids": ids})) == (ids, [])
        assert phases() == [("Running", 3), (None, 1), ("Running", None)]
    assert spec_of(kubectl, project, "c")["autoscaling"] == scaled


def test_each_has_its_result_in_order_and_none_stops_another(
    http: Http, project: Project, kubectl: Kubectl, namespace: str, control_plane: Any
) -> None:
    foreign = make_project(control_plane, f"{namespace}-foreign")
    theirs = made(http, foreign, "theirs")
    control_plane.kubectl("delete", "rolebindings", "--all", f"--namespace={foreign.namespace}")
    first, last = made(http, project, "first"), made(http, project, "last")
    earlier_form = str(Identifier(project.namespace, "last", last))
    ids = ["no-id", last, theirs, UNKNOWN.format(1), first, last, "no-id"]

    stopped = http("POST", BATCH, json={"action": "suspend", "ids": ids})
    deleted = http("POST", BATCH, json={"action": "delete", "ids": [theirs, earlier_form, first]})

    assert outcome(stopped) == ([last, first], [("no-id", 404), (theirs, 404), (UNKNOWN.format(1), 404)])
    message = "the workload doesn't exist, or you may not read it: check the id"
    assert {one["message"] for one in stopped.json()["failed"]} == {message}
    assert outcome(deleted) == ([earlier_form, first], [(theirs, 404)])
    assert stopped.json()["id"] != deleted.json()["id"]
    assert names(kubectl, project) == []
    assert spec_of(kubectl, foreign, "theirs") == SPEC


def test_the_caller_s_token_decides(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project, "llama")

    def codes(who: str, action: str) -> list[int]:
        answer = http("POST", BATCH, json={"action": action, "ids": [id_]}, who=who)
        return [code for _, code in outcome(answer)[1]]

    assert [codes("reader", action) for action in ("delete", "suspend")] == [[403], [403]]
    assert [codes("nobody", action) for action in ("delete", "suspend")] == [[404], [404]]
    assert spec_of(kubectl, project) == SPEC
    assert http("POST", BATCH, json={"action": "delete", "ids": [id_]}, who=None).status_code == 401
    assert codes("deleter", "suspend") == [404]
    assert codes("deleter", "delete") == []


def test_a_batch_is_refused_as_a_whole(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project, "llama")
    for request, field in (
        ({"action": "pause", "ids": [id_]}, "action"),
        ({"action": "delete", "ids": [id_] * 101}, "ids"),
        ({"action": "delete", "ids": []}, "ids"),
        ({"action": "delete", "ids": [id_], "force": True}, "force"),
    ):
        answer = http("POST", BATCH, json=request)
        assert answer.status_code == 400
        assert [issue["field"] for issue in answer.json()["complianceIssues"]] == [field]

    assert names(kubectl, project) == ["llama"]


def test_a_warning_is_that_of_a_patch(http: Http, project: Project, kubectl: Kubectl) -> None:
    variables = [{"name": "HF_TOKEN", "value": "x7Fq"}]
    ids = [made(http, project, name) for name in ("a", "b")] + [
        made(http, project, "c", environmentVariables=variables)
    ]
    kubectl("annotate", "rnim", "b", f"--namespace={project.namespace}", "argocd.argoproj.io/tracking-id=x")

    answer = http("POST", BATCH, json={"action": "suspend", "ids": ids})

    assert outcome(answer) == (ids, [])
    owned, secret = answer.json()["warnings"]
    details = "Argo CD manages this workload and will revert the change: make it in Git too"
    assert owned == {"id": ids[1], "details": details}
    assert (secret["id"], secret["complianceIssues"][0]["field"]) == (ids[2], "environmentVariables[0].value")
    again = http("POST", BATCH, json={"action": "suspend", "ids": ids})
    assert "warnings" not in again.json()


def test_a_broken_rule_is_that_workload_s_failure(http: Http, team: Project, kubectl: Kubectl) -> None:
    ids = [made(http, team, name, replicas=replicas, desiredPhase="Stopped") for name, replicas in (("a", 3), ("b", 1))]
    set_policy(http, team, rules={"replicas": {"max": 2}, "category": {"canEdit": True}})

    answer = http("POST", BATCH, json={"action": "resume", "ids": ids})

    assert outcome(answer) == ([ids[1]], [(ids[0], 400)])
    (failure,) = answer.json()["failed"]
    assert failure["complianceIssues"][0]["field"] == "replicas"
    assert failure["message"] == failure["complianceIssues"][0]["details"]
    assert spec_of(kubectl, team, "a")["desiredPhase"] == "Stopped"


def test_what_is_being_deleted_is_neither_stopped_nor_started(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project, "llama")
    at = ("rnim", "llama", f"--namespace={project.namespace}", "--type=merge")
    kubectl("patch", *at, '--patch={"metadata":{"finalizers":["example.com/keep"]}}')

    found = [outcome(http("POST", BATCH, json={"action": name, "ids": [id_]})) for name in ("delete", "stop", "start")]
    kubectl("patch", *at, '--patch={"metadata":{"finalizers":null}}')

    assert found == [([id_], []), ([], [(id_, 409)]), ([], [(id_, 409)])]


def test_a_hundred_ids_wait_once_for_the_watch(http: Http, project: Project) -> None:
    id_ = made(http, project, "llama")
    ids = [id_, *(UNKNOWN.format(number) for number in range(99))]
    started = time.monotonic()

    succeeded, failed = outcome(http("POST", BATCH, json={"action": "suspend", "ids": ids}))

    assert time.monotonic() - started < 5
    assert (succeeded, len(failed)) == ([id_], 99)


def test_more_batches_than_run_at_a_time(rest: Rest, project: Project, tokens: dict[str, str]) -> None:
    """Each waits a second for an unknown id."""
    headers = {"Authorization": f"Bearer {tokens['editor']}"}

    def batch(number: int) -> httpx.Response:
        request = {"action": "delete", "ids": [UNKNOWN.format(number)]}
        return httpx.post(f"{rest.url}{BATCH}", headers=headers, json=request, trust_env=False, timeout=30)

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(batch, range(32)))

    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {200, 503}
    assert {answer.json()["details"] for answer in refused} == {"too many batches are running"}
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}


def test_a_caller_with_many_batches_delays_no_other(rest: Rest, project: Project, tokens: dict[str, str]) -> None:
    """Each batch waits a second for an unknown id."""

    def batch(who: str, number: int) -> int:
        headers = {"Authorization": f"Bearer {tokens[who]}"}
        request = {"action": "delete", "ids": [UNKNOWN.format(number)]}
        return httpx.post(f"{rest.url}{BATCH}", headers=headers, json=request, trust_env=False, timeout=30).status_code

    batch("reader", 0)  # the process knows the token from now on
    with ThreadPoolExecutor(24) as pool:
        many = [pool.submit(batch, "editor", number) for number in range(20)]
        time.sleep(0.5)
        other = batch("reader", 100)
        codes = [call.result() for call in many]

    assert other == 200
    assert set(codes) == {200, 503}


def test_a_large_batch_delays_no_other_large_body(
    http: Http, rest: Rest, project: Project, tokens: dict[str, str]
) -> None:
    """A batch of a hundred ids of the earlier form has more than 16 KiB."""
    headers = {"Authorization": f"Bearer {tokens['editor']}"}
    large = {"action": "delete", "ids": [UNKNOWN.format(0), *(f"{number:0>400}" for number in range(99))]}
    ended = []

    def batch(_: int) -> int:
        answer = httpx.post(f"{rest.url}{BATCH}", headers=headers, json=large, trust_env=False, timeout=30)
        ended.append(time.monotonic())
        return answer.status_code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(batch, range(2))) == [200, 200]

    assert abs(ended[1] - ended[0]) < 0.9  # half a second between large bodies, not the batch's own second


@pytest.mark.parametrize(("default", "own"), [({"desiredPhase": "Stopped"}, {"desiredPhase": "Running"}),
                                              ({"replicas": 0}, {"replicas": 1})])  # fmt: skip
def test_a_workload_that_a_default_stops_is_started(
    http: Http, team: Project, kubectl: Kubectl, default: dict[str, Any], own: dict[str, Any]
) -> None:
    set_policy(http, team, defaults=default)
    id_ = made(http, team, "llama", replicas=None)

    for _ in range(2):
        assert outcome(http("POST", BATCH, json={"action": "start", "ids": [id_]})) == ([id_], [])

    assert http("GET", f"{PATH}/{id_}").json()["desiredPhase"] == "Running"
    assert spec_of(kubectl, team).items() >= own.items()
