"""Builds the image from the Dockerfile into an OCI archive: `make image`.

    from local.image import NAME, build_image
    archive = build_image()  # then: ctr --namespace k8s.io images import ARCHIVE; the image is NAME in there

Its base is pulled; where that isn't possible, a base is made of Debian's packages, and the image's label says so.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.image import pip
from local.image.commands import CommandError
from local.image.debian import debian_base, version
from local.image.engines import LOCAL, Build, Engine, engine
from runai_nim import __version__

CHECKOUT = Path(__file__).resolve().parents[2]
STATE = CHECKOUT / ".local" / "image"
ARCHIVE = CHECKOUT / "build" / "image" / "runai-nim-operator.tar"
TAG = re.sub(r"[^\w.-]", "-", __version__)
NAME = f"localhost/runai-nim-operator:{TAG}"
"""Name of the image in the archive, and in whatever imports it."""
BASES = ("any", "upstream", "local")
"""Values of IMAGE_BASE: any is upstream's base, or a local one if upstream's can't be pulled."""
UNFINISHED = "unfinished-"
"""Prefix of temporary folders, which contain secrets and are removed after a build."""


class BaseError(Exception):
    """The requested base is not available; the message says what to do."""


def build_image(archive: Path = ARCHIVE, cached: bool = True, wanted: str = "") -> Path:
    """Build the image and return the archive. With `cached`, unchanged earlier steps are reused.

    Not cached, it reuses the local base and wheels alone, and leaves nothing to be reused.
    wanted: which base, one of BASES; left out: what IMAGE_BASE says.
    Raises CannotRunError, BaseError, CommandError.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(STATE), tempfile.TemporaryDirectory(dir=STATE, prefix=UNFINISHED) as folder:
        builder = engine(STATE if cached else Path(folder), STATE / "tmp")
        configuration, authorities = pip.build_secrets(pip.current_settings())
        pip_conf = Path(folder, "pip.conf")
        pip_conf.write_text(configuration, encoding="utf-8")
        secrets = {"pip_conf": pip_conf} | ({"pip_ca": authorities} if authorities else {})
        name, arguments = base(builder, wanted or os.environ.get("IMAGE_BASE") or "any")
        print(f"Building {NAME} from the Dockerfile (1 to 3 minutes; seconds if little has changed).", flush=True)
        labels = {"base.name": name, "revision": revision(), "version": __version__}
        builder.build(
            Build(CHECKOUT, name=NAME, arguments=arguments, labels=labels, secrets=secrets, cached=cached), archive
        )
    return archive


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Context with an exclusive lock on a folder; removes what a killed process left there."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another build of the image in this checkout.", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.glob(f"{UNFINISHED}*"):
            shutil.rmtree(left)
        yield


def base(builder: Engine, wanted: str) -> tuple[str, dict[str, str]]:
    """Provide a base; return its name and its build arguments, none for upstream's. Raises BaseError."""
    if wanted not in BASES:
        raise BaseError(f"IMAGE_BASE is {wanted!r}, but must be one of {', '.join(BASES)}.")
    upstream = upstream_base((CHECKOUT / "Dockerfile").read_text(encoding="utf-8"))
    if wanted != "local":
        if builder.has_image(upstream):
            return upstream, {}
        try:
            builder.pull(upstream)
        except CommandError as error:
            reason = str(error).splitlines()[-1].rpartition(": ")[2]
            if wanted == "upstream":
                raise BaseError(f"{upstream} can't be pulled: {reason}. IMAGE_BASE=local builds a base.") from error
            print(f"The base {upstream} can't be pulled ({reason}): building a local base instead.")
        else:
            return upstream, {}
    name = f"{LOCAL}:{version()}"
    if not builder.has_image(name):
        builder.import_image(debian_base(STATE / "base"), name)
    return name, {"PYTHON_IMAGE": LOCAL, "PYTHON_VERSION": version(), "PYTHON_DIGEST": ""}


def upstream_base(dockerfile: str) -> str:
    """The base that a Dockerfile names when no build argument does."""
    arguments = dict(re.findall(r"^ARG (PYTHON_\w+)=(\S*)$", dockerfile, re.MULTILINE))
    return f"{arguments['PYTHON_IMAGE']}:{arguments['PYTHON_VERSION']}{arguments['PYTHON_DIGEST']}"


def revision() -> str:
    """The checked-out commit; empty without a git checkout."""
    try:
        asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return asked.stdout.strip()
