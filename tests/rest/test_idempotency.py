"""A repeated POST is one workload, on whichever process it arrives, and is answered truthfully."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.control_plane import ControlPlane
from local.objects import wait_for
from local.rest import Rest, rest_process
from runai_nim.rest.model.creation_origin import origin_of
from tests.rest.conftest import Project, body
from tests.rest.test_calls import stored
from tests.rest.test_outages import names

Http = Callable[..., httpx.Response]
Kubectl = Callable[..., str]
PATH = "/api/v2/workloads/nim-services"
ANNOTATION = "runai-nim.io/idempotency-key"
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def keyed(http: Http, request: Any, key: str = KEY, **more: Any) -> httpx.Response:
    return http("POST", PATH, json=request, headers={"Idempotency-Key": key}, **more)


def prefixed(project: Project, name: str = "llama", **spec: Any) -> dict[str, Any]:
    request = body(project, name, **spec)
    request["metadata"]["useGivenNameAsPrefix"] = True
    return request


@pytest.fixture(scope="module")
def second(control_plane: ControlPlane, rest: Rest) -> Iterator[Rest]:
    """Another process, as another pod of the same Deployment."""
    found = rest_process(control_plane, "rest-second", control_plane.directory / "rest.kubeconfig")
    found.program.start()
    yield found
    found.program.stop()


@pytest.mark.parametrize("prefix", [False, True])
def test_one_key_is_one_workload_on_each_process(
    http: Http, second: Rest, project: Project, kubectl: Kubectl, tokens: dict[str, str], prefix: bool
) -> None:
    request = prefixed(project) if prefix else body(project)
    headers = {"Authorization": f"Bearer {tokens['editor']}", "Idempotency-Key": KEY}

    first = keyed(http, request)
    answers = [keyed(http, request), httpx.post(f"{second.url}{PATH}", headers=headers, json=request, trust_env=False)]

    assert [answer.status_code for answer in (first, *answers)] == [202] * 3
    assert {answer.json()["metadata"]["id"] for answer in answers} == {first.json()["metadata"]["id"]}
    name = first.json()["metadata"]["name"]
    assert names(kubectl, project) == [name]
    assert (name == "llama") is not prefix
    assert KEY not in json.dumps(stored(kubectl, project, name))


def test_at_the_same_time_on_two_processes(
    rest: Rest, second: Rest, project: Project, kubectl: Kubectl, tokens: dict[str, str]
) -> None:
    headers = {"Authorization": f"Bearer {tokens['editor']}", "Idempotency-Key": KEY}

    def post(number: int) -> httpx.Response:
        url = (rest, second)[number % 2].url
        return httpx.post(f"{url}{PATH}", headers=headers, json=prefixed(project), trust_env=False, timeout=30)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(16)))

    assert [answer.status_code for answer in answers] == [202] * 16
    assert len({answer.json()["metadata"]["id"] for answer in answers}) == 1
    assert len(names(kubectl, project)) == 1


def test_other_keys_and_places_are_other_workloads(http: Http, project: Project, kubectl: Kubectl) -> None:
    found = [
        keyed(http, prefixed(project)),
        keyed(http, prefixed(project), "another"),
        keyed(http, prefixed(project, "nim")),
        keyed(http, body(project)),
        keyed(http, body(project, "other")),
    ]

    assert [answer.status_code for answer in found] == [202] * 5
    assert len(names(kubectl, project)) == 5


@pytest.mark.parametrize("prefix", [False, True])
def test_a_key_of_another_body_is_refused(http: Http, project: Project, prefix: bool) -> None:
    make = prefixed if prefix else body
    name = keyed(http, make(project)).json()["metadata"]["name"]

    reused = keyed(http, make(project, category="chat"))

    assert (reused.status_code, reused.json()["message"]) == (
        409,
        f'this Idempotency-Key created the workload "{name}" from another body: send a new key',
    )
    assert KEY not in reused.text


def test_a_name_that_exists_is_refused(http: Http, project: Project, kubectl: Kubectl) -> None:
    taken = 'metadata.name is "llama", which already exists: choose another name'
    keyed(http, body(project))

    other_key = keyed(http, body(project), "another")
    other_body = http("POST", PATH, json=body(project, category="chat"))
    same_body = http("POST", PATH, json=body(project))
    # As of an earlier version, or of kubectl: nothing tells what it was created from.
    kubectl("annotate", "rnim", "llama", f"--namespace={project.namespace}", f"{ANNOTATION}-")
    unknown = [http("POST", PATH, json=body(project)), keyed(http, body(project))]

    assert [answer.json().get("message") for answer in (other_key, other_body, *unknown)] == [taken] * 4
    assert [answer.status_code for answer in (other_key, other_body, same_body, *unknown)] == [409, 409, 202, 409, 409]


def test_another_caller_is_told_that_the_name_exists(
    http: Http, project: Project, kubectl: Kubectl, control_plane: ControlPlane
) -> None:
    at = f"--namespace={project.namespace}"
    kubectl("create", "serviceaccount", "other", at)
    kubectl("create", "rolebinding", "other", "--role=editor", f"--serviceaccount={project.namespace}:other", at)
    token = control_plane.kubectl("create", "token", "other", at).strip()
    keyed(http, body(project))
    keyed(http, prefixed(project))

    answers = [http("POST", PATH, json=body(project), token=token), keyed(http, body(project), token=token)]
    own = keyed(http, prefixed(project), token=token)

    assert [answer.status_code for answer in answers] == [409, 409]
    assert own.status_code == 202
    assert len(names(kubectl, project)) == 3


@pytest.mark.parametrize("key", [None, KEY])
def test_a_retry_after_a_change_shows_what_is_there(http: Http, project: Project, key: str | None) -> None:
    headers = {"Idempotency-Key": key} if key else {}
    id_ = http("POST", PATH, json=body(project), headers=headers).json()["metadata"]["id"]
    http("PATCH", f"{PATH}/{id_}", json={"spec": {"replicas": 3}})

    again = http("POST", PATH, json=body(project), headers=headers)
    as_it_is_now = http("POST", PATH, json=body(project, replicas=3), headers=headers)

    assert (again.status_code, again.json()) == (202, http("GET", f"{PATH}/{id_}").json())
    assert again.json()["spec"]["replicas"] == 3
    assert as_it_is_now.status_code == 409


def test_one_that_is_being_deleted_is_no_answer(http: Http, project: Project, kubectl: Kubectl) -> None:
    at = ("rnim", "llama", f"--namespace={project.namespace}", "--type=merge")
    first = keyed(http, body(project)).json()["metadata"]["id"]
    kubectl("patch", *at, '--patch={"metadata":{"finalizers":["example.com/keep"]}}')
    http("DELETE", f"/api/v2/workloads/{first}")

    going = [keyed(http, body(project)), http("POST", PATH, json=body(project))]
    kubectl("patch", *at, '--patch={"metadata":{"finalizers":null}}')
    again = wait_for(lambda: answer if (answer := keyed(http, body(project))).status_code == 202 else None)

    message = 'the workload "llama" of this project is still being deleted: try again when it is gone'
    assert [(answer.status_code, answer.json()["message"]) for answer in going] == [(409, message)] * 2
    assert again.json()["metadata"]["id"] != first


def test_a_name_that_a_key_leads_to_may_be_taken(http: Http, project: Project, kubectl: Kubectl) -> None:
    manifest = {"metadata": {"generateName": "llama-", "namespace": project.namespace}}
    name = "llama-" + origin_of("system:serviceaccount:people:editor", manifest, KEY).suffix
    assert http("POST", PATH, json=body(project, name)).status_code == 202

    answer = keyed(http, prefixed(project))

    assert (answer.status_code, answer.json()["message"]) == (
        409,
        f'this Idempotency-Key leads to metadata.name "{name}", which already exists: send another key',
    )


def test_a_quota_that_the_first_one_used_up(http: Http, project: Project, kubectl: Kubectl) -> None:
    """The API server asks the quota before it compares the name."""
    at = f"--namespace={project.namespace}"
    resource = "count/runainimservices.runai-nim.io"
    kubectl("create", "quota", "one", f"--hard={resource}=1", at)
    status = {"status": {"hard": {resource: "1"}, "used": {resource: "0"}}}
    kubectl("patch", "quota", "one", at, "--subresource=status", "--type=merge", f"--patch={json.dumps(status)}")
    time.sleep(1)
    first = keyed(http, prefixed(project))
    assert first.status_code == 202, first.text

    again = keyed(http, prefixed(project))
    more = keyed(http, prefixed(project), "another")

    assert (again.status_code, again.json()["metadata"]["id"]) == (202, first.json()["metadata"]["id"])
    assert (more.status_code, "exceeded quota" in more.json()["details"]) == (403, True)
    assert http("POST", PATH, json=prefixed(project), params={"dryRun": "true"}).status_code == 403
    assert len(names(kubectl, project)) == 1


@pytest.mark.parametrize("key", ["", "a b", "a" * 256, "ä", "tab\there"])
def test_what_is_no_key(http: Http, project: Project, kubectl: Kubectl, key: str) -> None:
    answer = http("POST", PATH, json=body(project), headers={"Idempotency-Key": key.encode("latin-1")})

    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "the header Idempotency-Key must have 1 to 255 visible ASCII characters, and be sent once: send a UUID, a new"
        " one for each new workload",
    )
    assert names(kubectl, project) == []


def test_the_longest_key(http: Http, project: Project) -> None:
    key = "~" * 255

    assert [keyed(http, prefixed(project), key).status_code for _ in range(2)] == [202] * 2
