"""Metrics of the GPUs in use by namespace and project, from the stored statuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import CollectorRegistry, Gauge

from runai_nim.api.resources import ObjectKey
from runai_nim.domain.status import GpuAmount, amount_in

MAX_SERIES: Final = 1000
"""Maximum number of pairs of namespace and project; all others are counted together."""
OTHERS: Final = ("_others", "_others")
"""Labels of these; no namespace has such a name."""

_Labels = tuple[str, str]
_NOTHING: Final = GpuAmount()


@dataclass(slots=True)
class _Total:
    """Sums of exact numbers: adding and subtracting portions as floats would drift."""

    services: int = 0
    used: GpuAmount = _NOTHING


class GpuMetrics:
    """GPUs in use by namespace and project. A pair has series as long as one of its RunaiNimServices requests GPUs."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = "namespace", "project"
        self._devices = Gauge(
            "runai_nim_gpus_in_use", "GPUs of pods that have a node, portions included", labels, registry=registry
        )
        self._memory = Gauge(
            "runai_nim_gpu_memory_in_use_bytes",
            "GPU memory of pods that have a node and request GPUs by memory",
            labels,
            registry=registry,
        )
        self._used: dict[ObjectKey, tuple[_Labels, GpuAmount]] = {}
        self._totals: dict[_Labels, _Total] = {}

    def record(self, key: ObjectKey, status: Mapping[str, Any]) -> None:
        """Count a RunaiNimService by its stored status."""
        if "gpusInUse" not in status:
            self.remove(key)
            return
        labels = self._labels(key[0], status.get("project"))
        used = amount_in(status["gpusInUse"])
        if self._used.get(key) == (labels, used):
            return
        self.remove(key)
        self._used[key] = labels, used
        self._add(labels, 1, used)

    def remove(self, key: ObjectKey) -> None:
        """Stop counting the RunaiNimService."""
        if known := self._used.pop(key, None):
            labels, used = known
            self._add(labels, -1, GpuAmount(-used.devices, -used.memory))

    def _labels(self, namespace: str, project: Any) -> _Labels:
        labels = namespace, project if isinstance(project, str) else ""
        return labels if labels in self._totals or len(self._totals) < MAX_SERIES else OTHERS

    def _add(self, labels: _Labels, services: int, used: GpuAmount) -> None:
        total = self._totals.setdefault(labels, _Total())
        total.services += services
        total.used = GpuAmount(total.used.devices + used.devices, total.used.memory + used.memory)
        if total.services:
            self._devices.labels(*labels).set(float(total.used.devices))
            self._memory.labels(*labels).set(total.used.memory)
        else:
            del self._totals[labels]
            self._devices.remove(*labels)
            self._memory.remove(*labels)
