"""Prometheus metrics that every process of the package has, and their exposition."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

# A process-wide switch of the library. The *_created series would double the size of a scrape.
disable_created_metrics()


class BaseMetrics:
    """Metrics of one process, in a separate registry; `build` is the name of the build info metric."""

    def __init__(self, build: str, about: str, **labels: str) -> None:
        self.registry = registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        Info(build, about, registry=registry).info(labels)
        self._answers = Counter(
            "rest_client_requests_total",
            "Number of HTTP requests, partitioned by status code, method, and host",
            ("code", "method", "host"),
            registry=registry,
        )

    def count_response(self, method: str, code: str, host: str) -> None:
        """Count a response of the API server; `code` is the HTTP status, or `<error>` without a response."""
        self._answers.labels(code, method, host).inc()

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Current values and content type, in the format that the Accept header asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
