"""What /metrics of this process serves. It counts what it is told of and decides nothing."""

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
OTHER: Final = "other"
"""Label `route` of requests for what the API doesn't have, so that no caller makes series."""

disable_created_metrics()


class RestMetrics:
    """All metrics of one process, in a registry of its own."""

    def __init__(self, version: str) -> None:
        self._registry = registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        build = Info("runai_nim_rest_build", "Version of the REST API", registry=registry)
        build.info({"version": version})
        self._requests = Counter(
            "runai_nim_rest_requests_total",
            "Number of requests answered, partitioned by method, route and status code",
            ("method", "route", "code"),
            registry=registry,
        )
        self._seconds = Histogram(
            "runai_nim_rest_request_duration_seconds",
            "How long answering takes, the API server's part included",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._client_requests = Counter(
            "rest_client_requests_total",
            "Number of HTTP requests, partitioned by status code, method, and host",
            ("code", "method", "host"),
            registry=registry,
        )

    def served(self, method: str, route: str, code: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(method, route, code).inc()
        self._seconds.labels(method, route).observe(seconds)

    def answered(self, method: str, code: str, host: str) -> None:
        """Count an answer of the API server; `code` is the HTTP status, or `<error>` when there was none."""
        self._client_requests.labels(code, method, host).inc()

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The values of now and their content type, in the format that an Accept header asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type
