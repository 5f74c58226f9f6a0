"""`-f FILE|DIR|-` → texts. Reads files and standard input, and knows nothing of what they hold."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from runai_nim.cli.diagnostic import Position, Remark

LARGEST: Final = 5 * 2**20
"""Bytes of one file; far more than an API server takes."""
SUFFIXES: Final = (".yaml", ".yml", ".json")
STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class Text:
    """The content of a file, or why there is none."""

    name: str
    content: str
    failure: Remark | None = None


def texts_of(argument: str) -> Iterator[Text]:
    """What one `-f` names: a file, standard input, or all manifests right in a directory, by name."""
    if argument == STDIN:
        yield _read_stdin()
        return
    try:
        if os.path.isdir(argument):
            inside = sorted(entry for entry in Path(argument).iterdir() if entry.suffix in SUFFIXES)
            if not inside:
                yield _failed(argument, f"must hold a file of {', '.join(SUFFIXES)}: directories in it aren't searched")
            for path in inside:
                yield _read_file(str(path))
        else:
            yield _read_file(argument)
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        yield _failed(argument, f"can't be read: {getattr(error, 'strerror', None) or error}")


def _read_stdin() -> Text:
    name = "<stdin>"
    if sys.stdin is None:
        return _failed(name, "can't be read: it is closed")
    try:
        return read(name, sys.stdin.buffer)
    except OSError as error:
        return _failed(name, f"can't be read: {error.strerror or error}")


def _read_file(name: str) -> Text:
    try:
        with open(name, "rb") as file:
            return read(name, file)
    except OSError as error:
        return _failed(name, f"can't be read: {error.strerror}")


def read(name: str, file: BinaryIO) -> Text:
    """The text of an open file: UTF-8, with or without a byte order mark."""
    content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        return _failed(name, f"must have at most {LARGEST // 2**20} MiB: split it")
    try:
        return Text(name, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _failed(name, f"must be UTF-8 (byte {error.start} isn't): save it as UTF-8", Position(line, 1))


def _failed(name: str, message: str, position: Position | None = None) -> Text:
    return Text(name, "", Remark(name, position or Position(), message))
