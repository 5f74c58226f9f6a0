"""Standard output and error that report failed writes in one line, such as a full disk.

Python alone would print a traceback, or silently lose the last part. A reader that closes the pipe, such as `head`, has
what it wants: nothing is said of it.
"""

import io
import os
import sys
from contextlib import suppress
from typing import Any, Final, TextIO

_NAMES: Final = {1: "standard output", 2: "standard error"}


class OutputError(Exception):
    """The output is lost. The message says why; `unread`: because the reader closed the pipe."""

    def __init__(self, message: str, *, unread: bool = False) -> None:
        super().__init__(message)
        self.unread = unread


class _ReportingFile(io.FileIO):
    """A file that discards writes after the first failure, so that it is reported once."""

    _has_failed = False

    def write(self, data: Any) -> int:
        if self._has_failed:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            self._has_failed = True
            message = f"{_NAMES[self.fileno()]} can't be written: {error.strerror}"
            raise OutputError(message, unread=isinstance(error, BrokenPipeError)) from None


def open_streams() -> None:
    """Replace both standard streams. Raises OutputError without a standard output."""
    for number, name in ((2, "stderr"), (1, "stdout")):
        if getattr(sys, name) is not None:
            setattr(sys, name, _open_stream(number))
    if sys.stderr is None:
        sys.stderr = io.StringIO()
    if sys.stdout is None:
        raise OutputError(f"{_NAMES[1]} can't be written: it is closed")


def report_failure(error: OutputError) -> None:
    """Write one line about the failure, if standard error works, and somebody has lost something."""
    if error.unread:
        return
    with suppress(OutputError):
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()


def _open_stream(number: int) -> TextIO:
    # File names may be invalid UTF-8.
    return io.TextIOWrapper(
        io.BufferedWriter(_ReportingFile(number, "w", closefd=False)),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=number == 2 or os.isatty(number),
    )
