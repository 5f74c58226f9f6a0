"""Image, pull settings, NGC secret, user ids and probes → NIMService. Expects a valid spec."""

from collections.abc import Mapping
from typing import Any, Final

from runai_nim.api import image_reference
from runai_nim.api.v1alpha1 import HttpGet, ImagePullSecret, Probe, Probes
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource, without_none

DEFAULT_PROBE: Final[dict[str, Any]] = {"httpGet": {"path": "/v1/health/ready", "port": "api"}}
"""The NIM Operator's default readiness probe. It replaces a probe as a whole, so the user's timing is merged into
this."""
_DEFAULTS: Final[Mapping[str, dict[str, Any]]] = {
    "startupProbe": {"initialDelaySeconds": 30, "failureThreshold": 120, **DEFAULT_PROBE},
    "livenessProbe": {"initialDelaySeconds": 15, "httpGet": {"path": "/v1/health/live", "port": "api"}},
}
"""The NIM Operator's other defaults. With Kubernetes' failureThreshold of 3, no model would load in time."""


def repository_and_tag(text: str) -> dict[str, str]:
    """The two parts that the NIM Operator joins with `:`; a digest is split at its own colon."""
    image = image_reference.parse(text)
    if image.digest is not None:
        algorithm, digest = image.digest
        return {"repository": f"{image.repository}@{algorithm}", "tag": digest}
    return {"repository": image.repository, "tag": image.tag or "latest"}


def _pull_secrets_fragment(source: TranslationSource) -> Fragment:
    secrets = [_secret_name(source, item) for item in source.spec.image_pull_secrets or () if not item.exclude]
    return {"spec": {"image": {"pullSecrets": secrets}}} if secrets else {}


def _secret_name(source: TranslationSource, item: ImagePullSecret) -> str | None:
    return source.settings.credential_secret(item.name) if item.user_credential else item.name


def _readiness_fragment(source: TranslationSource) -> Fragment:
    readiness = source.spec.probes and source.spec.probes.readiness
    probe = _probe(readiness) if readiness else DEFAULT_PROBE
    return {} if probe == DEFAULT_PROBE else {"spec": {"readinessProbe": {"enabled": True, "probe": probe}}}


def _probe(probe: Probe) -> dict[str, Any]:
    given = _given(probe)
    return given if "httpGet" in given else given | DEFAULT_PROBE


def startup_probe_fragment(source: TranslationSource) -> Fragment:
    """The startup probe of the spec; empty without one."""
    return _probe_fragment("startupProbe", (source.spec.probes or Probes()).startup)


def _probe_fragment(target: str, probe: Probe | None) -> Fragment:
    given = _given(probe) if probe else {}
    return {"spec": {target: {"enabled": True, "probe": _DEFAULTS[target] | given}}} if given else {}


def _given(probe: Probe) -> dict[str, Any]:
    """What the user sets of a Kubernetes probe."""
    timing = without_none(
        initialDelaySeconds=probe.initial_delay_seconds,
        periodSeconds=probe.period_seconds,
        timeoutSeconds=probe.timeout_seconds,
        successThreshold=probe.success_threshold,
        failureThreshold=probe.failure_threshold,
    )
    http_get = probe.handler and probe.handler.http_get
    return timing | ({"httpGet": _http_get(http_get)} if http_get else {})


def _http_get(http_get: HttpGet) -> dict[str, Any]:
    return without_none(path=http_get.path or "/", port=http_get.port, host=http_get.host, scheme=http_get.scheme)


ROWS = (
    MappingRow(
        "spec.image",
        "`spec.image.repository` and `.tag`; no tag: `latest`; a digest: `<repository>@sha256` and its digits",
        lambda s: {"spec": {"image": repository_and_tag(s.spec.image or "")}},
        "The NIM Operator joins the two with a colon.",
    ),
    MappingRow(
        "spec.imagePullPolicy",
        "`spec.image.pullPolicy`",
        lambda s: {"spec": {"image": without_none(pullPolicy=s.spec.image_pull_policy)}},
    ),
    MappingRow(
        "spec.imagePullSecrets",
        "`spec.image.pullSecrets`; for a user's credential the Secret that the setting `user_credential_secret` names",
        _pull_secrets_fragment,
    ),
    MappingRow(
        "spec.ngcAuthSecret",
        "`spec.authSecret`",
        lambda s: {"spec": without_none(authSecret=s.spec.ngc_auth_secret)},
        "A NIM downloads its model with the key NGC_API_KEY of this Secret.",
    ),
    MappingRow(
        "spec.security.runAsUid", "`spec.userID`", lambda s: {"spec": without_none(userID=s.security.run_as_uid)}
    ),
    MappingRow(
        "spec.security.runAsGid",
        "`spec.groupID`",
        lambda s: {"spec": without_none(groupID=s.security.run_as_gid)},
    ),
    MappingRow(
        "spec.probes.readiness",
        "`spec.readinessProbe`; without a handler: GET /v1/health/ready on port `api`",
        _readiness_fragment,
        "The NIM Operator replaces its default probe as a whole.",
    ),
    MappingRow(
        "spec.probes.startup",
        "`spec.startupProbe`; absent fields are the NIM Operator's: initialDelaySeconds 30, failureThreshold 120, GET"
        " /v1/health/ready on port `api`",
        startup_probe_fragment,
        "With Kubernetes' default of 3 failures a model would not load in time.",
    ),
    MappingRow(
        "spec.probes.liveness",
        "`spec.livenessProbe`; absent fields are the NIM Operator's: initialDelaySeconds 15, GET /v1/health/live on"
        " port `api`",
        lambda s: _probe_fragment("livenessProbe", (s.spec.probes or Probes()).liveness),
    ),
)
