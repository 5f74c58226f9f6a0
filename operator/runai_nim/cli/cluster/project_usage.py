"""GPUs in use by project, as `runai-nim list --by-project` shows them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from runai_nim.api import quantity
from runai_nim.api.short_numbers import decimal_text
from runai_nim.cli.cluster.service_row import ServiceRow
from runai_nim.domain.status import amount_in

PROJECT_COLUMNS: Final = ("PROJECT", "GPU", "GPU MEMORY", "SERVICES", "READY")
_NANOS: Final = 10**9


@dataclass(frozen=True, slots=True)
class ProjectUsage:
    """GPUs of the pods that have a node, and RunaiNimServices, of a project; empty for namespaces without one.

    `devices` counts portions, too; `memory` is in bytes, of services that request GPUs by memory.
    """

    project: str
    devices: Decimal = Decimal(0)
    memory: int = 0
    services: int = 0
    ready: int = 0

    def add(self, row: ServiceRow) -> "ProjectUsage":
        """With one more RunaiNimService."""
        used = amount_in(row.gpus_in_use)
        return ProjectUsage(
            project=self.project,
            devices=self.devices + used.devices,
            memory=self.memory + used.memory,
            services=self.services + 1,
            ready=self.ready + row.is_ready,
        )

    @property
    def devices_text(self) -> str:
        """Such as `4` or `1.5`."""
        return decimal_text(self.devices)

    @property
    def memory_text(self) -> str:
        """Such as `40Gi`; `0` without any."""
        return str(quantity.Quantity(self.memory * _NANOS, binary=True))

    def cells(self) -> tuple[str, ...]:
        """The cells below PROJECT_COLUMNS."""
        return self.project, self.devices_text, self.memory_text, str(self.services), str(self.ready)

    def as_json(self) -> dict[str, Any]:
        """As JSON; the project of namespaces without one is null."""
        return {
            "project": self.project or None,
            "gpusInUse": self.devices_text,
            "gpuMemoryInUse": self.memory_text,
            "services": self.services,
            "readyServices": self.ready,
        }


def usage_by_project(rows: Iterable[ServiceRow]) -> list[ProjectUsage]:
    """The projects of the rows, by name."""
    found: dict[str, ProjectUsage] = {}
    for row in rows:
        found[row.project] = found.get(row.project, ProjectUsage(row.project)).add(row)
    return [found[project] for project in sorted(found)]
