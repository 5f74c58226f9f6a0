"""spec.servingPort: ports and how they are reached. Types only, no behaviour."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr

from runai_nim.api.v1alpha1.schema import Port, SpecModel


class ServingPort(SpecModel):
    """Ports of the NIM and how they are reached."""

    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] | None = None
    """Type of the Kubernetes Service; default ClusterIP. ExternalName is refused: a NIM runs in pods. Becomes
    expose.service.type of the NIMService."""

    port: Port | None = None
    """Port of the NIM's HTTP API, 1-65535; required. Becomes expose.service.port."""

    grpc_port: Port | None = None
    """Port of the NIM's gRPC API, 1-65535, other than port. Becomes expose.service.grpcPort."""

    metrics_port: Port | None = None
    """Port of the metrics, 1-65535; only needed where they are not on port. Becomes expose.service.metricsPort."""

    expose_externally: StrictBool | None = None
    """Make the endpoint reachable from outside the cluster; default true. Has an effect where the administrator
    configured external access, shown in condition Exposed."""

    exposed_url: Annotated[StrictStr, Field(max_length=2048)] | None = None
    """URL to reach the endpoint at, http or https with host and optional path; default: made from name, namespace and
    the configured domain."""

    exposed_protocol: Literal["http", "grpc"] | None = None
    """Protocol of the external URL; default grpc when grpcPort is set, otherwise http."""
