"""Routes that lead to a NIMService become its exposedUrl; what the operator's own would not have is said."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.importing import ImportedRoute, import_nimservice, import_route, leads_to
from runai_nim.domain.translate import translate
from tests.support.decisions import input_of
from tests.support.golden import Case, a_context, golden_cases, stored

URL = "https://llama.example.com/v1"
INGRESS_SETTINGS = {
    "external_mode": "ingress",
    "external_domain": "models.example.com",
    "external_hosts": ["*.example.com"],
    "external_ingress_class": "nginx",
    "external_tls": True,
}
GATEWAY_SETTINGS = {
    "external_mode": "gateway",
    "external_domain": "models.example.com",
    "external_hosts": ["*.example.com"],
    "external_gateway_name": "public",
    "external_gateway_namespace": "gateways",
    "external_tls": True,
}
ROUTED = [case for case in golden_cases() if not case.refused and case.expected.get("route")]
PATH = {
    "path": "/v1",
    "pathType": "ImplementationSpecific",
    "backend": {"service": {"name": "llama", "port": {"name": "api"}}},
}


def a_manifest(**serving: Any) -> dict[str, Any]:
    return {"metadata": {"name": "llama"}, "spec": {"servingPort": {"port": 8000, **serving}}}


def an_ingress(name: str = "llama.external", *, paths: Any = (PATH,), **spec: Any) -> dict[str, Any]:
    rules = [{"host": "llama.example.com", "http": {"paths": list(paths)}}]
    known = {"ingressClassName": "nginx", "rules": rules, "tls": [{"hosts": ["llama.example.com"]}]}
    return {"kind": "Ingress", "metadata": {"name": name, "namespace": "team-a"}, "spec": known | spec}


def an_http_route(kind: str = "HTTPRoute", **spec: Any) -> dict[str, Any]:
    backend = {"group": "", "kind": "Service", "name": "llama", "port": 8000, "weight": 1}
    rule = {"backendRefs": [backend], "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}]}
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public", "namespace": "gateways"}
    known = {"parentRefs": [parent], "hostnames": ["llama.example.com"], "rules": [rule]}
    return {"kind": kind, "metadata": {"name": "llama.external"}, "spec": known | spec}


def imported(
    route: dict[str, Any], manifest: dict[str, Any] | None = None, given: dict[str, Any] | None = None
) -> ImportedRoute:
    context = Context(load_settings(INGRESS_SETTINGS if given is None else given, {}), {"runai/queue": "a"})
    return import_route(manifest or a_manifest(), route, context, "team-a")


def serving_of(result: ImportedRoute) -> dict[str, Any]:
    serving: dict[str, Any] = result.manifest["spec"]["servingPort"]
    return serving


def paths(result: ImportedRoute) -> list[str]:
    return [finding.path for finding in result.findings]


@pytest.mark.parametrize("case", ROUTED, ids=lambda case: case.name)
def test_each_golden_route_comes_back(case: Case) -> None:
    context = a_context(case.context)
    expected = case.expected
    namespace = expected["nimservice"]["metadata"]["namespace"]

    manifest = import_nimservice(expected["nimservice"], context).manifest
    result = import_route(manifest, expected["route"], context, namespace)

    assert leads_to(expected["route"], expected["nimservice"]["metadata"]["name"])
    assert result.findings == ()
    again = translate(input_of(stored(result.manifest), context))
    assert (again.nimservice, again.route) == (expected["nimservice"], expected["route"])


def test_an_ingress_is_the_url() -> None:
    result = imported(an_ingress(), a_manifest(exposeExternally=False))

    assert (serving_of(result), result.findings) == ({"port": 8000, "exposedUrl": URL}, ())
    plain = imported(an_ingress(tls=[]))
    assert serving_of(plain)["exposedUrl"] == "http://llama.example.com/v1"


def test_a_route_of_a_gateway_is_the_url() -> None:
    result = imported(an_http_route(), given=GATEWAY_SETTINGS)

    assert (serving_of(result), result.findings) == ({"port": 8000, "exposedUrl": URL}, ())
    grpc = imported(
        an_http_route("GRPCRoute", rules=[{"backendRefs": [{"name": "llama", "port": 50051}]}]),
        a_manifest(grpcPort=50051),
        given=GATEWAY_SETTINGS,
    )
    assert serving_of(grpc)["exposedUrl"] == "https://llama.example.com"
    assert "exposedProtocol" not in serving_of(grpc)
    http = imported(an_http_route(), a_manifest(grpcPort=50051), given=GATEWAY_SETTINGS)
    assert serving_of(http)["exposedProtocol"] == "http"


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (an_ingress(ingressClassName="traefik"), ["spec.ingressClassName"]),
        (an_ingress(paths=[{**PATH, "pathType": "Exact"}]), ["spec.rules[0].http.paths[0].pathType"]),
        (an_ingress(paths=[PATH, {**PATH, "path": "/v2"}]), ["spec.rules[0].http.paths[1]"]),
        (
            an_ingress(paths=[{**PATH, "backend": {"service": {"name": "llama", "port": {"number": 9}}}}]),
            ["spec.rules[0].http.paths[0].backend.service.port.number"],
        ),
        (
            an_ingress(tls=[{"hosts": ["llama.example.com"], "secretName": "own"}]),
            ["spec.tls[0].secretName"],
        ),
        (an_http_route(), ["kind"]),
        (an_ingress("mine"), ["metadata.name"]),
    ],
)
def test_what_the_operator_s_own_route_lacks_is_said(route: dict[str, Any], expected: list[str]) -> None:
    result = imported(route)

    assert paths(result) == expected
    assert serving_of(result)["exposedUrl"].startswith("https://llama.example.com")


def test_annotations_are_those_of_the_settings() -> None:
    annotations = {"a": "b", "example.com/c": "secret", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    route = an_ingress()
    route["metadata"]["annotations"] = annotations

    (finding,) = imported(route, given=INGRESS_SETTINGS | {"external_annotations": {"a": "b"}}).findings

    assert finding.path == "metadata.annotations[example.com/c]"
    assert "secret" not in finding.message


def test_a_route_that_the_nim_operator_made_goes_with_its_router() -> None:
    route = an_ingress("llama")
    route["metadata"]["ownerReferences"] = [{"kind": "NIMService", "name": "llama"}]

    assert imported(route).findings == ()
    route["spec"]["rules"][0] = {"host": "llama.team-a.models.example.com", "http": {"paths": [{}]}}
    route["spec"]["tls"] = [{"hosts": ["llama.team-a.models.example.com"]}]
    result = imported(route)
    assert (serving_of(result), result.findings) == ({"port": 8000}, ())


def test_without_external_access_the_url_is_kept_and_said() -> None:
    result = imported(an_ingress(), given={})

    assert serving_of(result)["exposedUrl"] == URL
    (finding,) = result.findings
    assert (finding.path, "set external_mode" in finding.remedy) == ("spec", True)


def test_a_second_url_is_said() -> None:
    result = imported(an_ingress(), a_manifest(exposedUrl="https://other.example.com"))

    assert serving_of(result)["exposedUrl"] == "https://other.example.com"
    assert [finding.severity for finding in result.findings] == ["warning"]
    assert imported(an_ingress(), a_manifest(exposedUrl=URL)).findings == ()


@pytest.mark.parametrize(
    "route",
    [
        an_ingress(rules=[{"http": {"paths": [PATH]}}]),
        an_http_route(hostnames=[]),
    ],
)
def test_a_route_without_a_host_has_no_url(route: dict[str, Any]) -> None:
    for given_ in (INGRESS_SETTINGS, {}):
        result = imported(route, given=given_)

        assert serving_of(result) == {"port": 8000}
        assert paths(result) == ["spec"]


def test_a_url_that_is_refused_is_in_the_manifest_which_says_so() -> None:
    result = imported(an_ingress(rules=[{"host": "llama.other.com", "http": {"paths": [PATH]}}]))

    assert (serving_of(result)["exposedUrl"], result.findings) == ("http://llama.other.com/v1", ())


def test_backends() -> None:
    assert leads_to(an_ingress(), "llama")
    assert leads_to(an_http_route(), "llama")
    assert leads_to({"spec": {"defaultBackend": {"service": {"name": "llama"}}}}, "llama")
    assert not leads_to(an_ingress(), "other")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda below: (
        st.lists(below, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ("rules", "http", "paths", "path", "host", "tls", "hosts", "hostnames", "matches", "value", "name")
            ),
            below,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(("Ingress", "HTTPRoute", "GRPCRoute")),
    JSON,
    JSON,
    st.sampled_from((INGRESS_SETTINGS, GATEWAY_SETTINGS)),
)
def test_any_route_becomes_findings(kind: str, metadata: Any, spec: Any, given_: dict[str, Any]) -> None:
    route = {"kind": kind, "metadata": metadata, "spec": spec}

    leads_to(route, "llama")
    assert all(finding.message for finding in imported(route, given=given_).findings)
