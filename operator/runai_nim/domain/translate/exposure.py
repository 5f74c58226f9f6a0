"""Whether and how a service is reached from outside the cluster; the NIM Operator's router. Pure decisions.

Expects a spec without errors. With `exposedUrl` no router is asked for, but a route of our own (`route`).
"""

from dataclasses import dataclass
from typing import Any, Literal

from runai_nim.config.settings import Settings
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource, no_output

Protocol = Literal["http", "grpc"]


@dataclass(frozen=True, slots=True)
class Exposure:
    """How a service is reached: `url` is None when it isn't, and `reason` and `message` say why.

    `by`: the NIM Operator's router, or a route of our own.
    """

    url: str | None = None
    protocol: Protocol = "http"
    by: Literal["router", "route"] = "router"
    reason: str = ""
    message: str = ""


def exposure_of(source: TranslationSource) -> Exposure:
    """What follows from servingPort and the settings."""
    serving, settings = source.serving, source.settings
    if serving.expose_externally is False:
        return Exposure(reason="NotWanted", message="spec.servingPort.exposeExternally is false")
    if settings.external_mode == "none":
        return Exposure(
            reason="NotConfigured", message="the operator's settings have no external access (external_mode)"
        )
    protocol: Protocol = serving.exposed_protocol or ("grpc" if serving.grpc_port is not None else "http")
    if protocol == "grpc" and settings.external_mode == "ingress":
        if serving.exposed_protocol == "grpc":
            message = (
                "gRPC is only routed by a gateway, and the operator is configured for an ingress:"
                " set spec.servingPort.exposedProtocol: http, or external_mode: gateway in the operator's settings"
            )
            return Exposure(reason="GrpcNeedsGateway", message=message)
        protocol = "http"
    if serving.exposed_url is not None:
        return Exposure(serving.exposed_url, protocol, "route")
    return Exposure(f"{_scheme(settings)}://{_host(source)}", protocol)


def _scheme(settings: Settings) -> str:
    return "https" if settings.external_tls else "http"


def _host(source: TranslationSource) -> str:
    """What the NIM Operator calls it, always."""
    return f"{source.name}.{source.owner.namespace}.{source.settings.external_domain}"


def tls_secret(source: TranslationSource) -> str | None:
    """The Secret with the certificate of an Ingress, by the configured template."""
    template = source.settings.external_tls_secret
    if template is None:
        return None
    return template.replace("{name}", source.name).replace("{namespace}", source.owner.namespace)


def _router_fragment(source: TranslationSource) -> Fragment:
    exposure, settings = exposure_of(source), source.settings
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
        "The NIM Operator's Ingress serves the HTTP port alone.",
    ),
)
