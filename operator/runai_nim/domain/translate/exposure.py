"""Decides whether and how a service is exposed outside the cluster, and renders the router or route.

Expects a valid spec. With `exposedUrl` the operator writes its own route instead of using the NIM Operator's router.
"""

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from runai_nim.api import well_known
from runai_nim.config.settings import Settings
from runai_nim.domain import names
from runai_nim.domain.reasons import Reason
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource, deep_merge, no_output, render_rows

Protocol = Literal["http", "grpc"]


@dataclass(frozen=True, slots=True)
class Exposure:
    """How a service is exposed: `url` is None if it is not, and `reason` and `message` say why.

    `by`: the NIM Operator's router, or the operator's own route.
    """

    url: str | None = None
    protocol: Protocol = "http"
    by: Literal["router", "route"] = "router"
    reason: Reason | None = None
    message: str = ""


def exposure_of(source: TranslationSource) -> Exposure:
    """The exposure that servingPort and the settings result in."""
    serving = source.serving
    settings = source.settings
    if serving.expose_externally is False:
        return Exposure(reason=Reason.NOT_WANTED, message="spec.servingPort.exposeExternally is false")
    if settings.external_mode == "none":
        return Exposure(
            reason=Reason.NOT_CONFIGURED, message="the operator's settings have no external access (external_mode)"
        )
    protocol: Protocol = serving.exposed_protocol or ("grpc" if serving.grpc_port is not None else "http")
    if protocol == "grpc" and settings.external_mode == "ingress":
        if serving.exposed_protocol == "grpc":
            message = (
                "only a gateway routes gRPC, and the operator is configured for an ingress:"
                " set spec.servingPort.exposedProtocol: http, or external_mode: gateway in the operator's settings"
            )
            return Exposure(reason=Reason.GRPC_NEEDS_GATEWAY, message=message)
        protocol = "http"
    if serving.exposed_url is not None:
        return Exposure(serving.exposed_url, protocol, "route")
    return Exposure(f"{_scheme(settings)}://{_host(source)}", protocol)


def _scheme(settings: Settings) -> str:
    return "https" if settings.external_tls else "http"


def _host(source: TranslationSource) -> str:
    """The host that the NIM Operator's router uses."""
    return f"{source.name}.{source.owner.namespace}.{source.settings.external_domain}"


def tls_secret(source: TranslationSource) -> str | None:
    """The Secret with the certificate of an Ingress, from the configured template."""
    template = source.settings.external_tls_secret
    if template is None:
        return None
    return template.replace("{name}", source.name).replace("{namespace}", source.owner.namespace)


def _router_fragment(source: TranslationSource) -> Fragment:
    exposure = exposure_of(source)
    settings = source.settings
    if exposure.url is None or exposure.by == "route":
        return {}
    router: dict[str, Any] = {"hostDomainName": settings.external_domain}
    if settings.external_annotations:
        router["annotations"] = dict(settings.external_annotations)
    if settings.external_mode == "ingress":
        router["ingress"] = {"ingressClass": settings.external_ingress_class}
        if settings.external_tls and (secret := tls_secret(source)):
            router["ingress"]["tlsSecretName"] = secret
    else:
        router["gateway"] = {
            "name": settings.external_gateway_name,
            "namespace": settings.external_gateway_namespace,
            "httpRoutesEnabled": exposure.protocol == "http",
            "grpcRoutesEnabled": exposure.protocol == "grpc",
        }
    return {"spec": {"expose": {"router": router}}}


ROWS = (
    MappingRow(
        "spec.servingPort.exposeExternally",
        "with external access configured (settings `external_…`): `spec.expose.router` with an ingress or a gateway,"
        " reached at `https://<name>.<namespace>.<domain>`",
        _router_fragment,
        "Not configured: nothing is written, condition Exposed is False, and Ready is unaffected.",
    ),
    MappingRow(
        "spec.servingPort.exposedProtocol",
        "which of the gateway's `httpRoutesEnabled` and `grpcRoutesEnabled` is true; default grpc when"
        " grpcPort is set, otherwise http",
        no_output,
        "The NIM Operator's Ingress serves only the HTTP port.",
    ),
)


def make_route(source: TranslationSource) -> dict[str, Any] | None:
    """The manifest of the operator's Ingress, HTTPRoute or GRPCRoute; None if it writes no route.

    The hash covers everything but the owner, whose uid is compared separately.
    """
    exposure = exposure_of(source)
    if exposure.url is None or exposure.by != "route":
        return None
    manifest = render_rows(ROUTE_ROWS, source)
    content = {"annotations": manifest["metadata"].get("annotations", {}), "spec": manifest["spec"]}
    deep_merge(manifest, {"metadata": {"annotations": {well_known.SPEC_HASH: names.content_hash(content)}}})
    return _route_head(source, exposure) | manifest


def _route_head(source: TranslationSource, exposure: Exposure) -> dict[str, Any]:
    if source.settings.external_mode == "ingress":
        return {"apiVersion": well_known.INGRESS_API_VERSION, "kind": well_known.INGRESS_KIND}
    kind = well_known.GRPC_ROUTE_KIND if exposure.protocol == "grpc" else well_known.HTTP_ROUTE_KIND
    return {"apiVersion": well_known.GATEWAY_API_VERSION, "kind": kind}


def _route_metadata_fragment(source: TranslationSource) -> Fragment:
    metadata = {
        "name": names.route_name(source.name),
        "namespace": source.owner.namespace,
        "labels": {well_known.SERVICE_LABEL: source.name},
        "ownerReferences": [source.owner.reference],
    }
    if source.settings.external_annotations:
        metadata["annotations"] = dict(source.settings.external_annotations)
    return {"metadata": metadata}


def _route_spec_fragment(source: TranslationSource) -> Fragment:
    exposure = exposure_of(source)
    settings = source.settings
    url = urlsplit(exposure.url or "")
    host = url.hostname or ""
    path = url.path or "/"
    if settings.external_mode == "ingress":
        return {"spec": _ingress_spec(source, host, path, tls=url.scheme == "https")}
    grpc = exposure.protocol == "grpc"
    port = source.serving.grpc_port if grpc else source.serving.port
    rule: dict[str, Any] = {"backendRefs": [{"name": source.name, "port": port}]}
    if not grpc:  # a gRPC call's path is its service and method
        rule["matches"] = [{"path": {"type": "PathPrefix", "value": path}}]
    gateway = {"name": settings.external_gateway_name, "namespace": settings.external_gateway_namespace}
    return {"spec": {"parentRefs": [gateway], "hostnames": [host], "rules": [rule]}}


def _ingress_spec(source: TranslationSource, host: str, path: str, *, tls: bool) -> dict[str, Any]:
    backend = {"service": {"name": source.name, "port": {"number": source.serving.port}}}
    rule = {"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}
    spec: dict[str, Any] = {"ingressClassName": source.settings.external_ingress_class, "rules": [rule]}
    if tls:
        secret = tls_secret(source)
        spec["tls"] = [{"hosts": [host], **({"secretName": secret} if secret else {})}]
    return spec


ROUTE_ROWS = (
    MappingRow(
        "",
        "its name `<name>.external`, label and owner, and the annotation `runai-nim.io/spec-hash`",
        _route_metadata_fragment,
        "With the hash, the operator detects removed fields.",
    ),
    MappingRow(
        "spec.servingPort.exposedUrl",
        "the operator's own Ingress, HTTPRoute or GRPCRoute for that host and path, instead of the router",
        _route_spec_fragment,
        "The NIM Operator's router always takes the host `<name>.<namespace>.<domain>`.",
    ),
)
