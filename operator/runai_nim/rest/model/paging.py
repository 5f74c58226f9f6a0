"""Query parameters of the calls that read a part of a list, and the part that they ask for."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from runai_nim.api.resources import ObjectView
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding, Rule, truncate

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 500
MAX_OFFSET: Final = 1_000_000
BOOLEANS: Final = {"true": True, "false": False}
SORT_ORDERS: Final = ("asc", "desc")
_LONGEST_NUMBER: Final = 9
_REMEDY: Final = "correct or remove it"


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list, and in which order. `search` is lower-case text; empty for everything."""

    offset: int = 0
    limit: int = DEFAULT_LIMIT
    newest_first: bool = True
    only_deleted: bool = False
    search: str = ""

    def part_of(self, found: Sequence[ObjectView]) -> tuple[Sequence[ObjectView], dict[str, int]]:
        """The items, and `next` of the answer: the offset of the next part if there is one."""
        end = self.offset + self.limit
        return found[self.offset : end], {"next": end} if len(found) > end else {}


def check_paging(given: Mapping[str, str], parameters: Collection[str]) -> Iterator[Finding]:
    """One finding for each mistake. `parameters`: the names that the call has."""
    for name in given:
        if name not in parameters:
            known = ", ".join(parameters)
            must = f"be left out, this call has the parameters {known}"
            yield Finding(reason=Reason.INVALID_VALUE, path=truncate(name), must=must, remedy="remove it")
    yield from _check_number("offset", given, 0, MAX_OFFSET)
    yield from _check_number("limit", given, 1, MAX_LIMIT)
    yield from _check_word("sortOrder", given, SORT_ORDERS)
    yield from _check_word("deleted", given, BOOLEANS)


def parse_paging(given: Mapping[str, str]) -> Paging:
    """The parameters of a query without mistakes."""
    return Paging(
        offset=int(given.get("offset", 0)),
        limit=int(given.get("limit", DEFAULT_LIMIT)),
        newest_first=given.get("sortOrder", "desc").lower() == "desc",
        only_deleted=BOOLEANS[given.get("deleted", "false").lower()],
        search=given.get("search", "").lower(),
    )


def _check_number(name: str, given: Mapping[str, str], least: int, most: int) -> Iterator[Finding]:
    value = given.get(name, str(least))
    is_number = value.isascii() and value.isdecimal() and len(value) <= _LONGEST_NUMBER
    if not is_number or not least <= int(value) <= most:
        yield _wrong(name, value, f"be a whole number from {least} to {most}")


def _check_word(name: str, given: Mapping[str, str], allowed: Collection[str]) -> Iterator[Finding]:
    value = given.get(name)
    if value is not None and value.lower() not in allowed:
        yield _wrong(name, value, f"be {' or '.join(allowed)}", rule=Rule.OPTIONS)


def _wrong(name: str, value: str, must: str, *, rule: Rule | None = None) -> Finding:
    return Finding(reason=Reason.INVALID_VALUE, path=name, value=value, must=must, remedy=_REMEDY, rule=rule)
