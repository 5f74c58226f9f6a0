"""Who may do what: the caller's token decides, at the API server, and a refusal tells nothing."""

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.control_plane import ControlPlane, token_of
from local.objects import wait_for
from local.rest import Rest
from runai_nim.rest.request_parsing import MAX_BODY_BYTES
from tests.rest.conftest import Project, body, make_project

Http = Callable[..., httpx.Response]
PATH = "/api/v2/workloads/nim-services"
CALLS = ("create", "get", "update", "nothing", "delete")
MAY = {
    "editor": {"create": 202, "get": 200, "update": 202, "nothing": 202, "delete": 202},
    "reader": {"create": 403, "get": 200, "update": 403, "nothing": 202, "delete": 403},
    "deleter": {"create": 403, "get": 404, "update": 404, "nothing": 404, "delete": 202},
    "nobody": {"create": 403, "get": 404, "update": 404, "nothing": 404, "delete": 404},
}
TOKEN = "/api/v1/token"  # noqa: S105  # a path


@pytest.fixture
def foreign(control_plane: ControlPlane, namespace: str, tokens: dict[str, str]) -> Project:
    """A second project, where nobody but an administrator may do anything."""
    project = make_project(control_plane, f"{namespace}-foreign")
    control_plane.kubectl("delete", "rolebindings", "--all", f"--namespace={project.namespace}")
    return project


@pytest.fixture
def administrator(control_plane: ControlPlane) -> str:
    return token_of(control_plane.kubeconfig)


def call(http: Http, what: str, project: Project, id_: str, **more: Any) -> httpx.Response:
    if what == "create":
        return http("POST", PATH, json=body(project, "another"), **more)
    if what == "delete":
        return http("DELETE", f"/api/v2/workloads/{id_}", **more)
    spec = {"update": {"category": "a"}, "nothing": {}}
    return http("GET" if what == "get" else "PATCH", f"{PATH}/{id_}", json={"spec": spec.get(what)}, **more)


def test_each_call_in_two_projects(http: Http, project: Project, foreign: Project, administrator: str) -> None:
    own, theirs = (
        http("POST", PATH, json=body(where), token=administrator).json()["metadata"]["id"]
        for where in (project, foreign)
    )

    found = {
        person: {what: call(http, what, project, own, who=person).status_code for what in CALLS}
        for person in ("nobody", "reader", "editor")
    }
    elsewhere = [
        call(http, what, foreign, theirs, who=person) for person in ("nobody", "reader", "editor") for what in CALLS
    ]

    assert found == {person: MAY[person] for person in found}
    assert [answer.status_code for answer in elsewhere] == [MAY["nobody"][what] for what in CALLS] * 3
    for answer in elsewhere:
        assert "foreign" not in answer.text.replace(foreign.id, ""), answer.text
        assert "llama" not in answer.text
    # Not to be told from one that never was.
    unknown = http("GET", f"{PATH}/{'a' * 40}", who="nobody")
    assert (unknown.status_code, unknown.text) == (404, call(http, "get", foreign, theirs, who="nobody").text)
    assert unknown.headers.keys() == call(http, "get", foreign, theirs, who="nobody").headers.keys()


def test_who_may_delete_need_not_see(http: Http, project: Project) -> None:
    id_ = http("POST", PATH, json=body(project)).json()["metadata"]["id"]

    assert {what: call(http, what, project, id_, who="deleter").status_code for what in CALLS} == MAY["deleter"]
    assert call(http, "get", project, id_, who="reader").status_code == 404


@pytest.mark.parametrize("token", ["", "garbage", "a.b.c", "\xe4", "two words"])
def test_no_good_token_no_answer(http: Http, project: Project, token: str) -> None:
    for what in CALLS:
        headers = {"Authorization": f"Bearer {token}".encode("latin-1")} if token else {}
        answer = call(http, what, project, "a" * 40, who=None, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, 401), what
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b" " * 2 * MAX_BODY_BYTES])
def test_nothing_of_a_body_is_looked_at_before_its_caller_is_known(http: Http, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    for method, path in (("POST", PATH), ("PATCH", f"{PATH}/{'a' * 40}")):
        for token in ("", "garbage"):
            answer = http(method, path, who=None, token=token, content=content, headers=headers)
            assert answer.status_code == 401, answer.text
        assert http(method, path, who=None, token="garbage", content=content).status_code == 401  # noqa: S106


def test_a_body_whose_caller_is_not_known_is_not_waited_for(rest: Rest) -> None:
    address = httpx.URL(rest.url)
    with socket.create_connection((address.host, address.port or 0), timeout=10) as connection:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n"
        connection.sendall(f"{head}Authorization: Bearer garbage\r\n\r\n{{".encode())

        assert connection.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_a_token_that_is_no_more(http: Http, control_plane: ControlPlane, project: Project) -> None:
    at = f"--namespace={project.namespace}"
    control_plane.kubectl("create", "serviceaccount", "leaver", at)
    token = control_plane.kubectl("create", "token", "leaver", at).strip()
    control_plane.kubectl("delete", "serviceaccount", "leaver", at)

    # Not used before: the API server remembers a good token for 10 s.
    answers = [call(http, what, project, "a" * 40, token=token).status_code for what in CALLS]

    asked = {"grantType": "app_token", "AppId": f"{project.namespace}/leaver", "AppSecret": token}
    assert [*answers, http("POST", TOKEN, json=asked).status_code] == [401] * 6


def test_the_token_call(http: Http, tokens: dict[str, str]) -> None:
    def asked(**changes: Any) -> httpx.Response:
        request = {"grantType": "app_token", "AppId": "people/editor", "AppSecret": tokens["editor"]} | changes
        return http("POST", TOKEN, who=None, json=request)

    assert (asked().status_code, asked().json()) == (200, {"accessToken": tokens["editor"]})
    assert asked(grantType="password").status_code == 400
    for changes in (
        {"AppId": "people/reader"},
        {"AppId": "editor"},
        {"AppId": 1},
        {"AppSecret": "x"},
        {"AppSecret": None},
    ):
        assert asked(**changes).status_code == 401, changes


def test_no_token_is_ever_logged(http: Http, rest: Rest, project: Project, tokens: dict[str, str]) -> None:
    http("POST", PATH, json=body(project))
    http("POST", TOKEN, json={"grantType": "app_token", "AppId": "people/editor", "AppSecret": tokens["editor"]})
    http("GET", f"{PATH}/{'a' * 40}", token="garbage-that-is-no-token")  # noqa: S106

    log = rest.program.log.read_text()

    assert all(token.rpartition(".")[2] not in log for token in tokens.values())
    assert "garbage-that" not in log


def test_the_words_of_admission_reach_who_may_write(http: Http, project: Project, kubectl: Callable[..., str]) -> None:
    name = f"small-{project.namespace}"
    kind = "admissionregistration.k8s.io/v1"
    rule = {"apiGroups": ["runai-nim.io"], "apiVersions": ["*"], "operations": ["*"], "resources": ["runainimservices"]}
    only_here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": project.namespace}}}
    check = {"expression": "object.spec.replicas < 5", "message": "this project is small", "reason": "Forbidden"}
    policy = {"matchConstraints": {"resourceRules": [rule], **only_here}, "validations": [check]}
    binding = {"policyName": name, "validationActions": ["Deny"]}
    for what, spec in (("ValidatingAdmissionPolicy", policy), ("ValidatingAdmissionPolicyBinding", binding)):
        manifest = {"apiVersion": kind, "kind": what, "metadata": {"name": name}, "spec": spec}
        kubectl("apply", "--filename=-", stdin=json.dumps(manifest))

    def refused() -> httpx.Response | None:
        answer = http("POST", PATH, json=body(project, f"n{time.monotonic_ns()}", replicas=9))
        return answer if answer.status_code != 202 else None

    answer = wait_for(refused)
    kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", name)
    assert (answer.status_code, answer.json()["message"]) == (403, "you may not create a workload in this project")
    assert "this project is small" in answer.json()["details"]
