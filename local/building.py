"""Go programs built from source, once: a folder of them, named after a hash of what they are built from.

It starts nothing but the Go tool chain.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


class ProgramsMissingError(Exception):
    """No programs and no way to build them; the message says what to install."""


def built(sources: Path, place: Path, build: Callable[[Path], None]) -> Path:
    """Return the folder below `place` with what `build` makes of `sources`; it is called, with an empty folder, once.

    Folders of other sources are removed from `place`.
    """
    folder = place / _hash(sources)
    if folder.is_dir():
        return folder
    place.mkdir(parents=True, exist_ok=True)
    # Beside the folder, and renamed to it: a killed build leaves nothing half made in use.
    with tempfile.TemporaryDirectory(dir=place, prefix="unfinished-") as name:
        unfinished = Path(name) / "programs"
        unfinished.mkdir()
        build(unfinished)
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.is_dir():  # otherwise another process has just built the same
                raise
    for old in place.iterdir():
        if old != folder and not old.name.startswith("unfinished-"):
            shutil.rmtree(old, ignore_errors=True)
    return folder


def _hash(sources: Path) -> str:
    """Hash of everything that decides what gets built, so that a changed source is built again."""
    digest = hashlib.sha256()
    for path in [sources / "go.mod", sources / "go.sum", *sorted(sources.glob("*.go"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def find_go(minimum: tuple[int, int], what: str, instead: str) -> str:
    """Return the path of a go command that is recent enough to build `what`; `instead` is the other way to have it.

    Raises ProgramsMissingError.
    """
    need = f"Go {minimum[0]}.{minimum[1]} or newer is needed to build {what}"
    remedy = f"install it from https://go.dev/dl/{instead}"
    go = shutil.which("go")
    if go is None:
        raise ProgramsMissingError(f"{need}; no `go` was found in PATH: {remedy}.")
    # GOTOOLCHAIN=local: report the version that is installed, not one that Go would fetch because of a go.mod.
    said = subprocess.run([go, "version"], capture_output=True, text=True, env=os.environ | {"GOTOOLCHAIN": "local"})
    found = re.search(r"go(\d+)\.(\d+)", said.stdout)
    if found is None or (int(found[1]), int(found[2])) < minimum:
        raise ProgramsMissingError(f"{need}; {go} says {(said.stdout or said.stderr).strip()!r}: {remedy}.")
    return go


def compile_go(go: str, sources: Path, output: Path, stamps: list[str], packages: str, saying: str) -> None:
    """Compile `packages` of the module in `sources`; raises ProgramsMissingError with Go's own last words.

    stamps: linker flags. saying: the line that tells what takes so long.
    """
    ldflags = " ".join(["-s", "-w", *stamps])
    flags = ["-trimpath", "-mod=readonly", "-buildvcs=false", "-ldflags", ldflags, "-o", str(output)]
    # GOTOOLCHAIN=auto: a module that wants a newer Go than the installed one gets it from the module proxy.
    environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "", "GOTOOLCHAIN": "auto"}
    _say(saying)
    with tempfile.TemporaryFile("w+") as log:
        build = subprocess.Popen([go, "build", *flags, packages], cwd=sources, env=environment, stdout=log, stderr=log)
        try:
            _wait_with_progress(build)
        finally:
            build.kill()
            build.wait()
        if build.returncode != 0:
            log.seek(0)
            raise ProgramsMissingError("Building failed:\n" + "".join(log.readlines()[-20:]))


def _wait_with_progress(build: subprocess.Popen[bytes]) -> None:
    """Wait, telling the elapsed time: in place on a terminal, otherwise a line each 30 s."""
    terminal = sys.stderr.isatty()
    started = time.monotonic()
    while True:
        try:
            build.wait(timeout=1 if terminal else 30)
            break
        except subprocess.TimeoutExpired:
            minutes, seconds = divmod(int(time.monotonic() - started), 60)
            _say(f"  building: {minutes}:{seconds:02d} min", end="\r" if terminal else "\n")
    minutes, seconds = divmod(int(time.monotonic() - started), 60)
    _say(f"  build ended after {minutes}:{seconds:02d} min")


def _say(text: str, end: str = "\n") -> None:
    """Progress goes to stderr: stdout belongs to the command that needed the programs."""
    print(text, end=end, file=sys.stderr, flush=True)
