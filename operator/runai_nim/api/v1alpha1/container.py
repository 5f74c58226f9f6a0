"""The NIM's container: pull secrets, probes, user ids."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr

from runai_nim.api.v1alpha1.schema import (
    CelRule,
    DnsLabel,
    NonNegativeInt,
    Ours,
    Port,
    PositiveInt,
    SpecModel,
    cel,
)


class ImagePullSecret(SpecModel):
    """A secret to pull the image with."""

    name: DnsLabel
    """Name of a Secret of type kubernetes.io/dockerconfigjson in this namespace, or of a user's credential."""

    user_credential: StrictBool | None = None
    """true: name is a user's credential in Run:ai; the operator's settings define the name of its Secret. Default
    false."""

    exclude: StrictBool | None = None
    """true: not rendered, and removes the pull secret of this name that a policy adds. Default false."""


class HttpGet(SpecModel):
    """An HTTP request; a status from 200 to 399 is success."""

    path: Annotated[StrictStr, Field(max_length=2048, pattern=r"^(/[a-zA-Z0-9\-_./]*)?$")] | None = None
    """Path of the request; default /."""

    port: Port | None = None
    """Port of the request, 1-65535; required."""

    host: Annotated[StrictStr, Field(max_length=253)] | None = None
    """DNS name or IP address that the kubelet connects to from the node; not link-local, not loopback. Default: the
    pod's IP address."""

    scheme: Literal["HTTP", "HTTPS"] | None = None
    """HTTP (default) or HTTPS."""


class ProbeHandler(SpecModel):
    """The request of a probe."""

    http_get: HttpGet | None = None
    """An HTTP request."""


class Probe(SpecModel):
    """Schedule and request of a probe. Absent fields have Kubernetes' defaults, unless the probe has others."""

    initial_delay_seconds: NonNegativeInt | None = None
    """Seconds from the container's start to the first probe, at least 0; default 0."""

    period_seconds: PositiveInt | None = None
    """Seconds from one probe to the next, at least 1; default 10."""

    timeout_seconds: PositiveInt | None = None
    """Seconds to wait for a response, at least 1; default 1."""

    success_threshold: PositiveInt | None = None
    """Consecutive successes after which a failed pod is ready again, at least 1; default 1. Only 1 with startup and
    liveness."""

    failure_threshold: PositiveInt | None = None
    """Consecutive failures after which a pod is not ready, or with startup and liveness its container restarts; at
    least 1, default 3."""

    handler: ProbeHandler | None = None
    """The request; default: GET /v1/health/ready (liveness: /v1/health/live) on the NIM's HTTP port."""


def _succeeds_once(probe: str) -> CelRule:
    return CelRule(
        f"!has(self.{probe}) || !has(self.{probe}.successThreshold) || self.{probe}.successThreshold == 1",
        f"{probe}.successThreshold must be 1, Kubernetes allows no other: remove it",
        f".{probe}.successThreshold",
        f"'{probe}.successThreshold is %s but must be 1, Kubernetes allows no other: remove it'"
        f".format([self.{probe}.successThreshold])",
    )


class Probes(SpecModel):
    """Health checks of the pods."""

    model_config = cel(_succeeds_once("startup"), _succeeds_once("liveness"))

    readiness: Probe | None = None
    """Decides when a pod receives requests. Becomes readinessProbe of the NIMService."""

    startup: Annotated[Probe | None, Ours()] = None
    """How long a container may take to load its model: failureThreshold × periodSeconds, after that it restarts. The
    other probes begin when this one succeeds. Default: initialDelaySeconds 30, periodSeconds 10, failureThreshold 120
    (20 minutes). Becomes startupProbe of the NIMService."""

    liveness: Annotated[Probe | None, Ours()] = None
    """Decides when a container that answered before is restarted. Default: initialDelaySeconds 15, failureThreshold 3.
    Becomes livenessProbe of the NIMService."""


class Security(SpecModel):
    """User and group ids of the container."""

    run_as_uid: NonNegativeInt | None = None
    """User id of the container, at least 0; default: the NIM Operator's, 1000. Becomes userID of the NIMService."""

    run_as_gid: NonNegativeInt | None = None
    """Group id of the container and of its files, at least 0; default: the NIM Operator's, 2000. Becomes groupID."""
