"""Items of lists that are identified by a name: nothing may be listed twice. Knows no field."""

from collections.abc import Iterable, Iterator

from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.finding import Finding


def duplicate_findings(items: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """One finding for each of the `items` (path, name) whose name was there before."""
    names: set[str] = set()
    for path, name in items:
        if name in names:
            yield Finding(
                reason=Reason.DUPLICATE_VALUE,
                path=path,
                value=name,
                must="be listed once",
                remedy="remove one of the two",
            )
        names.add(name)
