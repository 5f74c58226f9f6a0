"""spec.servingPort → NIMService expose. Expects a spec without errors."""

from typing import Any

from runai_nim.api.v1alpha1 import ServingPort


def serving_fragment(serving: ServingPort) -> dict[str, Any]:
    """`expose.service`, its port always written: the NIM Operator falls over without one, then takes 8000."""
    service: dict[str, Any] = {"type": serving.service_type or "ClusterIP", "port": serving.port}
    if serving.grpc_port is not None:
        service["grpcPort"] = serving.grpc_port
    if serving.metrics_port not in (None, serving.port):
        service["metricsPort"] = serving.metrics_port
    return {"expose": {"service": service}}
