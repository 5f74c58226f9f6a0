"""The query of a listing: its parameters are read here, and compared with workloads."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from runai_nim.domain.validate import Rule, truncate
from runai_nim.rest.model.compliance import Issue
from runai_nim.rest.model.listed_workload import ListedProject, ListedWorkload
from runai_nim.rest.model.listing_fields import FIELDS, SEARCHED, Field, FieldKind, Value

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 500
MAX_OFFSET: Final = 2**31 - 1
MAX_FILTERS: Final = 10
"""As Run:ai has them."""
DEFAULT_SORT: Final = "name"
SORT_ORDERS: Final = ("asc", "desc")
RUNAI_PHASES: Final = (
    *("Creating", "Initializing", "Resuming", "Pending", "Deleting", "Running", "Updating", "Stopped", "Stopping"),
    *("Degraded", "Failed", "Completed", "Terminating", "Unknown"),
)
"""All that a client may filter by."""
_WHOLE: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_FILTER: Final = re.compile(r"(\w{1,64})(==|!=|<=|>=|=@|!@|=\^|=\$)(.+)", re.DOTALL)
_BOOLEANS: Final = {"true": True, "false": False}
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


def read_query(parameters: Sequence[tuple[str, str]]) -> tuple[ListingQuery, list[Issue]]:
    """The query in URL parameters, of which the last counts but for filterBy, and all mistakes in it."""
    given = dict(parameters)
    issues: list[Issue] = []
    texts = [text for name, text in parameters if name == "filterBy"]
    filters = tuple(_read_filters(texts, issues))
    query = ListingQuery(
        offset=_whole(given, "offset", (0, MAX_OFFSET), default=0, issues=issues),
        limit=_whole(given, "limit", (1, MAX_LIMIT), default=DEFAULT_LIMIT, issues=issues),
        sort_by=_option(given, "sortBy", FIELDS, default=DEFAULT_SORT, issues=issues),
        is_descending=_option(given, "sortOrder", SORT_ORDERS, default="asc", issues=issues) == "desc",
        # Run:ai's client sends true, an earlier one True.
        is_deleted=_BOOLEANS[_option(given, "deleted", _BOOLEANS, default="false", issues=issues)],
        search=given.get("search", "").casefold(),
        filters=filters,
    )
    return query, issues


def _whole(given: Mapping[str, str], name: str, bounds: tuple[int, int], *, default: int, issues: list[Issue]) -> int:
    text = given.get(name, str(default))
    least, most = bounds
    if _WHOLE.fullmatch(text) and least <= int(text) <= most:
        return int(text)
    details = f'{name} is "{truncate(text)}" but must be a whole number from {least} to {most}: correct it'
    issues.append(_issue(name, details, None))
    return default


def _option(given: Mapping[str, str], name: str, options: Iterable[str], *, default: str, issues: list[Issue]) -> str:
    text = given.get(name, default)
    if name == "deleted":
        text = text.lower()
    if text in options:
        return text
    issues.append(_issue(name, f'{name} is "{truncate(text)}" but must be {_one_of(options)}: correct it'))
    return default


def _read_filters(texts: Iterable[str], issues: list[Issue]) -> Iterator[Filter]:
    """The filters in values of filterBy; Run:ai's client joins them by commas."""
    found = [part.strip() for text in texts if text for part in text.split(",")]
    if len(found) > MAX_FILTERS:
        details = f"filterBy has {len(found)} filters but must have at most {MAX_FILTERS}: remove some"
        issues.append(_issue("filterBy", details, Rule.MAX))
        return
    for index, part in enumerate(found):
        read = _read_filter(part)
        if isinstance(read, Filter):
            yield read
        else:
            issues.append(_issue(f"filterBy[{index}]", f'the filter "{truncate(part)}" {read}'))


def _read_filter(text: str) -> Filter | str:
    """The filter, or what is wrong with it."""
    match = _FILTER.fullmatch(text)
    if match is None:
        operators = ", ".join((*_COMPARISONS, *_NEGATED))
        return f"must be a field, an operator ({operators}) and a value, without commas: correct it"
    name, operator, given = match.groups()
    known = FIELDS.get(name)
    if known is None:
        return f"must compare {_one_of(FIELDS)}: choose one of these fields"
    if operator not in known.kind.operators:
        return f"must compare {name} by {_one_of(known.kind.operators)}: choose one of these operators"
    value = _read_value(known.kind, given.strip())
    if value is None:
        return f"must have as value {_ALLOWED[known.kind]}: correct it"
    return Filter(known, operator, value)


_ALLOWED: Final = {
    FieldKind.TEXT: "some text",
    FieldKind.PHASE: f"a phase ({', '.join(RUNAI_PHASES)})",
    FieldKind.NUMBER: "a number such as 2 or 0.5",
    FieldKind.TIME: "a time in ISO 8601 with its zone, such as 2026-01-31T12:00:00Z",
}


def _read_value(kind: FieldKind, text: str) -> Value | None:
    """The value; None for text that is none of this type."""
    match kind:
        case FieldKind.NUMBER:
            return float(text) if _NUMBER.fullmatch(text) else None
        case FieldKind.TIME:
            return _read_time(text)
        case FieldKind.PHASE:
            return text if text in RUNAI_PHASES else None
        case _:
            return text or None


def _read_time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None


def _one_of(options: Iterable[str]) -> str:
    *others, last = options
    return f"{', '.join(others)} or {last}"


def _issue(name: str, details: str, rule: Rule | None = Rule.OPTIONS) -> Issue:
    return {"field": name, "details": details, **({"rule": rule.value} if rule else {})}
