"""Diagnostics about positions in the input, as text lines or JSON objects."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from runai_nim.api.count_text import count_text

UNREADABLE: Final = "Unreadable"
"""Reason of input that can't be read or contains no resource."""
MAX_DIAGNOSTICS: Final = 100
"""Maximum number of diagnostics shown for one file."""
EXIT_OK: Final = 0
EXIT_FINDINGS: Final = 1
"""Exit code for errors or differences."""
EXIT_FAILURE: Final = 2
"""Exit code for wrong usage or unreadable input."""


class CommandError(Exception):
    """The command failed. The message says why and what to do; exit code 2."""


class Position(NamedTuple):
    """Line and column, counted from 1; 0 means no position."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A finding in a file. `resource` is `<namespace>/<name>`, `path` as in the API; both are empty for a whole
    file."""

    file: str
    position: Position
    message: str
    severity: Literal["error", "warning", "note"] = "error"
    reason: str = UNREADABLE
    path: str = ""
    resource: str = ""

    @property
    def place(self) -> str:
        """`FILE:LINE:COLUMN:`, as editors and compilers write it."""
        line, column = self.position
        return f"{self.file}:{line}:{column}:" if line else f"{self.file}:"

    def as_json(self) -> dict[str, Any]:
        """As JSON; unknown values are null."""
        return {
            "file": self.file,
            "line": self.position.line or None,
            "column": self.position.column or None,
            "severity": self.severity,
            "reason": self.reason,
            "path": self.path or None,
            "message": self.message,
            "resource": self.resource or None,
        }


def limit_diagnostics(remarks: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """The first MAX_DIAGNOSTICS of each file, errors before warnings, and a note on how many more there are."""
    files: dict[str, list[Diagnostic]] = {}
    for remark in remarks:
        files.setdefault(remark.file, []).append(remark)
    for file, found in files.items():
        if len(found) <= MAX_DIAGNOSTICS:
            yield from found
            continue
        yield from sorted(found, key=lambda remark: remark.severity != "error")[:MAX_DIAGNOSTICS]
        more = len(found) - MAX_DIAGNOSTICS
        what = f"{count_text(more, 'more finding')} {'is' if more == 1 else 'are'} not shown"
        message = f"{what}: runai-nim validate -o json prints all findings"
        yield Diagnostic(file, Position(), message, "note")


def exit_code(remarks: Iterable[Diagnostic]) -> int:
    """2 if any input was unreadable, 1 with other errors, else 0."""
    errors = [remark for remark in remarks if remark.severity == "error"]
    if any(remark.reason == UNREADABLE for remark in errors):
        return EXIT_FAILURE
    return EXIT_FINDINGS if errors else EXIT_OK
