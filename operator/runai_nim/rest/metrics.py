"""Prometheus metrics of the REST API."""

from typing import Final

from prometheus_client import Counter, Histogram

from runai_nim.kube.base_metrics import BaseMetrics

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
OTHER_ROUTE: Final = "other"
"""Label `route` for unknown paths, so that callers can't create series."""


class RestMetrics(BaseMetrics):
    """All metrics of the process."""

    def __init__(self, version: str) -> None:
        super().__init__("runai_nim_rest_build", "Version of the REST API", version=version)
        self._requests = Counter(
            "runai_nim_rest_requests_total",
            "Number of requests answered, partitioned by method, route and status code",
            ("method", "route", "code"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "runai_nim_rest_request_duration_seconds",
            "Duration of requests, including the calls to the API server",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self.registry,
        )

        self._ended_connections = Counter(
            "runai_nim_rest_connections_ended_total",
            "Number of connections that the process closed, partitioned by reason",
            ("reason",),
            registry=self.registry,
        )

    def count_ended_connection(self, reason: str) -> None:
        """Count a closed connection."""
        self._ended_connections.labels(reason).inc()

    def observe_request(self, method: str, route: str, code: int, seconds: float) -> None:
        """Count and time an answered request."""
        self._requests.labels(method, route, code).inc()
        self._seconds.labels(method, route).observe(seconds)
