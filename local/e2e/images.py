"""Images of the end-to-end scenarios: the shipped one, and those that are built on it."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from local import image
from local.cluster import CHECKOUT
from local.image.engines import Build, engine
from local.requirements import CannotRunError
from runai_nim.api.well_known import KIND

TAG = "e2e"
FOLDER = CHECKOUT / "build" / "e2e"
RELEASED = "0.1.0"
"""The version that is upgraded from: its code, on the libraries of today."""
NIM_CONTEXT = CHECKOUT / "deploy" / "kind" / "nim"
NIM_BASE = dict(zip(("PYTHON_IMAGE", "PYTHON_VERSION"), image.NAME.rsplit(":", 1), strict=True))
"""The shipped image, whose layers a node already has."""
RELEASED_DOCKERFILE = """\
ARG OPERATOR_IMAGE
FROM ${OPERATOR_IMAGE}
COPY operator/runai_nim /opt/released/runai_nim
ENV PYTHONPATH=/opt/released
"""


@dataclass(frozen=True)
class Image:
    """An image by its name, and the archive that holds it (none where it is in a registry)."""

    name: str
    archive: Path = Path()


@dataclass(frozen=True)
class Images:
    """operator: what we ship. nim: our own NIM. stand_in: of the NIM Operator. released: the operator of RELEASED."""

    operator: Image
    nim: Image
    stand_in: Image
    released: Image

    @property
    def all(self) -> tuple[Image, ...]:
        """All of them."""
        return self.operator, self.nim, self.stand_in, self.released


def images_of(registry: str) -> Images:
    """Name the images in a registry (`registry.example.com/team`), to which somebody has pushed the archives."""
    return Images(
        operator=Image(f"{registry}/runai-nim-operator:{image.TAG}"),
        nim=Image(f"{registry}/nim-stand-in:{TAG}"),
        stand_in=Image(f"{registry}/nim-operator-stand-in:{TAG}"),
        released=Image(f"{registry}/runai-nim-operator:{RELEASED}"),
    )


def require_builder() -> None:
    """Raise CannotRunError unless this machine can build images."""
    with image.exclusive(image.STATE):
        engine(image.STATE, image.STATE / "tmp")


def build_images(say: Callable[[str], None]) -> Images:
    """Build all images; raises CannotRunError, BaseError and CommandError."""
    shipped = Image(image.NAME, image.build_image())
    say("building what runs beside it: a NIM, the stand-in for the NIM Operator, the operator of a released version")
    on_it = {"OPERATOR_IMAGE": image.NAME}
    with _builder() as build, tempfile.TemporaryDirectory() as folder:
        return Images(
            operator=shipped,
            nim=build(f"localhost/nim-stand-in:{TAG}", NIM_BASE, NIM_CONTEXT),
            stand_in=build(f"localhost/nim-operator-stand-in:{TAG}", on_it, _stand_in_context(Path(folder, "1"))),
            released=build(f"localhost/runai-nim-operator:{RELEASED}", on_it, _released_context(Path(folder, "2"))),
        )


def build_samples() -> tuple[Image, ...]:
    """Build our own NIM once more under the name of each model in deploy/samples."""
    with _builder() as build:
        return tuple(build(name, NIM_BASE, NIM_CONTEXT) for name in sorted(names_in_samples()))


def names_in_samples() -> set[str]:
    """Images of the models in deploy/samples."""
    files = (CHECKOUT / "deploy" / "samples").rglob("*.yaml")
    samples = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in files)
    return {sample["spec"]["image"] for sample in samples if sample["kind"] == KIND}


@contextmanager
def _builder() -> Iterator[Callable[[str, dict[str, str], Path], Image]]:
    """Inside the block, a function that builds an image of a name, build arguments and a context."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with image.exclusive(image.STATE):
        builder = engine(image.STATE, image.STATE / "tmp")

        def build(name: str, arguments: dict[str, str], context: Path) -> Image:
            archive = FOLDER / f"{name.rpartition('/')[2].replace(':', '-')}.tar"
            builder.build(Build(context, name, arguments), archive)
            return Image(name, archive)

        yield build


def _stand_in_context(folder: Path) -> Path:
    shutil.copytree(CHECKOUT / "local" / "nim_operator", folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "deploy" / "kind" / "nim-operator" / "Dockerfile", folder)
    return folder


def _released_context(folder: Path) -> Path:
    unpack_released("operator/runai_nim", folder)
    (folder / "Dockerfile").write_text(RELEASED_DOCKERFILE, encoding="utf-8")
    return folder


def unpack_released(path: str, folder: Path, checkout: Path = CHECKOUT) -> None:
    """Write what was below `path` when RELEASED was frozen to `folder`; raises CannotRunError."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = ["git", "archive", _commit_of_the_release(checkout), path]
    packed = subprocess.run(archive, cwd=checkout, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", f"--directory={folder}"], input=packed, check=True)


def is_shallow(checkout: Path) -> bool:
    """Whether the checkout has no history, or no git."""
    return _git(checkout, "rev-parse", "--is-shallow-repository") != "false"


def _commit_of_the_release(checkout: Path) -> str:
    """The commit that froze RELEASED; raises CannotRunError in a shallow clone, whose first commit seems to have."""
    if is_shallow(checkout):
        raise CannotRunError(
            f"the sources of {RELEASED} are in git's history, which is not here: git fetch --unshallow"
        )
    frozen = f"tests/upgrade/{RELEASED}/manifests.yaml"
    return _git(checkout, "log", "--diff-filter=A", "--format=%H", "--", frozen).splitlines()[-1]


def _git(checkout: Path, *arguments: str) -> str:
    """What git says; empty where it fails."""
    asked = subprocess.run(["git", *arguments], cwd=checkout, check=False, capture_output=True, text=True)
    return asked.stdout.strip()
