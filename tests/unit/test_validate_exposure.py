from typing import Any

import pytest

from runai_nim.settings import settings_from
from runai_nim.validate import Context, Finding, validate

GATEWAY = {
    "external_mode": "gateway",
    "external_domain": "example.com",
    "external_gateway_name": "edge",
    "external_gateway_namespace": "gateways",
}


def findings(settings: dict[str, Any] | None = None, **serving: Any) -> tuple[Finding, ...]:
    spec = {
        "image": "nvcr.io/nim/meta/llama:1.0",
        "ngcAuthSecret": "ngc",
        "modelStore": {"nimCache": {"name": "cache"}},
        "servingPort": {"port": 8000, **serving},
    }
    return validate({"metadata": {"name": "llama"}, "spec": spec}, Context(settings_from(settings, {})))[1]


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
