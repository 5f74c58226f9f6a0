"""NIMService → image, pull settings, NGC secret, user ids and probes."""

from collections.abc import Mapping
from typing import Any, Final

from runai_nim.domain.importing.rows import BackwardRow, ImportSource, set_fields, spec_fragment
from runai_nim.domain.translate.rules import Fragment

_TIMING: Final = ("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold")
DEFAULT_PORT: Final = 8000
"""Port of a NIMService without one."""
MINIMUM: Final[Mapping[str, Any]] = {
    "image": "registry.invalid/minimum:0",
    "ngcAuthSecret": "minimum",
    "modelStore": {"nimCache": {"name": "minimum"}},
    "servingPort": {"port": DEFAULT_PORT},
}
"""A spec that is valid in every context, beside which a part of another one can be tried."""


def _image_fragment(source: ImportSource) -> Fragment:
    repository = source.take(str, "image", "repository")
    if not repository:
        return {}
    tag = source.take(str, "image", "tag")  # of a digest: the repository ends in @sha256
    return spec_fragment(
        image=f"{repository}:{tag}" if tag else repository, imagePullPolicy=source.take(str, "image", "pullPolicy")
    )


def _pull_secrets_fragment(source: ImportSource) -> Fragment:
    found = [name for _, name in source.remainder.items(str, "spec", "image", "pullSecrets")]
    for index, _ in source.remainder.items(str, "spec", "image", "pullSecrets"):
        source.remainder.drop("spec", "image", "pullSecrets", index)
    return spec_fragment(imagePullSecrets=[{"name": name} for name in dict.fromkeys(found)])


def _security_fragment(source: ImportSource) -> Fragment:
    return spec_fragment(security=set_fields(runAsUid=source.take(int, "userID"), runAsGid=source.take(int, "groupID")))


def _readiness_fragment(source: ImportSource) -> Fragment:
    return _probe_fragment(source, "readiness", {}, "/v1/health/ready")


def _startup_fragment(source: ImportSource) -> Fragment:
    kubernetes = {"initialDelaySeconds": 0, "failureThreshold": 3}
    return _probe_fragment(source, "startup", kubernetes, "/v1/health/ready")


def _liveness_fragment(source: ImportSource) -> Fragment:
    return _probe_fragment(source, "liveness", {"initialDelaySeconds": 0}, "/v1/health/live")


def _probe_fragment(source: ImportSource, field: str, kubernetes: dict[str, int], path: str) -> Fragment:
    """`kubernetes`: defaults of Kubernetes, which hold for a probe of a NIMService, where this field has others."""
    target = f"{field}Probe"
    if source.peek(target, "enabled") is False:
        return {}
    source.take(bool, target, "enabled")
    if not source.remainder.keys("spec", target, "probe"):
        return {}
    timing = {name: source.take(int, target, "probe", name) for name in _TIMING}
    probe = kubernetes | set_fields(**timing, handler=_handler(source, target, path))
    return spec_fragment(probes=set_fields(**{field: probe}))


def _handler(source: ImportSource, target: str, default_path: str) -> dict[str, Any]:
    place = (target, "probe", "httpGet")
    if not source.remainder.keys("spec", *place):
        return {}
    request = {name: source.take(str, *place, name) for name in ("path", "host", "scheme")}
    port = source.take(int, *place, "port")
    if source.peek(*place, "port") == "api":  # the name of the NIM's HTTP port
        source.remainder.drop("spec", *place, "port")
        if set_fields(**request) == {"path": default_path}:
            return {}
        port = source.peek("expose", "service", "port") or DEFAULT_PORT
    # An empty host is written as it is, so without it the pods would differ.
    host = {} if request["host"] is None else {"host": request["host"]}
    return {"httpGet": set_fields(**request, port=port) | host}


ROWS: Final = (
    BackwardRow(("spec.image", "spec.imagePullPolicy"), _image_fragment),
    BackwardRow(("spec.imagePullSecrets",), _pull_secrets_fragment),
    BackwardRow(("spec.ngcAuthSecret",), lambda s: spec_fragment(ngcAuthSecret=s.take(str, "authSecret") or None)),
    BackwardRow(("spec.probes.readiness",), _readiness_fragment),
    BackwardRow(("spec.probes.startup",), _startup_fragment),
    BackwardRow(("spec.probes.liveness",), _liveness_fragment),
    BackwardRow(("spec.security.runAsUid", "spec.security.runAsGid"), _security_fragment),
)
