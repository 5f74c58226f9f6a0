"""The query of a listing: its parameters are read here, and compared with workloads."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from runai_nim.domain.validate import Rule, truncate
from runai_nim.rest.model.compliance import Issue
from runai_nim.rest.model.listed_workload import ListedProject, ListedWorkload
from runai_nim.rest.model.listing_fields import FIELDS, SEARCHED, Field, FieldKind, Value
from runai_nim.rest.model.query_parameters import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_OFFSET,
    SORT_ORDERS,
    QueryParameters,
    issue,
    one_of,
)
from runai_nim.rest.model.timestamps import moment

MAX_FILTERS: Final = 10
"""As Run:ai has them."""
DEFAULT_SORT: Final = "name"
RUNAI_PHASES: Final = (
    *("Creating", "Initializing", "Resuming", "Pending", "Deleting", "Running", "Updating", "Stopped", "Stopping"),
    *("Degraded", "Failed", "Completed", "Terminating", "Unknown"),
)
"""All that a client may filter by."""
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_FILTER: Final = re.compile(r"(\w{1,64})(==|!=|<=|>=|=@|!@|=\^|=\$)(.+)", re.DOTALL)
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": lambda found, given: found == given,
    "<=": lambda found, given: found <= given,
    ">=": lambda found, given: found >= given,
    "=@": lambda found, given: given in found,
    "=^": lambda found, given: found.startswith(given),
    "=$": lambda found, given: found.endswith(given),
}
_NEGATED: Final = {"!=": "==", "!@": "=@"}


@dataclass(frozen=True, slots=True)
class Filter:
    """A field compared with a value. A workload without the field has no value that would equal or contain it."""

    field: Field
    operator: str
    value: Value

    def holds(self, values: Iterable[Value]) -> bool:
        """Whether one of a field's values meets the filter; of a negated one, whether all do."""
        compare = _COMPARISONS[_NEGATED.get(self.operator, self.operator)]
        return any(compare(value, self.value) for value in values) != (self.operator in _NEGATED)


@dataclass(frozen=True, slots=True)
class ListingQuery:
    """Which workloads, in which order, and which part of them. `search` is folded to one case."""

    offset: int = 0
    limit: int = DEFAULT_LIMIT
    sort_by: str = DEFAULT_SORT
    is_descending: bool = False
    is_deleted: bool = False
    search: str = ""
    filters: tuple[Filter, ...] = field(default=())

    @property
    def has_project_filters(self) -> bool:
        """Whether a filter leaves some projects only."""
        return any(one.field.read_project for one in self.filters)

    def keeps_project(self, project: ListedProject) -> bool:
        """Whether the filters on projects keep one."""
        return all(one.holds([one.field.read_project(project)]) for one in self.filters if one.field.read_project)

    def keeps(self, workload: ListedWorkload) -> bool:
        """Whether a workload of a project that is kept is in the listing."""
        if self.is_deleted and workload.deleted_at is None:
            return False
        others = (one for one in self.filters if not one.field.read_project)
        return all(one.holds(one.field.read(workload)) for one in others) and self._finds(workload)

    def _finds(self, workload: ListedWorkload) -> bool:
        return not self.search or any(
            self.search in str(value).casefold() for searched in SEARCHED for value in searched.read(workload)
        )


def read_query(
    parameters: Sequence[tuple[str, str]], known: Collection[str] | None = None
) -> tuple[ListingQuery, list[Issue]]:
    """The query in URL parameters, and all mistakes in it. `known`: the names that the call has; None for any."""
    given = QueryParameters(parameters, known, repeated="filterBy")
    query = ListingQuery(
        offset=given.whole("offset", (0, MAX_OFFSET), 0),
        limit=given.whole("limit", (1, MAX_LIMIT), DEFAULT_LIMIT),
        sort_by=given.option("sortBy", FIELDS, DEFAULT_SORT),
        is_descending=given.option("sortOrder", SORT_ORDERS, "asc") == "desc",
        is_deleted=given.flag("deleted"),
        search=given.text("search").casefold(),
        filters=tuple(_read_filters(given.texts("filterBy"), given.issues)),
    )
    return query, given.issues


def _read_filters(texts: Iterable[str], issues: list[Issue]) -> Iterator[Filter]:
    """The filters in values of filterBy; Run:ai's client joins them by commas."""
    found = [part.strip() for text in texts if text for part in text.split(",")]
    if len(found) > MAX_FILTERS:
        details = f"filterBy has {len(found)} filters but must have at most {MAX_FILTERS}: remove some"
        issues.append(issue("filterBy", details, Rule.MAX))
        return
    for index, part in enumerate(found):
        read = _read_filter(part)
        if isinstance(read, Filter):
            yield read
        else:
            issues.append(issue(f"filterBy[{index}]", f'the filter "{truncate(part)}" {read}', Rule.OPTIONS))


def _read_filter(text: str) -> Filter | str:
    """The filter, or what is wrong with it."""
    match = _FILTER.fullmatch(text)
    if match is None:
        operators = ", ".join((*_COMPARISONS, *_NEGATED))
        return f"must be a field, an operator ({operators}) and a value, without commas: correct it"
    name, operator, given = match.groups()
    known = FIELDS.get(name)
    if known is None:
        return f"must compare {one_of(FIELDS)}: choose one of these fields"
    if operator not in known.kind.operators:
        return f"must compare {name} by {one_of(known.kind.operators)}: choose one of these operators"
    value = _read_value(known.kind, given.strip())
    if value is None:
        return f"must have as value {_ALLOWED[known.kind]}: correct it"
    return Filter(known, operator, value)


_ALLOWED: Final = {
    FieldKind.TEXT: "some text",
    FieldKind.PHASE: f"a phase ({', '.join(RUNAI_PHASES)})",
    FieldKind.NUMBER: "a number such as 2 or 0.5",
    FieldKind.TIME: "a time in ISO 8601 with its zone, such as 2026-01-31T12:00:00Z; in a URL a + is %2B",
}


def _read_value(kind: FieldKind, text: str) -> Value | None:
    """The value; None for text that is none of this type."""
    match kind:
        case FieldKind.NUMBER:
            return float(text) if _NUMBER.fullmatch(text) else None
        case FieldKind.TIME:
            return moment(text)
        case FieldKind.PHASE:
            return text if text in RUNAI_PHASES else None
        case _:
            return text or None
