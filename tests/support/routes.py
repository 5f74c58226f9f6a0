"""External exposure in tests: route kinds, the operator's settings for each, and URLs of a namespace."""

from typing import Any

from local.objects import Objects
from tests.support.services import CR, present, sample, settled

INGRESS = "networking.k8s.io/v1 Ingress"
HTTP_ROUTE = "gateway.networking.k8s.io/v1 HTTPRoute"
GRPC_ROUTE = "gateway.networking.k8s.io/v1 GRPCRoute"
HOSTS = '["*.{namespace}.nim.example.com", "*.example.com"]'
"""A star stands for one label: the default hosts, and those that these tests name."""
BY_INGRESS = {
    "RUNAI_NIM_EXTERNAL_MODE": "ingress",
    "RUNAI_NIM_EXTERNAL_DOMAIN": "nim.example.com",
    "RUNAI_NIM_EXTERNAL_INGRESS_CLASS": "nginx",
    "RUNAI_NIM_EXTERNAL_HOSTS": HOSTS,
}
BY_GATEWAY = {
    "RUNAI_NIM_EXTERNAL_MODE": "gateway",
    "RUNAI_NIM_EXTERNAL_DOMAIN": "nim.example.com",
    "RUNAI_NIM_EXTERNAL_GATEWAY_NAME": "main",
    "RUNAI_NIM_EXTERNAL_GATEWAY_NAMESPACE": "gateways",
    "RUNAI_NIM_EXTERNAL_HOSTS": HOSTS,
}
OWN = "llama-8b.external"
"""The operator's route of the sample gpu-portion."""
PORTS = {"port": 8000, "grpcPort": 50051}


def url_of(objects: Objects, name: str = "chat") -> str:
    """A URL with a different host for every namespace."""
    return f"https://{name}.{objects.namespace}.nim.example.com"


def exposed(objects: Objects, **spec: Any) -> dict[str, Any]:
    """Apply the sample, wait until it runs, and return its status."""
    applied = objects.apply(sample("gpu-portion", **spec))
    settled(objects, "llama-8b", "Running", generation=applied["metadata"]["generation"])
    status: dict[str, Any] = present(objects, CR, "llama-8b")["status"]
    return status
