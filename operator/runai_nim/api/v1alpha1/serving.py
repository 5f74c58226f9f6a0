"""spec.servingPort: ports and exposure."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr

from runai_nim.api.v1alpha1.schema import Port, SpecModel


class ServingPort(SpecModel):
    """Ports of the NIM and their exposure."""

    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] | None = None
    """Type of the Kubernetes Service; default ClusterIP. ExternalName is rejected: a NIM runs in pods. Becomes
    expose.service.type of the NIMService."""

    port: Port | None = None
    """Port of the NIM's HTTP API, 1-65535; required. Becomes expose.service.port."""

    grpc_port: Port | None = None
    """Port of the NIM's gRPC API, 1-65535, other than port. Becomes expose.service.grpcPort."""

    metrics_port: Port | None = None
    """Port of the metrics, 1-65535; needed only if it differs from port. Becomes expose.service.metricsPort."""

    expose_externally: StrictBool | None = None
    """Exposes the service outside the cluster; default true. Has an effect if the administrator configured external
    access; see condition Exposed."""

    exposed_url: Annotated[StrictStr, Field(max_length=2048)] | None = None
    """URL of the service, http or https with host and optional path; default: made from name, namespace and the
    configured domain."""

    exposed_protocol: Literal["http", "grpc"] | None = None
    """Protocol of the external URL; default grpc when grpcPort is set, otherwise http."""
