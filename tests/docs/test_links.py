"""Links of documents lead to files and headings that are there, and whoever starts at the README finds every page."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from local.cluster import CHECKOUT

NAMES = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
    cwd=CHECKOUT,
    check=True,
    capture_output=True,
    text=True,
).stdout.split()
PAGES = [CHECKOUT / name for name in NAMES if (CHECKOUT / name).exists()]
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]*`")


@cache
def prose(page: Path) -> str:
    """Without blocks of code."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


@cache
def anchors(page: Path) -> set[str]:
    """Of the headings, as GitHub makes them: a heading that is there again gets a number."""
    found: set[str] = set()
    for title in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        number = next(n for n in range(100) if (f"{plain}-{n}" if n else plain) not in found)
        found.add(f"{plain}-{number}" if number else plain)
    return found


def links(page: Path) -> list[tuple[Path, str]]:
    """Where the links of a page lead: a file, and a heading or nothing."""
    found = LINK.findall(CODE.sub("`", prose(page)))
    return [((page.parent / name).resolve() if name else page, anchor) for name, anchor in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        assert target.exists(), target
        assert target.is_relative_to(CHECKOUT), target
        if anchor:
            assert anchor in anchors(target), f"{target}#{anchor}"


def test_every_page_is_found_from_the_readme() -> None:
    reached = set()
    ahead = [CHECKOUT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page.suffix == ".md" and page not in reached:
            reached.add(page)
            ahead += [target for target, _ in links(page)]
    pages = {page for page in PAGES if page.is_relative_to(CHECKOUT / "docs")}

    assert [str(page.relative_to(CHECKOUT)) for page in sorted(pages - reached)] == []


def test_what_a_link_and_a_heading_are(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `code`, and more\n\n## Again\n\n## Again\n\n"
        "[a](b/c.md), [d](https://example.com), [e](#again), [g](../h.md#i) `[j](k.md)`\n\n"
        "```\n# no heading\n[l](m.md)\n```\n"
    )

    assert anchors(page) == {"a-code-and-more", "again", "again-1"}
    assert links(page) == [(tmp_path / "b/c.md", ""), (page, "again"), (tmp_path.parent / "h.md", "i")]
