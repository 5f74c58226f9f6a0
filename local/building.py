"""Go programs built from source, once: a folder of them, named after a hash of what they are built from.

It starts nothing but the Go tool chain.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

PACKAGES_A_MINUTE = 170
"""Packages that a core compiles per minute; measured with Go 1.26 on cores of 3 GHz."""


class ProgramsMissingError(Exception):
    """No programs and no way to build them; the message says what to install."""


def built(sources: Path, place: Path, build: Callable[[Path], None], module: Path | None = None) -> Path:
    """Return the folder below `place` with what `build` makes of `sources`; it is called, with an empty folder, once.

    module: the file with the versions of dependencies, if it isn't the sources' go.mod. Folders of other sources are
    removed from `place`. A process that finds another one building waits for it.
    """
    folder = place / _hash(sources, module or sources / "go.mod")
    if folder.is_dir():
        return folder
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder
        # Beside the folder, and renamed to it: a killed build leaves nothing half made in use.
        with tempfile.TemporaryDirectory(dir=place, prefix="unfinished-") as name:
            unfinished = Path(name) / "programs"
            unfinished.mkdir()
            build(unfinished)
            unfinished.rename(folder)
        for old in place.iterdir():
            if old not in (folder, place / ".lock"):
                shutil.rmtree(old, ignore_errors=True)
    return folder


def _hash(sources: Path, module: Path) -> str:
    """Hash of everything that decides what gets built, so that a changed source is built again."""
    digest = hashlib.sha256()
    for path in [module, module.with_suffix(".sum"), *sorted(sources.rglob("*.go"))]:
        digest.update(str(path.relative_to(sources)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def find_go(minimum: tuple[int, int], what: str, instead: str) -> str:
    """Return the path of a go command that is recent enough to build `what`; `instead` names an alternative.

    Raises ProgramsMissingError.
    """
    need = f"Go {minimum[0]}.{minimum[1]} or newer is needed to build {what}"
    remedy = f"install it from https://go.dev/dl/{instead}"
    go = shutil.which("go")
    if go is None:
        raise ProgramsMissingError(f"{need}, but PATH has no `go`: {remedy}.")
    # GOTOOLCHAIN=local: report the version that is installed, not one that Go would fetch because of a go.mod.
    said = subprocess.run([go, "version"], capture_output=True, text=True, env=os.environ | {"GOTOOLCHAIN": "local"})
    found = re.search(r"go(\d+)\.(\d+)", said.stdout)
    if found is None or (int(found[1]), int(found[2])) < minimum:
        raise ProgramsMissingError(f"{need}, but {go} reports {(said.stdout or said.stderr).strip()!r}: {remedy}.")
    return go


def compile_go(
    go: str, sources: Path, output: Path, *packages: str, stamps: Sequence[str] = (), module: Path | None = None
) -> None:
    """Compile `packages` of the module in `sources` into the folder `output`, and print the progress.

    stamps: linker flags. module: as for `built`. Raises ProgramsMissingError with the last lines of Go's output.
    """
    # Without debugging information, which nobody reads, compiling takes a sixth less time.
    flags = ["-trimpath", "-mod=readonly", "-buildvcs=false", "-gcflags=all=-dwarf=false"]
    if module is not None:
        # Some functions have other parameters in other versions: 1.37.mod sets the build tag kubernetes_1_37.
        flags += [f"-modfile={module}", f"-tags=kubernetes_{module.stem.replace('.', '_')}"]
    # GOTOOLCHAIN=auto: a module that wants a newer Go than the installed one gets it from the module proxy.
    environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "", "GOTOOLCHAIN": "auto"}
    _say("  downloading and comparing sources")
    listed = [go, "list", "-deps", *flags, "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", *packages]
    stale = subprocess.run(listed, cwd=sources, env=environment, capture_output=True, text=True, check=False)
    count = len(stale.stdout.split())
    minutes = count / (PACKAGES_A_MINUTE * (os.cpu_count() or 1))
    _say(f"  {count} packages to compile: about {max(1, round(minutes))} min on {os.cpu_count()} idle cores")
    ldflags = " ".join(["-s", "-w", *stamps])
    command = [go, "build", "-v", *flags, "-ldflags", ldflags, "-o", f"{output}/", *packages]
    with tempfile.TemporaryFile("w+") as log:
        build = subprocess.Popen(command, cwd=sources, env=environment, stdout=log, stderr=log)
        try:
            _wait_with_progress(build, log, count)
        finally:
            build.kill()
            build.wait()
        if build.returncode != 0:
            log.seek(0)
            raise ProgramsMissingError("Building failed:\n" + "".join(log.readlines()[-20:]))


def _wait_with_progress(build: subprocess.Popen[bytes], log: IO[str], count: int) -> None:
    """Wait, telling time and package: in place on a terminal, otherwise a line each 30 s."""
    terminal = sys.stderr.isatty()
    started = time.monotonic()
    while True:
        try:
            build.wait(timeout=1 if terminal else 30)
            break
        except subprocess.TimeoutExpired:
            compiled = os.pread(log.fileno(), 1 << 20, 0).decode(errors="replace").splitlines()
            what = f"{len(compiled)} of {count}, {compiled[-1]}" if compiled else "…"
            line = f"  {_minutes(started)} min: {what}"
            _say(f"\r\x1b[K{line[:100]}" if terminal else line, end="" if terminal else "\n")
    _say(f"{chr(13) if terminal else ''}  built after {_minutes(started)} min{' ' * 80 if terminal else ''}")


def _minutes(started: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - started), 60)
    return f"{minutes}:{seconds:02d}"


def _say(text: str, end: str = "\n") -> None:
    """Progress goes to stderr: stdout belongs to the command that needed the programs."""
    print(text, end=end, file=sys.stderr, flush=True)
