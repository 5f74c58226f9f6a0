"""CHANGELOG.md: a section for each release, newest first, `## 1.2.3 - 2026-01-31`, and above them `## Unreleased`.

`python -m scripts.changelog` prints what the section of this version says.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scripts import versions

ROOT = Path(__file__).resolve().parent.parent
UNRELEASED = "Unreleased"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


class Section(NamedTuple):
    """A heading without its marks, and the text below it."""

    title: str
    text: str


def sections(changelog: str) -> Iterator[Section]:
    """Yield the sections as they stand."""
    headings = list(_HEADING.finditer(changelog))
    ends = [*(heading.start() for heading in headings[1:]), len(changelog)]
    for heading, end in zip(headings, ends, strict=False):
        yield Section(heading[1].strip(), changelog[heading.end() : end].strip())


def section_of(changelog: str, version: str) -> Section | None:
    """Return the section of a version, dated or not."""
    return next((found for found in sections(changelog) if found.title.split(" ")[0] == version), None)


def main() -> int:
    """Print the section of this version, which a development version does not have yet."""
    version = versions.declared(ROOT)
    section = section_of((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    if section is None:
        print(f"CHANGELOG.md has no section about {version}; see `make release-check`", file=sys.stderr)
        return 1
    print(section.text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
