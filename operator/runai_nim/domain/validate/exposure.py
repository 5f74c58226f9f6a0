"""Rules for exposing spec.servingPort outside the cluster."""

import re
from collections.abc import Iterator
from typing import Final

from runai_nim.api import host_patterns, syntax
from runai_nim.api.v1alpha1 import ServingPort
from runai_nim.domain.finding import Finding
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.subject import ValidationSubject

_PATH_PATTERN: Final = "spec.servingPort.exposedUrl"
# Paths that both Ingress and HTTPRoute accept: no empty or dots-only segment, at most 1024 characters.
_URL_PATTERN: Final = re.compile(
    r"https?://(?P<host>[a-z0-9.-]+)(:(?P<port>[1-9][0-9]{0,4}))?(?P<path>(?!.{1025})(/(?!\.\.?(/|$))[-\w.~]+)*/?)",
    re.ASCII,
)

_CHOOSE_HOST_REMEDY: Final = "choose another host"
_MAX_PATTERNS_SHOWN: Final = 5


def check_exposed_url(candidate: ValidationSubject) -> Iterator[Finding]:
    """A URL for which a route can be made. The message never contains a URL with credentials."""
    url = _serving_port(candidate).exposed_url
    if url is None or _is_routable(url):
        return
    rule = "be an http or https URL of a DNS name in lower case, with at most a port and a plain path"
    remedy = "write it as https://llama.example.com/v1, without IP address, credentials, query or fragment"
    yield Finding(
        reason=Reason.INVALID_VALUE, path=_PATH_PATTERN, value=None if "@" in url else url, must=rule, remedy=remedy
    )


def check_exposed_host(candidate: ValidationSubject) -> Iterator[Finding]:
    """A host that the settings allow: its owner gets its visitors, their cookies and its certificates."""
    settings = candidate.context.settings
    url = _serving_port(candidate).exposed_url
    if url is None or settings.external_mode == "none" or not _is_routable(url):
        return
    host = host_of(url)
    if host_patterns.host_matches(host, settings.reserved_hosts, candidate.namespace):
        yield Finding(
            reason=Reason.HOST_TAKEN,
            path=_PATH_PATTERN,
            value=url,
            must=f"not have the host {host}, which is reserved",
            remedy=_CHOOSE_HOST_REMEDY,
        )
    elif not host_patterns.host_matches(host, settings.hosts_of_urls, candidate.namespace):
        patterns = settings.hosts_of_urls
        some = [
            pattern.replace(host_patterns.NAMESPACE_PLACEHOLDER, candidate.namespace)
            for pattern in patterns[:_MAX_PATTERNS_SHOWN]
        ]
        told = ", ".join([*some, "…"] if len(patterns) > len(some) else some)
        rule = f"have a host that the operator's settings allow here ({told})"
        remedy = "choose one of these, or have it allowed by external_hosts in the operator's settings"
        yield Finding(reason=Reason.NOT_ALLOWED, path=_PATH_PATTERN, value=url, must=rule, remedy=remedy)


def check_exposed_url_is_unique(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: of two routes with one URL the controller chooses one. The older resource has no warning."""
    older = candidate.context.older_with_url
    url = _serving_port(candidate).exposed_url
    if older and url is not None and _is_routable(url):
        yield Finding(
            reason=Reason.DUPLICATE_URL,
            path=_PATH_PATTERN,
            value=url,
            must=f"be that of one resource, and RunaiNimService {older}, which is older, has it too",
            remedy="give each a URL of its own",
            severity="warning",
        )


def check_router_host(candidate: ValidationSubject) -> Iterator[Finding]:
    """The host made of name, namespace and domain must be allowed, too."""
    settings = candidate.context.settings
    serving = _serving_port(candidate)
    by_router = settings.external_mode != "none" and serving.expose_externally is not False
    host = f"{candidate.name}.{candidate.namespace}.{settings.external_domain}"
    reserved = host_patterns.host_matches(host, settings.reserved_hosts, candidate.namespace)
    if by_router and serving.exposed_url is None and reserved:
        rule = f"not give the host {host}, which is reserved"
        remedy = "create it under another name, or set servingPort.exposeExternally: false"
        yield Finding(reason=Reason.HOST_TAKEN, path="metadata.name", value=candidate.name, must=rule, remedy=remedy)


def check_exposed_url_is_exposed(candidate: ValidationSubject) -> Iterator[Finding]:
    """exposedUrl conflicts with exposeExternally: false."""
    serving = _serving_port(candidate)
    if serving.exposed_url is not None and serving.expose_externally is False:
        rule = "be absent when exposeExternally is false"
        remedy = "remove one of the two"
        yield Finding(reason=Reason.CONFLICTING_FIELDS, path=_PATH_PATTERN, must=rule, remedy=remedy)


def check_exposed_protocol(candidate: ValidationSubject) -> Iterator[Finding]:
    """Protocol grpc requires grpcPort."""
    serving = _serving_port(candidate)
    if serving.exposed_protocol == "grpc" and serving.grpc_port is None:
        rule = "be set when exposedProtocol is grpc"
        remedy = "give the port of the NIM's gRPC API, or expose http"
        yield Finding(reason=Reason.REQUIRED_FIELD, path="spec.servingPort.grpcPort", must=rule, remedy=remedy)


def check_grpc_has_no_path(candidate: ValidationSubject) -> Iterator[Finding]:
    """A gRPC URL has no path: the path of a gRPC call is its method."""
    serving = _serving_port(candidate)
    by_port = serving.exposed_protocol is None and serving.grpc_port is not None
    # With an Ingress, grpcPort alone still means http.
    implied = by_port and candidate.context.settings.external_mode == "gateway"
    url = _URL_PATTERN.fullmatch(serving.exposed_url or "")
    if (serving.exposed_protocol == "grpc" or implied) and url is not None and url["path"] not in ("", "/"):
        rule = "have no path with gRPC"
        remedy = f"remove {url['path']}, or set exposedProtocol: http"
        yield Finding(
            reason=Reason.CONFLICTING_FIELDS, path=_PATH_PATTERN, value=serving.exposed_url, must=rule, remedy=remedy
        )


def host_of(url: str) -> str:
    """The host of a URL for which a route can be made; empty for other URLs."""
    parts = _URL_PATTERN.fullmatch(url)
    return parts["host"] if parts else ""


def _is_routable(url: str) -> bool:
    parts = _URL_PATTERN.fullmatch(url)
    if parts is None or not syntax.is_object_name(parts["host"]):
        return False
    top = parts["host"].rpartition(".")[2]
    return not top.isdecimal() and int(parts["port"] or 1) <= 65535


def _serving_port(candidate: ValidationSubject) -> ServingPort:
    return candidate.spec.serving_port or ServingPort()
