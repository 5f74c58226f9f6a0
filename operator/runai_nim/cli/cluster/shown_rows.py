"""The rows that `runai-nim list --watch` has shown, and the lines that a change adds. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from runai_nim.cli.cluster.service_row import RowFilter, ServiceRow

DELETED: Final = "Deleted"
"""The phase in the last line of a resource that is gone."""


class ShownRows:
    """The rows by namespace and name, in order. A resource gets a line when its row changes, when the filter no longer
    keeps it, and when it is deleted."""

    def __init__(self, rows: Iterable[ServiceRow], keeps: RowFilter) -> None:
        self._filter = keeps
        self._rows = {row.sort_key: row for row in rows if keeps.keeps(row)}

    def __iter__(self) -> Iterator[ServiceRow]:
        return iter(self._rows.values())

    def put(self, row: ServiceRow) -> Iterator[ServiceRow]:
        """The line for a resource as it is now, if there is one."""
        before = self._rows.pop(row.sort_key, None)
        if self._filter.keeps(row):
            self._rows[row.sort_key] = row
        elif before is None:
            return
        if row != before:
            yield row

    def remove(self, row: ServiceRow) -> Iterator[ServiceRow]:
        """The line for a resource that is gone, if it had one."""
        if self._rows.pop(row.sort_key, None) is not None:
            yield replace(row, phase=DELETED, is_ready=False, reason="", gpus_in_use="", url="", ready_replicas=0)

    def replace(self, rows: Iterable[ServiceRow]) -> Iterator[ServiceRow]:
        """The lines for all that is there now."""
        current = {row.sort_key: row for row in rows}
        for gone in [row for key, row in self._rows.items() if key not in current]:
            yield from self.remove(gone)
        for row in current.values():
            yield from self.put(row)
