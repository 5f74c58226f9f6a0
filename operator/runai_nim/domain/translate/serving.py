"""spec.servingPort inside the cluster → NIMService expose.service. Expects a valid spec."""

from typing import Any

from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource


def _service(field: str, value: Any) -> Fragment:
    return {} if value is None else {"spec": {"expose": {"service": {field: value}}}}


def _metrics_fragment(source: TranslationSource) -> Fragment:
    port = source.serving.metrics_port
    return _service("metricsPort", None if port == source.serving.port else port)


ROWS = (
    MappingRow(
        "spec.servingPort.serviceType",
        "`spec.expose.service.type`, default ClusterIP",
        lambda s: _service("type", s.serving.service_type or "ClusterIP"),
    ),
    MappingRow(
        "spec.servingPort.port",
        "`spec.expose.service.port`",
        lambda s: _service("port", s.serving.port),
        "Without a port the NIM Operator panics once and then uses 8000, even if the NIM uses another port.",
    ),
    MappingRow(
        "spec.servingPort.grpcPort",
        "`spec.expose.service.grpcPort`",
        lambda s: _service("grpcPort", s.serving.grpc_port),
    ),
    MappingRow(
        "spec.servingPort.metricsPort",
        "`spec.expose.service.metricsPort`, omitted if it equals the port",
        _metrics_fragment,
    ),
)
