"""The NIM's container: environment, labels, annotations, pull secrets, probes, user ids. Types only, no behaviour."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr

from runai_nim.api.v1alpha1.schema import (
    DnsLabel,
    NonNegativeInt,
    Port,
    PositiveInt,
    SpecModel,
)


class ImagePullSecret(SpecModel):
    """A secret to pull the image with."""

    name: DnsLabel
    """Name of a Secret of type kubernetes.io/dockerconfigjson in this namespace, or of a user's credential."""

    user_credential: StrictBool | None = None
    """true: name is a user's credential in Run:ai; the operator's settings say how its Secret is named. Default
    false."""

    exclude: StrictBool | None = None
    """true: not rendered, and removes the pull secret of this name that a policy adds. Default false."""


class HttpGet(SpecModel):
    """An HTTP request; a status from 200 to 399 is success."""

    path: Annotated[StrictStr, Field(max_length=2048, pattern=r"^(/[a-zA-Z0-9\-_./]*)?$")] | None = None
    """Path to ask for; default /."""

    port: Port | None = None
    """Port to ask on, 1-65535; required."""

    host: Annotated[StrictStr, Field(max_length=253)] | None = None
    """DNS name or IP address to ask, from the node; not link-local, not loopback. Default: the pod's IP address."""

    scheme: Literal["HTTP", "HTTPS"] | None = None
    """HTTP (default) or HTTPS."""


class ProbeHandler(SpecModel):
    """How a probe asks."""

    http_get: HttpGet | None = None
    """Ask by HTTP."""


class Probe(SpecModel):
    """When and how a probe asks. What is absent has Kubernetes' default."""

    initial_delay_seconds: NonNegativeInt | None = None
    """Seconds from the container's start to the first probe, at least 0; default 0."""

    period_seconds: PositiveInt | None = None
    """Seconds from one probe to the next, at least 1; default 10."""

    timeout_seconds: PositiveInt | None = None
    """Seconds to wait for an answer, at least 1; default 1."""

    success_threshold: PositiveInt | None = None
    """Successes in a row that make a failed pod ready again, at least 1; default 1."""

    failure_threshold: PositiveInt | None = None
    """Failures in a row that make a pod not ready, at least 1; default 3."""

    handler: ProbeHandler | None = None
    """How to ask; default: GET /v1/health/ready on the NIM's HTTP port."""


class Probes(SpecModel):
    """Health checks of the pods."""

    readiness: Probe | None = None
    """When a pod may take requests. Becomes readinessProbe of the NIMService."""


class Security(SpecModel):
    """Ids that the container runs as."""

    run_as_uid: NonNegativeInt | None = None
    """User id of the container, at least 0; default: the NIM Operator's, 1000. Becomes userID of the NIMService."""

    run_as_gid: NonNegativeInt | None = None
    """Group id of the container and of its files, at least 0; default: the NIM Operator's, 2000. Becomes groupID."""
