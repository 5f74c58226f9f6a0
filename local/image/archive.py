"""Reads OCI archives: the content of an image, layer by layer."""

import hashlib
import json
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

HIDDEN = ".wh."
"""What a file's name begins with where a layer takes a lower layer's file away."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or link of a layer. `path` is without a leading slash, `size` in bytes, `mode` the permissions."""

    path: str
    size: int
    mode: int
    uid: int
    gid: int
    is_file: bool
    is_folder: bool


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer: its digest, its bytes as it is pulled, and what is in it."""

    digest: str
    pulled: int
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """Bytes of its files, unpacked."""
        return sum(entry.size for entry in self.entries)

    def largest(self, count: int, depth: int) -> list[tuple[str, int]]:
        """The folders that hold the most, named to that depth, and their bytes."""
        sizes: Counter[str] = Counter()
        for entry in self.entries:
            sizes["/".join(PurePosixPath(entry.path).parts[:depth])] += entry.size
        return sizes.most_common(count)


@dataclass(frozen=True, slots=True)
class Image:
    """An image. `digest` is of its manifest, `config` what a container of it is started with (OCI image config)."""

    digest: str
    config: dict[str, Any]
    layers: tuple[Layer, ...]

    @property
    def environment(self) -> dict[str, str]:
        """The environment that a container gets from the image."""
        return dict(pair.split("=", 1) for pair in self.config["config"].get("Env", []))

    @property
    def labels(self) -> dict[str, str]:
        """The image's labels."""
        return dict(self.config["config"].get("Labels") or {})


def read_image(archive: Path) -> Image:
    """The image of an archive."""
    with _opened(archive) as blobs:
        digest, manifest = _manifest(blobs)
        layers = tuple(_layer(blobs, described) for described in manifest["layers"])
        return Image(digest, _json(blobs, manifest["config"]["digest"]), layers)


def unpack(archive: Path, folder: Path) -> None:
    """Write the image's file system into a folder, owners and permissions too: it takes root."""
    with _opened(archive) as blobs:
        _, manifest = _manifest(blobs)
        for described in manifest["layers"]:
            with _files(blobs, described["digest"]) as files:
                files.extraction_filter = lambda member, _: member  # owners and setuid bits are what is looked for
                files.extractall(folder)  # noqa: S202 - built here


def read_files(archive: Path, wanted: Callable[[str], bool]) -> dict[str, str]:
    """The texts of an image's files whose paths are wanted."""
    texts = {}
    with _opened(archive) as blobs:
        _, manifest = _manifest(blobs)
        for described in manifest["layers"]:
            with _files(blobs, described["digest"]) as files:
                for member in files:
                    path = str(PurePosixPath(member.name))
                    if member.isfile() and wanted(path) and (content := files.extractfile(member)):
                        texts[path] = content.read().decode("utf-8", errors="replace")
    return texts


def differences(archive: Path, other: Path) -> list[str]:
    """The paths of files that only one of two images has, or that have other bytes or permissions in the other."""
    mine, others = (set(_hashes(image)) for image in (archive, other))
    return sorted({path for path, *_ in mine ^ others})


def _hashes(archive: Path) -> Iterator[tuple[str, int, int, str]]:
    with _opened(archive) as blobs:
        _, manifest = _manifest(blobs)
        for described in manifest["layers"]:
            with _files(blobs, described["digest"]) as files:
                for member in files:
                    content = files.extractfile(member) if member.isfile() else None
                    digest = hashlib.sha256(content.read()).hexdigest() if content else member.linkname
                    yield str(PurePosixPath(member.name)), member.mode, int(member.mtime), digest


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    with tarfile.open(archive) as blobs:
        yield blobs


def _manifest(blobs: tarfile.TarFile) -> tuple[str, dict[str, Any]]:
    """Digest and content of the image's manifest; what only attests to another one is passed over."""
    index = json.loads(_read(blobs, "index.json"))
    while True:
        described = next(item for item in index["manifests"] if "attestation" not in json.dumps(item))
        index = _json(blobs, described["digest"])
        if "manifests" not in index:
            return described["digest"], index


def _layer(blobs: tarfile.TarFile, described: dict[str, Any]) -> Layer:
    with _files(blobs, described["digest"]) as files:
        entries = tuple(
            Entry(
                path=str(PurePosixPath(member.name)),
                size=member.size,
                mode=member.mode,
                uid=member.uid,
                gid=member.gid,
                is_file=member.isfile(),
                is_folder=member.isdir(),
            )
            for member in files
        )
    return Layer(described["digest"], described["size"], entries)


@contextmanager
def _files(blobs: tarfile.TarFile, digest: str) -> Iterator[tarfile.TarFile]:
    """A layer's files, compressed or not."""
    with _blob(blobs, digest) as blob, tarfile.open(fileobj=blob) as files:
        yield files


def _blob(blobs: tarfile.TarFile, digest: str) -> IO[bytes]:
    return _member(blobs, f"blobs/{digest.replace(':', '/')}")


def _json(blobs: tarfile.TarFile, digest: str) -> dict[str, Any]:
    with _blob(blobs, digest) as blob:
        content: dict[str, Any] = json.load(blob)
    return content


def _read(blobs: tarfile.TarFile, name: str) -> bytes:
    with _member(blobs, name) as member:
        return member.read()


def _member(blobs: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        member = blobs.extractfile(name)
    except KeyError:
        member = None
    if member is None:
        raise ValueError(f"{blobs.name!r} is not an OCI archive: it lacks {name}. Docker writes one since version 25.")
    return member
