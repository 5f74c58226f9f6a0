"""NIMService → spec.servingPort: ports, and exposure outside the cluster."""

from typing import Final

from runai_nim.domain.importing.container import DEFAULT_PORT
from runai_nim.domain.importing.rows import BackwardRow, ImportSource, set_fields, spec_fragment
from runai_nim.domain.translate.rules import Fragment, deep_merge

INGRESS_PATH_TYPES: Final = ("Prefix", "ImplementationSpecific")
"""Types of a path that the operator's Prefix stands for."""
SERVICE_PORT_NAME: Final = "api"
"""The NIM Operator's name of the HTTP port."""


def _serving_fragment(source: ImportSource) -> Fragment:
    port = source.peek("expose", "service", "port")
    fragment = _ports_fragment(source)
    deep_merge(fragment, _exposure_fragment(source, DEFAULT_PORT if port is None else port))
    return fragment


def _ports_fragment(source: ImportSource) -> Fragment:
    place = ("expose", "service")
    kind = source.take(str, *place, "type")
    port = source.take(int, *place, "port")
    metrics = source.take(int, *place, "metricsPort")
    return spec_fragment(
        servingPort=set_fields(
            serviceType=None if kind == "ClusterIP" else kind,
            port=DEFAULT_PORT if port is None else port,
            grpcPort=source.take(int, *place, "grpcPort"),
            metricsPort=metrics,
        )
    )


def _exposure_fragment(source: ImportSource, port: object) -> Fragment:
    """The settings decide how a service is exposed; what they render differently stays, and is reported."""
    if source.peek("expose", "ingress", "enabled") is not True:
        source.remainder.drop("spec", "expose", "ingress")
    elif url := _ingress_url(source, port):
        return spec_fragment(servingPort={"exposedUrl": url})
    router = ("expose", "router")
    if not source.peek(*router, "ingress") and not source.peek(*router, "gateway"):
        source.remainder.drop("spec", *router, "hostDomainName")  # without ingress and gateway it makes no route
        is_configured = source.settings.external_mode != "none"
        return spec_fragment(servingPort={"exposeExternally": False} if is_configured else {})
    is_http = source.peek(*router, "gateway", "httpRoutesEnabled") is not False
    is_grpc = source.peek(*router, "gateway", "grpcRoutesEnabled") is True
    if source.peek(*router, "gateway") and is_http != is_grpc:
        return spec_fragment(servingPort={"exposedProtocol": "grpc" if is_grpc else "http"})
    return {}


def _ingress_url(source: ImportSource, port: object) -> str | None:
    """The URL of a deprecated expose.ingress with one host and one path. What the URL doesn't say stays."""
    ingress = ("expose", "ingress")
    rules = source.peek(*ingress, "spec", "rules")
    if not isinstance(rules, list) or len(rules) != 1:
        return None
    rule = (*ingress, "spec", "rules", 0)
    host = source.peek(*rule, "host")
    paths = source.peek(*rule, "http", "paths")
    if not isinstance(host, str) or not isinstance(paths, list) or len(paths) != 1:
        return None
    first = (*rule, "http", "paths", 0)
    path = source.peek(*first, "path")
    scheme = "https" if source.peek(*ingress, "spec", "tls") else "http"
    source.remainder.drop("spec", *rule, "host")
    source.remainder.drop("spec", *first, "path")
    if source.peek(*first, "pathType") in INGRESS_PATH_TYPES:
        source.remainder.drop("spec", *first, "pathType")
    if _leads_to_port(source, port, *first, "backend", "service"):
        source.remainder.drop("spec", *first, "backend")
    if source.settings.external_mode != "none":
        source.remainder.drop("spec", *ingress, "enabled")  # else nothing exposes it
    return f"{scheme}://{host}{path.rstrip('/') if isinstance(path, str) else ''}"


def _leads_to_port(source: ImportSource, port: object, *service: str | int) -> bool:
    """Whether a backend is the HTTP port of the NIMService's Service."""
    is_named = source.peek(*service, "port", "name") == SERVICE_PORT_NAME
    has_number = source.peek(*service, "port", "number") == port
    return bool(source.peek(*service, "name") == source.name and (is_named or has_number))


ROWS: Final = (
    BackwardRow(
        (
            "spec.servingPort.serviceType",
            "spec.servingPort.port",
            "spec.servingPort.grpcPort",
            "spec.servingPort.metricsPort",
            "spec.servingPort.exposeExternally",
            "spec.servingPort.exposedProtocol",
            "spec.servingPort.exposedUrl",
        ),
        _serving_fragment,
    ),
)
