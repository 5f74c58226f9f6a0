"""Where the control plane's programs are: `KUBEBUILDER_ASSETS`, or built here from `local/go`, once.

This module only finds and builds; it starts nothing but the Go tool chain.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
SOURCES = Path(__file__).with_name("go")
CHECKOUT = Path(__file__).resolve().parents[1]
BUILT = CHECKOUT / ".local" / "programs"
MINIMUM_GO = (1, 24)


class ProgramsMissingError(Exception):
    """No programs and no way to build them; the message says what to install."""


def programs() -> Path:
    """Return a folder that holds etcd, kube-apiserver, kube-controller-manager and kubectl.

    Raises ProgramsMissingError if they have to be built and can't be.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        missing = [name for name in NAMES if not os.access(Path(assets) / name, os.X_OK)]
        if not missing:
            return Path(assets).absolute()
        _say(f"KUBEBUILDER_ASSETS={assets} lacks {', '.join(missing)}: using programs built from source instead.")
    folder = BUILT / _sources_hash()
    if not folder.is_dir():
        _build(folder)
    return folder


def _sources_hash() -> str:
    """Hash of everything that decides what gets built, so that a changed source is built again."""
    digest = hashlib.sha256()
    for path in [SOURCES / "go.mod", SOURCES / "go.sum", *sorted(SOURCES.glob("*.go"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _build(folder: Path) -> None:
    """Build into a temporary folder beside `folder` and rename it: a killed build leaves nothing half made in use."""
    go = _go()
    BUILT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILT, prefix="unfinished-") as name:
        unfinished = Path(name) / "programs"
        unfinished.mkdir()
        _compile(go, unfinished / "control-plane")
        for program in NAMES:
            (unfinished / program).symlink_to("control-plane")
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.is_dir():  # otherwise another process has just built the same
                raise
    for old in BUILT.iterdir():
        if old != folder and not old.name.startswith("unfinished-"):
            shutil.rmtree(old, ignore_errors=True)


def _go() -> str:
    """Return the path of a recent enough go command."""
    need = f"Go {MINIMUM_GO[0]}.{MINIMUM_GO[1]} or newer is needed to build the local control plane"
    remedy = "install it from https://go.dev/dl/, or set KUBEBUILDER_ASSETS to a folder with " + ", ".join(NAMES)
    go = shutil.which("go")
    if go is None:
        raise ProgramsMissingError(f"{need}; no `go` was found in PATH: {remedy}.")
    # GOTOOLCHAIN=local: report the version that is installed, not one that Go would fetch because of a go.mod.
    said = subprocess.run([go, "version"], capture_output=True, text=True, env=os.environ | {"GOTOOLCHAIN": "local"})
    found = re.search(r"go(\d+)\.(\d+)", said.stdout)
    if found is None or (int(found[1]), int(found[2])) < MINIMUM_GO:
        raise ProgramsMissingError(f"{need}; {go} says {(said.stdout or said.stderr).strip()!r}: {remedy}.")
    return go


def _compile(go: str, output: Path) -> None:
    """Compile the one binary that is all four programs; raises ProgramsMissingError with Go's own last words."""
    kubernetes = _kubernetes_version()
    major, minor, _ = kubernetes.split(".")
    version = {"gitVersion": f"v{kubernetes}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    stamps = [
        f"-X k8s.io/{package}.{key}={value}"
        for package in ("component-base/version", "client-go/pkg/version")
        for key, value in version.items()
    ]
    command = [
        go,
        "build",
        "-trimpath",
        "-mod=readonly",
        "-buildvcs=false",
        "-ldflags",
        " ".join(["-s", "-w", *stamps]),
        "-o",
        str(output),
        ".",
    ]
    environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": ""}
    _say(
        f"Building etcd, kube-apiserver, kube-controller-manager and kubectl {kubernetes} from source "
        "(the first time downloads Go modules and takes 2 to 10 minutes; later runs reuse it)."
    )
    with tempfile.TemporaryFile("w+") as log:
        build = subprocess.Popen(command, cwd=SOURCES, env=environment, stdout=log, stderr=log)
        try:
            _wait_with_progress(build)
        finally:
            build.kill()
            build.wait()
        if build.returncode != 0:
            log.seek(0)
            raise ProgramsMissingError("Building the control plane failed:\n" + "".join(log.readlines()[-20:]))


def _kubernetes_version() -> str:
    """Version in go.mod; the programs don't know theirs unless it is stamped into them."""
    found = re.search(r"^\s*k8s\.io/kubernetes v(\S+)$", (SOURCES / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise ProgramsMissingError(f"{SOURCES / 'go.mod'} requires no k8s.io/kubernetes")
    return found[1]


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
