"""Selects the page of a listing while the objects are read chunk by chunk, and keeps no others."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from runai_nim.api.resources import ObjectKey
from runai_nim.rest.model.listed_workload import ListedWorkload
from runai_nim.rest.model.listing_fields import FIELDS, Value
from runai_nim.rest.model.listing_query import ListingQuery


@dataclass(slots=True)
class _Row:
    """A workload that may be on the page. `value` is what is sorted by; None if the workload lacks it."""

    key: ObjectKey
    value: Value | None
    workload: ListedWorkload | None
    content: bytes = b""

    def render(self) -> None:
        """Keep only the answer."""
        if self.workload is not None:
            # A copy: orjson cuts a large buffer, and what it cuts off is too small for the next one.
            self.content = bytes(memoryview(self.workload.rendered()))
            self.workload = None


class ListingPage:
    """`total` of the workloads that the query keeps, and the first ones of them up to the end of its page.

    With `is_counted` it counts only.
    """

    def __init__(self, query: ListingQuery, *, is_counted: bool = False) -> None:
        self.total = 0
        self._query = query
        self._read = FIELDS[query.sort_by].read
        self._most = 0 if is_counted else query.offset + query.limit
        self._rows: list[_Row] = []

    def add(self, workloads: Iterable[ListedWorkload]) -> None:
        """Take in a chunk. Nothing refers to its objects afterwards."""
        kept = [workload for workload in workloads if self._query.keeps(workload)]
        self.total += len(kept)
        if self._most:
            rows = (_Row(one.key, next(iter(self._read(one)), None), one) for one in kept)
            self._keep_first([*self._rows, *rows])

    def merge(self, other: "ListingPage") -> None:
        """Take in the workloads of other namespaces."""
        self.total += other.total
        self._keep_first([*self._rows, *other._rows])

    @property
    def rows(self) -> list[bytes]:
        """The answers on the page."""
        return [row.content for row in self._rows[self._query.offset :]]

    @property
    def next_offset(self) -> int | None:
        """Where the next page begins; None after the last one."""
        return self._most if self.total > self._most else None

    def _keep_first(self, rows: list[_Row]) -> None:
        """Sort, workloads without the value last, and by namespace and name where values are equal; cut the rest."""
        rows.sort(key=_key)
        present = [row for row in rows if row.value is not None]
        present.sort(key=_value, reverse=self._query.is_descending)
        self._rows = [*present, *(row for row in rows if row.value is None)][: self._most]
        for row in self._rows:
            row.render()


def _key(row: _Row) -> ObjectKey:
    return row.key


def _value(row: _Row) -> Any:
    return row.value
