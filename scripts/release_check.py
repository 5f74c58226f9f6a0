"""`make release-check [TAG=v1.2.3]`: do version, tree, changelog, chart, tag and frozen outputs agree on a release?

Ends with 0 where they do; with 1 where they don't, a line for each problem with what to do; with 2 where it can't tell.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts import changelog, versions

ROOT = Path(__file__).resolve().parent.parent
FROZEN = ("manifests.yaml", "stored.jsonl", "translations.jsonl")
_RELEASE = re.compile(r"\d+\.\d+\.\d+")
_DATED = re.compile(r"\S+ - \d{4}-\d\d-\d\d")
_FROZEN_FROM = re.compile(r'app\.kubernetes\.io/version: "?([^"\n]+)')


class CannotTellError(Exception):
    """There is nothing to judge; the message says what is missing."""


def problems(root: Path, tag: str | None) -> Iterator[str]:
    """Yield what keeps a checkout from being released, by file, with the remedy; raises CannotTellError.

    tag: the one that the release is made for; None before there is one.
    """
    try:
        version = versions.declared(root)
    except versions.VersionError as error:
        raise CannotTellError(str(error)) from error
    release = versions.release_of(version)
    yield from _of_the_version(version, release)
    yield from _of_what_repeats_it(root, version)
    yield from _of_the_changelog(root, release)
    yield from _of_what_is_frozen(root, release)
    yield from _of_the_tree(root)
    yield from _of_the_tag(root, release, tag)


def _of_the_version(version: str, release: str) -> Iterator[str]:
    if not _RELEASE.fullmatch(release):
        yield f"{versions.SOURCE}: {version} is not of the form X.Y.Z; correct it and run `make generate`"
    elif version != release:
        yield f"{versions.SOURCE}: {version} is a development version; set {release} and run `make generate`"


def _of_what_repeats_it(root: Path, version: str) -> Iterator[str]:
    for name in versions.FILES:
        try:
            wanted = versions.versioned(root, name, version)
        except versions.VersionError as error:
            yield str(error)
            continue
        if (root / name).read_text(encoding="utf-8") != wanted:
            yield f"{name}: has another version than {version}; run `make generate`"


def _of_the_changelog(root: Path, release: str) -> Iterator[str]:
    path = root / "CHANGELOG.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    titles = [found.title for found in changelog.sections(text)]
    section = changelog.section_of(text, release)
    heading = f'"## {release} - YYYY-MM-DD"'
    if section is None:
        yield f"CHANGELOG.md: no section is about {release}; make {heading} of what is under Unreleased"
        return
    if not _DATED.fullmatch(section.title):
        yield f'CHANGELOG.md: "## {section.title}" has no date; write {heading}'
    if not section.text:
        yield f"CHANGELOG.md: the section of {release} is empty; say what changed"
    if changelog.UNRELEASED in titles:
        yield f"CHANGELOG.md: there is a section Unreleased beside {release}; move what is in it, and remove it"
    elif titles[0] != section.title:
        yield f"CHANGELOG.md: {titles[0]} stands above {release}; the newest comes first"


def _of_what_is_frozen(root: Path, release: str) -> Iterator[str]:
    folder = f"tests/upgrade/{release}"
    freeze = "run `.venv/bin/python -m tests.upgrade.freeze`"
    missing = [name for name in FROZEN if not (root / folder / name).is_file()]
    if len(missing) == len(FROZEN):
        yield f"{folder}: this release's outputs are not frozen; {freeze}"
    elif missing:
        yield f"{folder}: lacks {', '.join(missing)}; delete the folder and {freeze}"
    else:
        found = _FROZEN_FROM.search((root / folder / "manifests.yaml").read_text(encoding="utf-8"))
        if found is None or found[1] != release:
            was = found[1] if found else "no version"
            yield f"{folder}: was frozen from {was}, not from {release}; delete the folder and {freeze}"


def _of_the_tree(root: Path) -> Iterator[str]:
    changed = _git(root, "status", "--porcelain").splitlines()
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        yield f"tree: {changed[0][3:]}{more} differs from the last commit; commit or remove it"


def _of_the_tag(root: Path, release: str, tag: str | None) -> Iterator[str]:
    expected = f"v{release}"
    if tag is not None and tag != expected:
        yield f"tag: {tag} is not {expected}, the tag of {release}; delete it, and tag this commit {expected}"
        return
    tagged = _git(root, "rev-parse", "--quiet", "--verify", f"refs/tags/{expected}^{{commit}}", missing="").strip()
    if tagged and tagged != _git(root, "rev-parse", "HEAD").strip():
        yield f"tag: {expected} is at {tagged[:12]}, another commit: {release} is out; choose a later version"
    elif tag is not None and not tagged:
        yield f"tag: there is no {expected} in this clone; fetch it (`git fetch --tags`)"


def _git(root: Path, *arguments: str, missing: str | None = None) -> str:
    """Output of git; `missing` is returned instead where git finds nothing."""
    try:
        ended = subprocess.run(["git", *arguments], cwd=root, text=True, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise CannotTellError("PATH has no git; install it") from error
    if ended.returncode == 0:
        return ended.stdout
    if missing is not None:
        return missing
    raise CannotTellError(f"git {arguments[0]}: {ended.stderr.strip() or ended.returncode}; run it in a clone")


def main() -> int:
    """Print the problems of this checkout."""
    parser = argparse.ArgumentParser(prog="make release-check", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout (default: this one)")
    parser.add_argument("--tag", help="the tag that the release is made for; left out before there is one")
    arguments = parser.parse_args()
    try:
        found = list(problems(arguments.root, arguments.tag))
    except CannotTellError as error:
        print(f"release-check: {error}", file=sys.stderr)
        return 2
    for problem in found:
        print(f"release-check: {problem}", file=sys.stderr)
    if not found:
        print(f"release-check: {versions.declared(arguments.root)} is ready to be released")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
