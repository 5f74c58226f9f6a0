"""Output: results on stdout, diagnostics on stderr, colours on a terminal only.

rich is imported for a terminal only, because plain text starts faster.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO

from runai_nim.cli.diagnostic import Diagnostic, limit_diagnostics

_STYLES: Final = {"error": "bold red", "warning": "yellow", "note": "dim", "-": "red", "+": "green"}


def write(text: str) -> None:
    """Write a result unchanged."""
    sys.stdout.write(text)


def flush() -> None:
    """Send on what was written to stdout: into a pipe it would wait until there is more."""
    sys.stdout.flush()


def write_json(value: Any) -> None:
    """Write a result as JSON, with characters that a terminal would interpret as escapes."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    write("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text) + "\n")


def write_styled(text: str, style: str = "") -> None:
    """Write a line to stderr."""
    _write_styled_line(sys.stderr, [(text, style)])


def write_line(text: str) -> None:
    """Write a line of a result; lines that start with - or + are coloured."""
    _write_styled_line(sys.stdout, [(text, _STYLES.get(text[:1], ""))])


def write_line_to_stderr(text: str) -> None:
    """Write a line beside a result, coloured as by `write_line`."""
    _write_styled_line(sys.stderr, [(text, _STYLES.get(text[:1], ""))])


def write_parts(parts: list[tuple[str, str]]) -> None:
    """Write a line of a result, in parts with a style each."""
    _write_styled_line(sys.stdout, parts)


def write_log_line(prefix: str, text: str) -> None:
    """Write a line of a program's log behind a prefix, at once. Tabs stay, as they do nothing to a terminal."""
    sys.stdout.write(prefix + "\t".join(map(printable, text.split("\t"))) + "\n")
    flush()


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Show on stderr that a command is at work, on a terminal with colours only; it is gone afterwards."""
    if not _is_styled(sys.stderr):
        yield
        return
    from rich.console import Console

    with Console(file=sys.stderr).status(printable(text)):
        yield


def _is_styled(stream: TextIO) -> bool:
    """Whether escape sequences may be written: to a terminal, without NO_COLOR (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def printable(text: str) -> str:
    """The text with control characters, which a terminal would interpret, as escapes: `\\x1b[31m`."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def write_diagnostics(remarks: Iterable[Diagnostic]) -> None:
    """Write diagnostics as the result, up to the limit; notes go to stderr."""
    for remark in limit_diagnostics(remarks):
        _write_diagnostic(sys.stderr if remark.severity == "note" else sys.stdout, remark)


def write_diagnostics_to_stderr(remarks: Iterable[Diagnostic]) -> None:
    """Write diagnostics to stderr, up to the limit."""
    for remark in limit_diagnostics(remarks):
        _write_diagnostic(sys.stderr, remark)


def _write_diagnostic(stream: TextIO, remark: Diagnostic) -> None:
    word = f"{remark.severity}: "
    _write_styled_line(stream, [(f"{remark.place} ", ""), (word, _STYLES[remark.severity]), (remark.message, "")])


def _write_styled_line(stream: TextIO, parts: list[tuple[str, str]]) -> None:
    parts = [(printable(text), style) for text, style in parts]  # files and statuses hold untrusted text
    if stream is sys.stderr:
        sys.stdout.flush()
    if not _is_styled(stream):
        stream.write("".join(text for text, _ in parts) + "\n")
        return
    from rich.console import Console
    from rich.text import Text

    Console(file=stream, soft_wrap=True, highlight=False).print(Text.assemble(*parts))
