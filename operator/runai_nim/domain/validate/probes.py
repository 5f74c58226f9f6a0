"""Rules for spec.probes. Bounds of its numbers are the types'."""

import re
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from typing import Final

from runai_nim.api.v1alpha1 import HttpGet
from runai_nim.domain.validate.finding import Finding, Reason
from runai_nim.domain.validate.subject import ValidationSubject

_PROBE_PATH: Final = "spec.probes.readiness.handler.httpGet"
_HOST_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_NAME: Final = re.compile(rf"({_HOST_LABEL}\.)*{_HOST_LABEL}")
# inet_aton reads 2852039166, 0xa9fea9fe and 169.254.43518 as addresses; a name whose last label is a number is none.
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def check_probe_port(candidate: ValidationSubject) -> Iterator[Finding]:
    """A request of one's own needs a port; without httpGet the NIM's own health check is asked."""
    asked = _http_get(candidate)
    if asked is not None and asked.port is None:
        remedy = "give the port to ask on, or remove httpGet for the NIM's own health check"
        yield Finding(reason=Reason.REQUIRED_FIELD, path=f"{_PROBE_PATH}.port", must="be set", remedy=remedy)


def check_probe_host(candidate: ValidationSubject) -> Iterator[Finding]:
    """The kubelet asks, from the node's network: a cloud's metadata service and the node's own ports answer it."""
    asked = _http_get(candidate)
    if asked is None or not asked.host or _is_allowed_host(asked.host):
        return
    rule = "be a DNS name, or an IP address that is not link-local, loopback, multicast or unspecified"
    remedy = "correct it, or remove it to ask the pod itself"
    yield Finding(reason=Reason.INVALID_VALUE, path=f"{_PROBE_PATH}.host", value=asked.host, must=rule, remedy=remedy)


def _http_get(candidate: ValidationSubject) -> HttpGet | None:
    probes = candidate.spec.probes
    handler = probes and probes.readiness and probes.readiness.handler
    return handler.http_get if handler else None


def _is_allowed_host(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        last = host.rpartition(".")[2]
        is_name = _HOST_NAME.fullmatch(host) is not None and _NUMERIC_LABEL.fullmatch(last) is None
        return is_name and last.lower() != "localhost"
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        address = address.ipv4_mapped or address
    return not (address.is_link_local or address.is_loopback or address.is_multicast or address.is_unspecified)
