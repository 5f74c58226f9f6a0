"""Rules for spec.servingPort inside the cluster."""

from collections.abc import Iterator

from runai_nim.domain.finding import Finding
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.subject import ValidationSubject


def check_port(candidate: ValidationSubject) -> Iterator[Finding]:
    """Required: without it the NIM Operator panics once and then uses 8000, whatever the NIM serves on."""
    serving = candidate.spec.serving_port
    if serving is None or serving.port is None:
        rule = "be set"
        remedy = "give the port of the NIM's HTTP API, usually 8000"
        yield Finding(reason=Reason.REQUIRED_FIELD, path="spec.servingPort.port", must=rule, remedy=remedy)


def check_ports_differ(candidate: ValidationSubject) -> Iterator[Finding]:
    """Ports of a Service are distinct; metricsPort equal to port counts as absent."""
    serving = candidate.spec.serving_port
    if serving is None or serving.grpc_port is None:
        return
    if serving.grpc_port in (serving.port, serving.metrics_port):
        other = "port" if serving.grpc_port == serving.port else "metricsPort"
        path = "spec.servingPort.grpcPort"
        value = str(serving.grpc_port)
        rule = f"differ from servingPort.{other}"
        remedy = "give the port of the NIM's gRPC API, or remove it"
        yield Finding(reason=Reason.CONFLICTING_FIELDS, path=path, value=value, must=rule, remedy=remedy)


def check_service_type(candidate: ValidationSubject) -> Iterator[Finding]:
    """ExternalName is rejected: such a Service has no pods."""
    serving = candidate.spec.serving_port
    if serving is not None and serving.service_type == "ExternalName":
        rule = "be ClusterIP, NodePort or LoadBalancer, a NIM runs in pods"
        remedy = "choose one of these, or remove it for ClusterIP"
        yield Finding(
            reason=Reason.INVALID_VALUE,
            path="spec.servingPort.serviceType",
            value=serving.service_type,
            must=rule,
            remedy=remedy,
        )


def check_service_type_is_allowed(candidate: ValidationSubject) -> Iterator[Finding]:
    """A type that the settings allow: NodePort and LoadBalancer bypass Ingress and Gateway."""
    serving = candidate.spec.serving_port
    allowed_types = candidate.context.settings.allowed_service_types
    service_type = None if serving is None else serving.service_type
    if service_type in (None, "ExternalName", *allowed_types):
        return
    rule = f"be {' or '.join(allowed_types)}, as the operator's settings allow"
    remedy = "choose one of these, or have it allowed by allowed_service_types in the operator's settings"
    yield Finding(
        reason=Reason.NOT_ALLOWED, path="spec.servingPort.serviceType", value=service_type, must=rule, remedy=remedy
    )
