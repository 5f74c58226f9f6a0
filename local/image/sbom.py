"""The SBOM as CycloneDX: Python's packages from the lock, and the base's from its records in the image."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from local.image.archive import read_files

TOOL = "cyclonedx-bom==7.5.0"
STATUS = "var/lib/dpkg/status"
RELEASE = "usr/lib/os-release"
ENVIRONMENT = "opt/venv/pyvenv.cfg"
INSTALLED = re.compile(r"site-packages/([^/]+)-([^/-]+)\.dist-info/METADATA$")
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contents:
    """What an image says of itself: packages of Python and of Debian with their versions, Debian's and Python's own."""

    python: Mapping[str, str]
    debian: Mapping[str, tuple[str, str]]
    """Version and architecture."""
    release: str
    interpreter: str


def read_contents(archive: Path) -> Contents:
    """Read an image's records out of its archive."""
    found = read_files(archive, lambda path: path in (STATUS, RELEASE, ENVIRONMENT) or bool(INSTALLED.search(path)))
    names = {normalized(match[1]): match[2] for path in found if (match := INSTALLED.search(path))}
    return Contents(
        python=names,
        debian=dict(debian_packages(found[STATUS])),
        release=_value(found[RELEASE], "VERSION_ID"),
        interpreter=_value(found[ENVIRONMENT], "version"),
    )


def debian_packages(status: str) -> Iterable[tuple[str, tuple[str, str]]]:
    """Name, version and architecture of each record in dpkg's status file."""
    for record in status.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Architecture): (\S+)$", record, re.MULTILINE))
        if fields:
            yield fields["Package"], (fields["Version"], fields["Architecture"])


def normalized(name: str) -> str:
    """A package's name as Python's index has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def of_the_lock(checkout: Path) -> Document:
    """What the lock pins, with its hashes; it takes the index, or a cache of it."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "sbom.json")
        uvx = [str(Path(sys.executable).with_name("uvx")), "--quiet", "--python", sys.executable, "--from", TOOL]
        what = ["cyclonedx-py", "requirements", "requirements.lock", "--pyproject", "pyproject.toml"]
        how = ["--output-reproducible", "--output-format=JSON", f"--output-file={out}"]
        subprocess.run([*uvx, *what, *how], cwd=checkout, check=True, capture_output=True, text=True)
        document: Document = json.loads(out.read_text(encoding="utf-8"))
    return document


def of_the_image(locked: Document, contents: Contents) -> Document:
    """The lock's document with what the image has, and with the base's packages."""
    inside = [part for part in locked["components"] if normalized(part["name"]) in contents.python]
    kept = {part["bom-ref"] for part in inside} | {locked["metadata"]["component"]["bom-ref"]}
    dependencies = [
        entry | {"dependsOn": [other for other in entry.get("dependsOn", []) if other in kept]}
        for entry in locked.get("dependencies", [])
        if entry["ref"] in kept
    ]
    base = [_system(contents.release), *_interpreter(contents), *_packages(contents)]
    return locked | {"components": [*inside, *base], "dependencies": dependencies}


def _system(release: str) -> Document:
    return {"type": "operating-system", "bom-ref": f"debian-{release}", "name": "debian", "version": release}


def _interpreter(contents: Contents) -> list[Document]:
    """Python itself, where it is no package of Debian's."""
    if any(name.startswith("python3") for name in contents.debian):
        return []
    purl = f"pkg:generic/python@{contents.interpreter}"
    return [{"type": "application", "bom-ref": purl, "name": "python", "version": contents.interpreter, "purl": purl}]


def _packages(contents: Contents) -> list[Document]:
    described = []
    for name, (version, architecture) in sorted(contents.debian.items()):
        purl = f"pkg:deb/debian/{quote(name, safe='')}@{quote(version, safe='')}"
        purl += f"?arch={architecture}&distro=debian-{contents.release}"
        described.append({"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl})
    return described


def lacks(document: Document, contents: Contents, own: str) -> list[str]:
    """What the image has and the document has not, or in another version. own: our package, the document's subject."""
    listed = {(normalized(part["name"]), part["version"]) for part in document["components"]}
    debian = {name: version for name, (version, _) in contents.debian.items()}
    held = {**contents.python, **debian}
    missing = (name for name in held if name != own and (normalized(name), held[name]) not in listed)
    return sorted(f"{name} {held[name]}" for name in missing)


def _value(text: str, name: str) -> str:
    found = re.search(rf'^{name} ?= ?"?([^"\n]*)"?$', text, re.MULTILINE)
    return found[1] if found else ""
