"""Reads the files, directories and standard input that `-f` names."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from runai_nim.cli.diagnostic import Diagnostic, Position

MAX_FILE_BYTES: Final = 5 * 2**20
"""Maximum size of a file, far above the API server's limit."""
SUFFIXES: Final = (".yaml", ".yml", ".json")
STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class InputText:
    """The content of a file, or the error."""

    name: str
    content: str
    failure: Diagnostic | None = None


def read_input(argument: str) -> Iterator[InputText]:
    """The input that one `-f` names: a file, standard input, or a directory's manifests, sorted by name.

    Subdirectories are not searched.
    """
    if argument == STDIN:
        yield _read_stdin()
        return
    try:
        if os.path.isdir(argument):
            inside = sorted(entry for entry in Path(argument).iterdir() if entry.suffix in SUFFIXES)
            if not inside:
                yield _failed_input(
                    argument, f"must contain a {' or '.join(SUFFIXES)} file: subdirectories are not searched"
                )
            for path in inside:
                yield _read_file(str(path))
        else:
            yield _read_file(argument)
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        yield _failed_input(argument, f"can't be read: {getattr(error, 'strerror', None) or error}")


def _read_stdin() -> InputText:
    name = "<stdin>"
    if sys.stdin is None:
        return _failed_input(name, "can't be read: it is closed")
    try:
        return read_text(name, sys.stdin.buffer)
    except OSError as error:
        return _failed_input(name, f"can't be read: {error.strerror or error}")


def _read_file(name: str) -> InputText:
    try:
        with open(name, "rb") as file:
            return read_text(name, file)
    except OSError as error:
        return _failed_input(name, f"can't be read: {error.strerror}")


def read_text(name: str, file: BinaryIO) -> InputText:
    """The text of an open file: UTF-8, with or without a byte order mark."""
    content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        return _failed_input(name, f"must have at most {MAX_FILE_BYTES // 2**20} MiB: split it")
    try:
        return InputText(name, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _failed_input(name, f"must be UTF-8 (byte {error.start} isn't): save it as UTF-8", Position(line, 1))


def _failed_input(name: str, message: str, position: Position | None = None) -> InputText:
    return InputText(name, "", Diagnostic(name, position or Position(), message))
