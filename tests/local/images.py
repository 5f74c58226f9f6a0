"""Images of a few files, made without an engine: what the tests of `local/image` look at."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIG: Mapping[str, Any] = {
    "User": "65532:65532",
    "Env": ["PATH=/opt/venv/bin", "PYTHONUNBUFFERED=1"],
    "Entrypoint": ["python", "-m", "runai_nim"],
    "Labels": {"org.opencontainers.image.base.name": "localhost/base:1"},
    "WorkingDir": "/",
}


@dataclass(frozen=True)
class File:
    """A file of a layer, or a folder where there is no content."""

    path: str
    content: bytes | None = b""
    mode: int = 0o644
    uid: int = 0


def write_image(
    archive: Path, *layers: Iterable[File], config: Mapping[str, Any] = CONFIG, compressed: bool = True
) -> Path:
    """Write an OCI archive, as buildah (compressed) and Docker do."""
    blobs: dict[str, bytes] = {}

    def blob(content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"digest": f"sha256:{digest}", "size": len(content)}

    packed = [_tar({file.path: file for file in layer}.values()) for layer in layers]
    parts = [blob(gzip.compress(layer, mtime=0) if compressed else layer) for layer in packed]
    described = blob(json.dumps({"config": config, "architecture": "amd64"}).encode())
    manifest = blob(json.dumps({"config": described, "layers": parts}).encode())
    attested = blob(b"{}") | {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    nested = blob(json.dumps({"manifests": [attested, manifest]}).encode())
    blobs["index.json"] = json.dumps({"manifests": [nested]}).encode()
    archive.write_bytes(_tar(File(path, content) for path, content in blobs.items()))
    return archive


def _tar(files: Iterable[File]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for file in files:
            member = tarfile.TarInfo(file.path)
            member.mode, member.uid = file.mode, file.uid
            member.type = tarfile.DIRTYPE if file.content is None else tarfile.REGTYPE
            member.size = len(file.content or b"")
            tar.addfile(member, io.BytesIO(file.content or b""))
    return written.getvalue()
