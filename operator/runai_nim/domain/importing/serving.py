"""NIMService → spec.servingPort: ports, and exposure outside the cluster."""

from typing import Final

from runai_nim.domain.importing.container import DEFAULT_PORT
from runai_nim.domain.importing.rows import BackwardRow, ImportSource, set_fields, spec_fragment
from runai_nim.domain.translate.rules import Fragment


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


def _exposure_fragment(source: ImportSource) -> Fragment:
    """The settings decide how a service is exposed; what they render differently stays, and is reported."""
    if source.peek("expose", "ingress", "enabled") is not True:
        source.remainder.drop("spec", "expose", "ingress")
    elif url := _ingress_url(source):
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


def _ingress_url(source: ImportSource) -> str | None:
    """The URL of a deprecated expose.ingress with one host and one path."""
    ingress = ("expose", "ingress")
    rules = source.peek(*ingress, "spec", "rules")
    if not isinstance(rules, list) or len(rules) != 1:
        return None
    rule = (*ingress, "spec", "rules", 0)
    host = source.peek(*rule, "host")
    paths = source.peek(*rule, "http", "paths")
    if not isinstance(host, str) or not isinstance(paths, list) or len(paths) != 1:
        return None
    path = source.peek(*rule, "http", "paths", 0, "path")
    scheme = "https" if source.peek(*ingress, "spec", "tls") else "http"
    source.remainder.drop("spec", *ingress, "spec", "rules")
    source.remainder.drop("spec", *ingress, "enabled")
    return f"{scheme}://{host}{path.rstrip('/') if isinstance(path, str) else ''}"


ROWS: Final = (
    BackwardRow(
        (
            "spec.servingPort.serviceType",
            "spec.servingPort.port",
            "spec.servingPort.grpcPort",
            "spec.servingPort.metricsPort",
        ),
        _ports_fragment,
    ),
    BackwardRow(
        (
            "spec.servingPort.exposeExternally",
            "spec.servingPort.exposedProtocol",
            "spec.servingPort.exposedUrl",
        ),
        _exposure_fragment,
    ),
)
