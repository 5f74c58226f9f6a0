"""Engines that build the Dockerfile into an OCI archive: buildah, or Docker if it runs."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from local.image.commands import PACKAGES, CommandError, output_of, run_logged
from local.requirements import CannotRunError, missing_packages, require_packages, require_root

LOCAL = "localhost/debian-python-made-locally"
"""Name of a local base, which can't be mistaken for a published one."""
LABELS = "org.opencontainers.image"
"""What the names of labels begin with."""
PULL_SECONDS = 600
STEPS = r"STEP \d+/\d+: (?:((?:FROM|COPY) .{1,90})|RUN (?:--mount=\S+ +)*(.{1,90}))"
"""What is shown of a build: its steps, without what each of them sees."""
IMAGES_KEPT = 100
"""Steps of earlier builds that are kept for later ones; above it all are dropped, since nothing tells which are old."""


@dataclass(frozen=True, slots=True)
class Build:
    """What to build: the Dockerfile's folder, the image's name, arguments, and files that only the build sees.

    labels: instead of those that the Dockerfile makes of arguments: buildah 1.28 takes a LABEL from its cache though
    the argument in it has changed.
    """

    context: Path
    name: str
    arguments: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Path] = field(default_factory=dict)
    cached: bool = True

    def flags(self) -> list[str]:
        """The flags that both engines know."""
        arguments = (f"--build-arg={name}={value}" for name, value in self.arguments.items())
        secrets = (f"--secret=id={name},src={path}" for name, path in self.secrets.items())
        labels = (f"--label={LABELS}.{name}={value}" for name, value in self.labels.items())
        return [*([] if self.cached else ["--no-cache"]), *arguments, *labels, *secrets, f"--tag={self.name}"]


class Engine(Protocol):
    """Builds images and keeps their bases."""

    reproducible: bool
    """Do two builds of the same sources give the same bytes?"""

    def has_image(self, name: str) -> bool:
        """Is the image there?"""

    def pull(self, name: str) -> None:
        """Fetch an image; raises CommandError."""

    def import_image(self, tar: Path, name: str) -> None:
        """Make an image of a file system in a tar file."""

    def build(self, build: Build, archive: Path) -> None:
        """Build, and write the archive; raises CommandError."""


class Buildah:
    """buildah, with its storage below a folder of ours: as root, without a daemon, without a container runtime."""

    reproducible = True

    def __init__(self, folder: Path, temporary: Path) -> None:
        """temporary: where the caches of RUN --mount=type=cache are: pip's wheels."""
        self._folder, self._temporary = folder, temporary
        self._environment = {"TMPDIR": str(self._temporary)}

    def heal(self) -> None:
        """Remove what a killed run has left. Mounts and processes went with it."""
        shutil.rmtree(self._folder / "run", ignore_errors=True)
        self._temporary.mkdir(parents=True, exist_ok=True)
        for left in self._temporary.iterdir():
            if not left.name.startswith("buildah-cache"):
                shutil.rmtree(left, ignore_errors=True)
        self._output("rm", "--all")
        if self._output("images", "--all", "--quiet", "--filter=dangling=true").count("\n") > IMAGES_KEPT:
            self._output("rmi", "--prune", "--force")

    def has_image(self, name: str) -> bool:
        """Is the image in the storage?"""
        try:
            self._output("inspect", "--type=image", "--format={{.FromImageID}}", name)
        except CommandError:
            return False
        return True

    def pull(self, name: str) -> None:
        """Fetch an image; raises CommandError."""
        self._output("pull", "--quiet", name, seconds=PULL_SECONDS)

    def import_image(self, tar: Path, name: str) -> None:
        """Make an image of a file system in a tar file."""
        container = self._output("from", "scratch").strip()
        self._output("add", "--quiet", container, str(tar), "/", seconds=PULL_SECONDS)
        self._output("commit", "--quiet", "--rm", container, name, seconds=PULL_SECONDS)

    def build(self, build: Build, archive: Path) -> None:
        """Build with the steps of earlier builds, and write the archive; raises CommandError.

        Every file gets the same time, so that a layer which hasn't changed is the same layer in the next release.
        """
        how = ["--isolation=chroot", "--network=host", "--layers", "--timestamp=0"]
        log = self._folder / "build.log"
        run_logged(self._command("build", *how, *build.flags(), str(build.context)), log, self._environment, STEPS)
        unfinished = archive.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        self._output("push", "--quiet", build.name, f"oci-archive:{unfinished}:{build.name}", seconds=PULL_SECONDS)
        unfinished.rename(archive)

    def _command(self, *arguments: str) -> list[str]:
        return ["buildah", f"--root={self._folder / 'storage'}", f"--runroot={self._folder / 'run'}", *arguments]

    def _output(self, *arguments: str, seconds: float = 60) -> str:
        return output_of(self._command(*arguments), self._environment, seconds)


class Docker:
    """Docker, where its daemon answers. It gives files the time of the build: two builds differ."""

    reproducible = False

    def has_image(self, name: str) -> bool:
        """Does the daemon have the image?"""
        return _docker("image", "inspect", name).returncode == 0

    def pull(self, name: str) -> None:
        """Fetch an image; raises CommandError."""
        self._run("pull", "--quiet", name)

    def import_image(self, tar: Path, name: str) -> None:
        """Make an image of a file system in a tar file."""
        self._run("import", str(tar), name)

    def build(self, build: Build, archive: Path) -> None:
        """Build and save; raises CommandError."""
        command = ["docker", "build", "--build-arg=SOURCE_DATE_EPOCH=0", *build.flags(), str(build.context)]
        code = subprocess.run(command, check=False).returncode
        if code:
            raise CommandError(f"docker build ended with {code}; see above")
        self._run("save", f"--output={archive}", build.name)

    def _run(self, *arguments: str) -> None:
        ended = _docker(*arguments)
        if ended.returncode:
            raise CommandError(f"docker {arguments[0]} ended with {ended.returncode}: {ended.stderr.strip()}")


def _docker(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)


def engine(folder: Path, temporary: Path) -> Engine:
    """What can build here; raises CannotRunError. buildah keeps images below `folder`, and wheels in `temporary`."""
    try:
        require_root("buildah")
        require_packages("the image", missing_packages({"buildah": "buildah"} | PACKAGES))
    except CannotRunError as error:
        if shutil.which("docker") and _docker("info").returncode == 0:
            return Docker()
        raise CannotRunError(f"{error}, or start Docker") from error
    buildah = Buildah(folder, temporary)
    buildah.heal()
    return buildah
