"""The part of a list that a call asks for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from runai_nim.api.resources import ObjectView
from runai_nim.rest.model.compliance import Issue
from runai_nim.rest.model.query_parameters import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_OFFSET,
    SORT_ORDERS,
    QueryParameters,
)


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list, and in which order. `search` is folded to one case; empty for everything."""

    offset: int = 0
    limit: int = DEFAULT_LIMIT
    newest_first: bool = True
    only_deleted: bool = False
    search: str = ""

    def part_of(self, found: Sequence[ObjectView]) -> tuple[Sequence[ObjectView], dict[str, int]]:
        """The items, and `next` of the answer: the offset of the next part if there is one."""
        end = self.offset + self.limit
        return found[self.offset : end], {"next": end} if len(found) > end else {}


def read_paging(parameters: Sequence[tuple[str, str]], known: Collection[str]) -> tuple[Paging, list[Issue]]:
    """The part that a query asks for, and all mistakes in it. `known`: the names that the call has."""
    query = QueryParameters(parameters, known)
    paging = Paging(
        offset=query.whole("offset", (0, MAX_OFFSET), 0),
        limit=query.whole("limit", (1, MAX_LIMIT), DEFAULT_LIMIT),
        newest_first=query.option("sortOrder", SORT_ORDERS, "desc") == "desc",
        only_deleted=query.flag("deleted"),
        search=query.text("search").casefold(),
    )
    return paging, query.issues
