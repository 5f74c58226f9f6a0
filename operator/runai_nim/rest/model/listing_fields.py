"""Fields by which a listing can be filtered and sorted: those of Run:ai that a RunaiNimService can answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from runai_nim.rest.model.listed_workload import TYPE, ListedProject, ListedWorkload

Value = str | float | datetime
"""A value of a field."""


class FieldKind(Enum):
    """The type of a field."""

    TEXT = "text"
    PHASE = "phase"
    NUMBER = "number"
    TIME = "time"

    @property
    def operators(self) -> tuple[str, ...]:
        """What a filter may compare by."""
        return _OPERATORS[self]


_OPERATORS: Final = {
    FieldKind.TEXT: ("==", "!=", "=@", "!@", "=^", "=$"),
    FieldKind.PHASE: ("==", "!="),
    FieldKind.NUMBER: ("==", "!=", "<=", ">="),
    FieldKind.TIME: ("==", "!=", "<=", ">="),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field. `read` gives its values: none if it isn't known, several for a list.

    `read_project` is set if the project decides the value alone.
    """

    kind: FieldKind
    read: Callable[[ListedWorkload], tuple[Value, ...]]
    read_project: Callable[[ListedProject], str] | None = None


def _of_project(read: Callable[[ListedProject], str]) -> Field:
    return Field(FieldKind.TEXT, lambda workload: (read(workload.project),), read)


def _text(read: Callable[[ListedWorkload], str]) -> Field:
    return Field(FieldKind.TEXT, lambda workload: (found,) if (found := read(workload)) else ())


def _number(read: Callable[[ListedWorkload], float | None]) -> Field:
    return Field(FieldKind.NUMBER, lambda workload: () if (found := read(workload)) is None else (found,))


def _time(read: Callable[[ListedWorkload], datetime | None]) -> Field:
    return Field(FieldKind.TIME, lambda workload: () if (found := read(workload)) is None else (found,))


FIELDS: Final[Mapping[str, Field]] = {
    "type": _text(lambda workload: TYPE),
    "name": _text(lambda workload: workload.key[1]),
    "clusterId": _of_project(lambda project: project.cluster_id),
    "projectId": _of_project(lambda project: project.project_id),
    "projectName": _of_project(lambda project: project.project_name),
    "departmentId": _of_project(lambda project: project.department_id),
    "departmentName": _of_project(lambda project: project.department_name),
    "createdAt": _time(lambda workload: workload.created_at),
    "deletedAt": _time(lambda workload: workload.deleted_at),
    "submittedBy": _text(lambda workload: workload.authorship["createdBy"]),
    "phase": Field(FieldKind.PHASE, lambda workload: (workload.phase,)),
    "phaseUpdatedAt": _time(lambda workload: workload.phase_updated_at),
    "nodepool": Field(FieldKind.TEXT, lambda workload: workload.node_pools),
    "allocatedGPU": _number(lambda workload: workload.allocated.get("gpu")),
    "category": _text(lambda workload: workload.category),
    "priority": _number(lambda workload: workload.priority),
    "priorityClassName": _text(lambda workload: workload.priority_class),
}
SEARCHED: Final = tuple(field for field in FIELDS.values() if field.kind in (FieldKind.TEXT, FieldKind.PHASE))
"""What a free text search looks into."""
