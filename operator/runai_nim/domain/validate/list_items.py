"""Rule for lists whose items have a name: names are unique."""

from collections.abc import Iterable, Iterator

from runai_nim.domain.finding import Finding
from runai_nim.domain.reasons import Reason


def duplicate_findings(items: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """One finding for each of the `items` (path, name) whose name occurred before."""
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
