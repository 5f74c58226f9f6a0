"""What documents refer to is there: other documents, and the tests behind the claims on security."""

import re
import subprocess
from pathlib import Path

import pytest

from local.cluster import CHECKOUT

LISTED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
    cwd=CHECKOUT,
    check=True,
    capture_output=True,
    text=True,
).stdout.split()
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@pytest.mark.parametrize("name", LISTED)
def test_links_lead_somewhere(name: str) -> None:
    page = CHECKOUT / name
    links = LINK.findall(page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_a_link_is_seen() -> None:
    assert LINK.findall("[a](b/c.md), [d](https://example.com), [e](#f), [g](../h.md#i)") == ["b/c.md", "../h.md"]


def test_the_tests_behind_the_claims_on_security_are_there() -> None:
    named = NAMED.findall((CHECKOUT / "docs" / "security.md").read_text(encoding="utf-8"))
    texts = {path: Path(CHECKOUT / path).read_text(encoding="utf-8") for path, _ in named}

    assert len(named) > 10
    assert [f"{path}::{test}" for path, test in named if f"def {test}(" not in texts[path]] == []
