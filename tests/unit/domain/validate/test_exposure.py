from typing import Any

import pytest

from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.validate import Finding, validate
from tests.support.decisions import input_of
from tests.support.resources import a_cr

GATEWAY = {
    "external_mode": "gateway",
    "external_domain": "example.com",
    "external_hosts": ["*"],
    "external_gateway_name": "edge",
    "external_gateway_namespace": "gateways",
}


def findings(settings: dict[str, Any] | None = None, **serving: Any) -> tuple[Finding, ...]:
    cr = a_cr({"servingPort": {"port": 8000, **serving}}, name="llama", namespace="team-a")
    return validate(input_of(cr, Context(load_settings(settings, {}))))[1]


@pytest.mark.parametrize(
    "url",
    [
        "https://llama.example.com",
        "http://llama.example.com/",
        "https://llama.example.com:8443/v1/llama-3.1_8b~x/",
        "https://llama.example.com:65535",
        "https://localhost",
        "https://10.example",
        "https://llama.example.com/..hidden",
        "https://llama.example.com/" + "a" * 1023,
    ],
)
def test_urls_that_a_route_can_be_made_of(url: str) -> None:
    assert findings(exposedUrl=url) == ()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "llama.example.com",
        "ftp://llama.example.com",
        "HTTPS://llama.example.com",
        "https://",
        "https:///v1",
        "https://Llama.example.com",
        "https://llama..example.com",
        "https://-llama.example.com",
        "https://10.0.0.1",
        "https://llama.example.²",
        "https://llama.example.com:²",
        "https://[::1]/",
        "https://*.example.com",
        "https://llama.example.com.",
        "https://llama.example.com:0",
        "https://llama.example.com:65536",
        "https://llama.example.com?",
        "https://llama.example.com/#",
        "https://llama.example.com/a//b",
        "https://llama.example.com/a/../b",
        "https://llama.example.com/.",
        "https://llama.example.com/%2f",
        "https://llama.example.com/ä",
        "https://llama.example.com/a b",
        "https://llama.example.com/a\n",
        " https://llama.example.com",
        "https://llama.example.com/" + "a" * 1024,
        "https://" + "a" * 254,
    ],
)
def test_urls_that_no_route_can_be_made_of(url: str) -> None:
    (finding,) = findings(exposedUrl=url)

    assert (finding.reason, finding.path, finding.value) == ("InvalidValue", "spec.servingPort.exposedUrl", url)


@pytest.mark.parametrize("url", ["https://me:hidden@llama.example.com", "https://llama.example.com@" + "hidden" * 400])
def test_credentials_in_a_url_are_never_shown(url: str) -> None:
    (finding,) = findings(exposedUrl=url)

    assert finding.path == "spec.servingPort.exposedUrl"
    assert "hidden" not in finding.message


def test_a_url_needs_exposure() -> None:
    url = "https://llama.example.com"

    assert findings(exposedUrl=url, exposeExternally=True) == ()
    assert [finding.path for finding in findings(exposedUrl=url, exposeExternally=False)] == [
        "spec.servingPort.exposedUrl"
    ]


def test_grpc_that_is_asked_for_needs_its_port() -> None:
    assert findings(exposedProtocol="http") == ()
    assert findings(exposedProtocol="grpc", grpcPort=9000) == ()
    assert [finding.path for finding in findings(exposedProtocol="grpc")] == ["spec.servingPort.grpcPort"]


@pytest.mark.parametrize(
    ("settings", "serving", "allowed"),
    [
        (None, {"exposedProtocol": "grpc"}, False),
        (GATEWAY, {"exposedProtocol": "grpc"}, False),
        (GATEWAY, {}, False),
        (GATEWAY, {"exposedProtocol": "http"}, True),
        (None, {}, True),  # without a gateway grpcPort alone means http
        (GATEWAY, {"grpcPort": None}, True),
    ],
)
def test_a_path_is_for_http(settings: dict[str, Any] | None, serving: dict[str, Any], allowed: bool) -> None:
    serving = {"grpcPort": 9000, **serving}

    assert findings(settings, **serving, exposedUrl="https://llama.example.com/") == ()
    assert (findings(settings, **serving, exposedUrl="https://llama.example.com/v1") == ()) is allowed


BY_DEFAULT = {**GATEWAY, "external_hosts": []}


def reasons(settings: dict[str, Any], **serving: Any) -> list[tuple[str, str]]:
    return [(finding.reason, finding.path) for finding in findings(settings, **serving)]


@pytest.mark.parametrize(
    ("settings", "url", "allowed"),
    [
        (BY_DEFAULT, "https://other.team-a.example.com/v1", True),
        (BY_DEFAULT, "https://other.team-a.example.com:8443", True),
        (BY_DEFAULT, "https://other.team-b.example.com", False),
        (BY_DEFAULT, "https://a.b.team-a.example.com", False),
        (BY_DEFAULT, "https://llama.example.com", False),
        (BY_DEFAULT, "https://team-a.example.com", False),
        (BY_DEFAULT, "https://evil.com/other.team-a.example.com", False),
        ({**GATEWAY, "external_hosts": ["llama.example.org"]}, "https://llama.example.org", True),
        ({**GATEWAY, "external_hosts": ["llama.example.org"]}, "https://other.team-a.example.com", False),
        ({**GATEWAY, "external_hosts": ["*"]}, "https://any.thing", True),
        # Without external access no route is made, whatever the URL is.
        ({}, "https://llama.example.com", True),
    ],
)
def test_a_host_is_the_administrator_s_to_give(settings: dict[str, Any], url: str, allowed: bool) -> None:
    assert reasons(settings, exposedUrl=url) == ([] if allowed else [("NotAllowed", "spec.servingPort.exposedUrl")])


def test_hosts_that_are_allowed_are_said_with_the_namespace() -> None:
    (finding,) = findings(BY_DEFAULT, exposedUrl="https://llama.example.com")

    assert "that the operator's settings allow here (*.team-a.example.com)" in finding.message
    assert "external_hosts in the operator's settings" in finding.message


def test_of_many_patterns_some_are_said() -> None:
    (finding,) = findings({**GATEWAY, "external_hosts": [f"{i}.io" for i in range(1000)]}, exposedUrl="https://a.io")

    assert "allow here (0.io, 1.io, 2.io, 3.io, 4.io, …)" in finding.message


def test_what_is_wrong_with_a_url_is_said_once() -> None:
    assert reasons(BY_DEFAULT, exposedUrl="https://Llama") == [("InvalidValue", "spec.servingPort.exposedUrl")]


RESERVED = {**GATEWAY, "reserved_hosts": ["api.team-a.example.com", "*.internal", "llama.{namespace}.example.com"]}


@pytest.mark.parametrize(
    ("serving", "found"),
    [
        ({"exposedUrl": "https://api.team-a.example.com/v1"}, [("HostTaken", "spec.servingPort.exposedUrl")]),
        ({"exposedUrl": "https://x.internal"}, [("HostTaken", "spec.servingPort.exposedUrl")]),
        ({"exposedUrl": "https://x.team-a.example.com"}, []),
        ({}, [("HostTaken", "metadata.name")]),
        ({"exposeExternally": False}, []),
    ],
)
def test_a_reserved_host_is_nobody_s(serving: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert reasons(RESERVED, **serving) == found
    assert reasons({"reserved_hosts": RESERVED["reserved_hosts"]}, **serving) == []


@pytest.mark.parametrize(
    ("wanted", "allowed", "found"),
    [
        ("LoadBalancer", ["ClusterIP"], ["NotAllowed"]),
        ("NodePort", ["ClusterIP", "LoadBalancer"], ["NotAllowed"]),
        ("LoadBalancer", ["ClusterIP", "LoadBalancer"], []),
        ("ClusterIP", ["ClusterIP"], []),
        (None, ["ClusterIP"], []),
        ("ExternalName", ["ClusterIP"], ["InvalidValue"]),
    ],
)
def test_types_of_services_can_be_limited(wanted: str | None, allowed: list[str], found: list[str]) -> None:
    serving = {} if wanted is None else {"serviceType": wanted}

    assert [reason for reason, _ in reasons({"allowed_service_types": allowed}, **serving)] == found


def test_a_url_that_an_older_resource_has_is_a_warning() -> None:
    def told(url: str | None, older: str) -> list[tuple[str, str, str]]:
        cr = a_cr({"servingPort": {"port": 8000, "exposedUrl": url}}, name="llama", namespace="team-a")
        context = Context(load_settings(GATEWAY, {}), {"runai/queue": "a"}, older_with_url=older)
        return [(found.severity, found.reason, found.message) for found in validate(input_of(cr, context))[1]]

    url = "https://llama.example.com/v1"
    assert told(url, "") == told(None, "web") == []
    message = (
        f'spec.servingPort.exposedUrl is "{url}" but should be that of one resource, and RunaiNimService web, which is'
        " older, has it too: give each a URL of its own"
    )
    assert told(url, "web") == [("warning", "DuplicateUrl", message)]
    assert [reason for _, reason, _ in told("https://user:pass@llama.example.com", "web")] == ["InvalidValue"]
