"""The version, in the files that repeat it; `operator/runai_nim/__init__.py` is the one place to change it.

Python spells it by PEP 440 (0.2.0.dev0), which is also the tag of the image; Helm wants a chart's by Semantic
Versioning (0.2.0-dev.0).
"""

import re
from collections.abc import Callable
from pathlib import Path

SOURCE = "operator/runai_nim/__init__.py"
_DECLARED = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


class VersionError(Exception):
    """A file lacks the version where it belongs; the message names the file and what to do."""


def declared(root: Path) -> str:
    """Return the version that a checkout declares; raises VersionError."""
    path = root / SOURCE
    found = _DECLARED.search(path.read_text(encoding="utf-8")) if path.is_file() else None
    if found is None:
        raise VersionError(f'{SOURCE}: there is no line __version__ = "X.Y.Z"; restore it')
    return found[1]


def release_of(version: str) -> str:
    """Return the release that a version leads to: 0.2.0 for 0.2.0.dev0."""
    return version.split(".dev")[0]


def chart_version(version: str) -> str:
    """Return a version as Helm spells it. A development version is older than the release there, too."""
    return version.replace(".dev", "-dev.")


Place = tuple[str, Callable[[str], str]]
"""A pattern whose group is the version, and how it is spelled there."""

_LABELS: tuple[Place, ...] = (
    (r"app\.kubernetes\.io/version: (.+)$", str),
    (r"helm\.sh/chart: runai-nim-operator-(.+)$", chart_version),
)
_IMAGE: Place = (r"registry\.example\.com/runai-nim-operator:(\S+)", str)
_PLACES: dict[str, tuple[Place, ...]] = {
    "charts/runai-nim-operator/Chart.yaml": ((r"^version: (.+)$", chart_version), (r"^appVersion: (.+)$", str)),
    "docs/guide/install.md": (_IMAGE, (r"the chart's own version, `(.+?)`", str)),
    # Those with a tag or a digest of their own have another image.
    **{f"tests/chart/cases/{case}/expected.yaml": (*_LABELS, _IMAGE) for case in ("defaults", "listed", "rest")},
    **{f"tests/chart/cases/{case}/expected.yaml": _LABELS for case in ("everything", "kai")},
}
FILES = tuple(_PLACES)


def versioned(root: Path, name: str, version: str) -> str:
    """Return the text of one of FILES with this version in it; raises VersionError."""
    path = root / name
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    for pattern, spelled in _PLACES[name]:
        text, count = re.subn(pattern, _with(spelled(version)), text, flags=re.MULTILINE)
        if not count:
            raise VersionError(f"{name} has no match of {pattern}; restore it, or correct scripts/versions.py")
    return text


def _with(version: str) -> Callable[[re.Match[str]], str]:
    """A replacement of the match's group alone."""

    def replaced(match: re.Match[str]) -> str:
        start, end = (at - match.start() for at in match.span(1))
        return match[0][:start] + version + match[0][end:]

    return replaced
