"""What is said about a place in the input: one line a remark, or one object. Values only, nothing is printed here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

UNREADABLE: Final = "Unreadable"
"""Reason of whatever can't be read, or holds nothing to work on."""
MAX_DIAGNOSTICS: Final = 100
"""Remarks on one file that people get to see."""
EXIT_OK: Final = 0
EXIT_FINDINGS: Final = 1
"""Exit code: there are errors, or differences."""
EXIT_FAILURE: Final = 2
"""Exit code: wrong use, or input that can't be read."""


class CommandError(Exception):
    """The command can't be carried out. The message says why and what to do; exit code 2."""


class Position(NamedTuple):
    """A place in a text, both counted from 1; 0 is no place."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A finding in a file. `resource` is `<namespace>/<name>`, `path` as in the API; both empty for a whole file."""

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
        """For machines; what is not known is null."""
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
    """The first MOST remarks on each file, and a note on how many more there are; then errors go before warnings."""
    files: dict[str, list[Diagnostic]] = {}
    for remark in remarks:
        files.setdefault(remark.file, []).append(remark)
    for file, found in files.items():
        if len(found) <= MAX_DIAGNOSTICS:
            yield from found
            continue
        yield from sorted(found, key=lambda remark: remark.severity != "error")[:MAX_DIAGNOSTICS]
        message = f"{len(found) - MAX_DIAGNOSTICS} more are not shown: runai-nim validate -o json prints all findings"
        yield Diagnostic(file, Position(), message, "note")


def exit_code(remarks: Iterable[Diagnostic]) -> int:
    """2 when anything was unreadable, 1 with any other error, else 0."""
    errors = [remark for remark in remarks if remark.severity == "error"]
    if any(remark.reason == UNREADABLE for remark in errors):
        return EXIT_FAILURE
    return EXIT_FINDINGS if errors else EXIT_OK
