"""Rules for the container: image, pull secrets, NGC secret, probes."""

import re
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from typing import Final

from runai_nim.api import image_reference, syntax
from runai_nim.api.v1alpha1 import HttpGet, Probe, Probes
from runai_nim.domain.finding import Finding
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.list_items import duplicate_findings
from runai_nim.domain.validate.subject import ValidationSubject


def check_image(candidate: ValidationSubject) -> Iterator[Finding]:
    """Required, and a valid reference; with both tag and digest, a warning says that the digest decides."""
    text = candidate.spec.image
    if text is None:
        yield Finding(reason=Reason.REQUIRED_FIELD, path="spec.image", must="be set", remedy="name the NIM's image")
        return
    try:
        reference = image_reference.parse(text)
    except image_reference.ImageError as error:
        yield Finding(reason=Reason.INVALID_VALUE, path="spec.image", value=text, must=str(error), remedy="correct it")
        return
    if reference.tag and reference.digest:
        rule = "have a tag or a digest, not both (the digest decides, the tag is dropped)"
        yield Finding(
            reason=Reason.IGNORED_FIELD,
            path="spec.image",
            value=text,
            must=rule,
            remedy=f"remove :{reference.tag}",
            severity="warning",
        )


def check_ngc_auth_secret(candidate: ValidationSubject) -> Iterator[Finding]:
    """The NIM Operator up to 3.1.2 requires authSecret."""
    if candidate.spec.ngc_auth_secret is None and candidate.context.nimservice_schema.requires_auth_secret:
        rule = "be set, the NIM Operator before 3.1.3 requires it"
        remedy = (
            "name a Secret of this namespace whose key NGC_API_KEY holds the NGC API key, or upgrade the NIM Operator"
            " to 3.1.3 or newer, where it is optional"
        )
        yield Finding(reason=Reason.REQUIRED_FIELD, path="spec.ngcAuthSecret", must=rule, remedy=remedy)


def check_image_pull_secrets(candidate: ValidationSubject) -> Iterator[Finding]:
    """Unique names that YAML reads as strings: the NIM Operator writes them unquoted into its templates."""
    secrets = [
        (f"spec.imagePullSecrets[{i}].name", item) for i, item in enumerate(candidate.spec.image_pull_secrets or ())
    ]
    yield from duplicate_findings((path, item.name) for path, item in secrets)
    for path, item in secrets:
        name = candidate.context.settings.credential_secret(item.name) if item.user_credential else item.name
        if name is not None and not item.exclude and not syntax.is_yaml_text(name):
            rule = "be the name of a Secret, and no word that YAML reads as true, false, null or a number"
            yield Finding(reason=Reason.INVALID_NAME, path=path, value=item.name, must=rule, remedy="rename the Secret")


_HOST_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

_HOST_NAME: Final = re.compile(rf"({_HOST_LABEL}\.)*{_HOST_LABEL}")

# inet_aton parses 2852039166, 0xa9fea9fe and 169.254.43518 as addresses. No DNS name ends in a numeric label.
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def check_probe_success(candidate: ValidationSubject) -> Iterator[Finding]:
    """A startup or liveness probe succeeds with one answer."""
    for name, probe in _probes(candidate):
        if name != "readiness" and probe.success_threshold not in (None, 1):
            yield Finding(
                reason=Reason.CONFLICTING_FIELDS,
                path=f"spec.probes.{name}.successThreshold",
                value=str(probe.success_threshold),
                must=f"be 1 in a {name} probe, Kubernetes allows no other",
                remedy="remove it",
            )


def check_probe_port(candidate: ValidationSubject) -> Iterator[Finding]:
    """httpGet requires a port."""
    for path, http_get in _http_gets(candidate):
        if http_get.port is None:
            remedy = "give the port to ask on, or remove httpGet for the NIM's own health check"
            yield Finding(reason=Reason.REQUIRED_FIELD, path=f"{path}.port", must="be set", remedy=remedy)


def check_probe_host(candidate: ValidationSubject) -> Iterator[Finding]:
    """No link-local or loopback host: the kubelet probes from the node, where metadata service and node ports
    answer."""
    for path, http_get in _http_gets(candidate):
        if http_get.host and not _is_allowed_host(http_get.host):
            rule = "be a DNS name, or an IP address that is not link-local, loopback, multicast or unspecified"
            remedy = "correct it, or remove it to ask the pod itself"
            yield Finding(
                reason=Reason.INVALID_VALUE, path=f"{path}.host", value=http_get.host, must=rule, remedy=remedy
            )


def _probes(candidate: ValidationSubject) -> Iterator[tuple[str, Probe]]:
    probes = candidate.spec.probes or Probes()
    named = {"readiness": probes.readiness, "startup": probes.startup, "liveness": probes.liveness}
    return ((name, probe) for name, probe in named.items() if probe is not None)


def _http_gets(candidate: ValidationSubject) -> Iterator[tuple[str, HttpGet]]:
    for name, probe in _probes(candidate):
        if probe.handler is not None and probe.handler.http_get is not None:
            yield f"spec.probes.{name}.handler.httpGet", probe.handler.http_get


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
