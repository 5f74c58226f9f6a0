"""Every error is `{code, message, details?}`, whatever was sent."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.control_plane import ControlPlane, token_of
from runai_nim.rest.errors import MAX_ISSUES
from runai_nim.rest.request_parsing import MAX_ANONYMOUS_BODY_BYTES, MAX_BODY_BYTES, MAX_BODY_DEPTH, MAX_BODY_VALUES

Http = Callable[..., httpx.Response]
PATH = "/api/v2/workloads/nim-services"
JSON = {"Content-Type": "application/json"}


def of_the_api(answer: httpx.Response, code: int) -> dict[str, Any]:
    assert answer.status_code == code, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    assert found.keys() <= {"code", "message", "details", "complianceIssues"}
    assert found["code"] == code
    assert isinstance(found["message"], str)
    return found


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/", 404),
        ("GET", "/api/v2/workloads", 404),
        ("GET", f"{PATH}/a/b", 404),
        ("GET", f"{PATH}/", 404),
        ("GET", "/api/v2/workloads/abc", 405),
        ("PUT", f"{PATH}/abc", 405),
        ("GET", PATH, 405),
        ("POST", "/healthz", 405),
        ("GET", f"{PATH}/%00", 404),
        ("GET", f"{PATH}/{'a' * 5000}", 404),
        ("GET", f"{PATH}/ä", 404),
    ],
)
def test_paths(http: Http, method: str, path: str, code: int) -> None:
    answer = http(method, path)

    of_the_api(answer, code)
    assert code != 405 or answer.headers["allow"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the body must be JSON: Expecting value"),
        (b"{", "the body must be JSON: Expecting property name enclosed in double quotes"),
        (b"[]", "the body must be a JSON object: send {…}"),
        (b"\xff", "the body must be JSON: it can't be parsed"),
        (b'{"spec": NaN}', "the body must be JSON: NaN is not a valid number"),
        (b'{"spec": ' + b"9" * 5000 + b"}", "the body must be JSON: it can't be parsed"),
        (b'{"a": 1, "a": 2}', 'the body must be JSON: duplicate key "a", remove one'),
        (rb'{"a": "\ud800"}', "the body must be JSON: it can't be parsed"),
        (b'{"a":' * 2500 + b"1" + b"}" * 2500, "the body must be JSON: it can't be parsed"),
        (
            b'{"a":' * (MAX_BODY_DEPTH + 2) + b"1" + b"}" * (MAX_BODY_DEPTH + 2),
            "the body must not be nested deeper than 100 levels",
        ),
    ],
)
def test_bodies_that_can_t_be_read(http: Http, content: bytes, message: str) -> None:
    for method, path in (("POST", PATH), ("PATCH", f"{PATH}/abc"), ("POST", "/api/v1/token")):
        found = of_the_api(http(method, path, content=content, headers=JSON), 400)
        assert found["message"].startswith(message)


@pytest.mark.parametrize("where", ["spec", "body", "metadata"])
def test_of_many_mistakes_the_first_are_named(http: Http, where: str) -> None:
    unknown = {f"field{number}": number for number in range(MAX_BODY_VALUES // 2)}
    body = {"spec": {"spec": unknown}, "body": unknown, "metadata": {"metadata": unknown}}[where]

    found = of_the_api(http("POST", PATH, json=body), 400)

    *issues, rest = found["complianceIssues"]
    assert len(issues) == MAX_ISSUES
    assert rest == {"field": "", "details": "more fields are wrong: correct these first"}
    assert found["message"] == f"more than {MAX_ISSUES} fields are wrong: see complianceIssues"


def test_too_many_values(http: Http) -> None:
    found = of_the_api(http("POST", PATH, json={"spec": {"a": [1] * MAX_BODY_VALUES}}), 400)

    assert found["message"] == f"the body must contain at most {MAX_BODY_VALUES} values: send only fields of the API"


def test_other_kinds_of_content(http: Http) -> None:
    for headers in ({}, {"Content-Type": "text/yaml"}, {"Content-Type": "application/x-www-form-urlencoded"}):
        of_the_api(http("POST", PATH, content=b"{}", headers=headers), 415)
    assert (
        http("POST", PATH, content=b"{}", headers={"Content-Type": "Application/JSON; charset=utf-8"}).status_code
        == 400
    )


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 8 * MAX_BODY_BYTES])
def test_too_much(http: Http, size: int) -> None:
    of_the_api(http("POST", PATH, content=b" " * size, headers=JSON), 413)
    of_the_api(http("POST", PATH, content=(b" " * 65536 for _ in range(size // 65536 + 1)), headers=JSON), 413)


def test_too_much_of_a_stranger(http: Http) -> None:
    for content in (b" " * (MAX_ANONYMOUS_BODY_BYTES + 1), (b" " for _ in range(MAX_ANONYMOUS_BODY_BYTES + 1))):
        of_the_api(http("POST", "/api/v1/token", who=None, content=content, headers=JSON), 413)
    of_the_api(http("POST", "/api/v1/token", who=None, content=b" " * MAX_ANONYMOUS_BODY_BYTES, headers=JSON), 400)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"metadata": None, "spec": None},
        {"metadata": [], "spec": "x"},
        {"metadata": {"name": 1, "projectId": "default"}, "spec": {}},
        {"metadata": {"name": "a" * 400, "projectId": "default"}, "spec": {"image": 7, "nodePools": [{}]}},
        {"metadata": {"name": "a", "projectId": "default", "useGivenNameAsPrefix": "yes"}, "spec": {}},
        {"metadata": {"name": "a", "projectId": "default"}, "spec": {"environmentVariables": "x"}, "desiredPhase": {}},
        {"metadata": {"name": "\0", "projectId": "\0"}, "spec": {"image": "\0"}},
    ],
)
def test_bodies_that_are_wrong(http: Http, control_plane: ControlPlane, body: Any) -> None:
    token = token_of(control_plane.kubeconfig)
    assert of_the_api(http("POST", PATH, json=body, token=token), 400)["complianceIssues"]


def test_pages(http: Http) -> None:
    document = http("GET", "/openapi.json", who=None).json()
    page = http("GET", "/docs", who=None).text

    assert http("GET", "/healthz", who=None).text == http("GET", "/readyz", who=None).text == "ok"
    others = {"/api/v2/workloads/{id}", "/api/v2/policy/nim-services", "/api/v1/token"}
    details = {f"/api/v1/workloads/{{id}}/{part}" for part in ("pods", "events", "history")}
    workloads = {f"/api/v1/workloads{part}" for part in ("", "/count", "/batch", "/{id}")}
    assert set(document["paths"]) == {PATH, f"{PATH}/{{id}}", *others, *workloads, *details}
    assert '<section id="RunaiNimServiceSpec">' in page
    assert f'<span class="method">POST</span> <code>{PATH}</code>' in page
    links = re.findall('href="#([^"]+)"', page)
    assert set(links) <= set(re.findall('<section id="([^"]+)"', page))
    assert "<code>replicas</code></td><td>integer (≥ 0, ≤ 1000)</td><td>Number of replicas" in page
    assert "<code>validateOnly</code></td><td>boolean</td><td>true: check the policy, and write nothing." in page
    assert '{"' not in page
    assert "http://" not in page
    assert "https://" not in page
    assert "src=" not in page


def test_metrics_have_no_series_of_a_caller_s_making(http: Http) -> None:
    http("GET", "/nothing/like/this", who=None)
    http("GET", f"{PATH}/abcdef")
    http("BREW", f"{PATH}/abcdef")

    text = http("GET", "/metrics", who=None).text

    assert 'runai_nim_rest_requests_total{code="404",method="other",route="other"}' in text
    assert 'route="/api/v2/workloads/nim-services/{id}"' in text
    assert "abcdef" not in text
    assert "BREW" not in text
    assert "like/this" not in text
