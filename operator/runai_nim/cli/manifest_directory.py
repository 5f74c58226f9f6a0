"""Writes a directory of manifests for Git: a file for each, and a kustomization."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from runai_nim.cli.diagnostic import CommandError

KUSTOMIZATION: Final = "kustomization.yaml"


def write_directory(directory: str, files: Mapping[str, str], *, force: bool) -> None:
    """Write files by name. Each is complete or not there.

    Raises CommandError if a file can't be written, or exists and `force` is false; in this case it writes none.
    """
    folder = Path(directory)
    existing = [name for name in files if os.path.lexists(folder / name)]
    if existing and not force:
        raise CommandError(
            f"{folder / existing[0]} exists: choose another --output-directory, or pass --force to overwrite it"
        )
    temporary = {name: folder / f".{name}.{os.getpid()}" for name in files}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with open(temporary[name], "x", encoding="utf-8") as file:
                file.write(text)
        for name in files:
            temporary[name].replace(folder / name)
    except OSError as error:
        raise CommandError(f"{error.filename or directory} can't be written: {error.strerror}") from None
    finally:
        for path in temporary.values():
            with suppress(OSError):
                path.unlink(missing_ok=True)
