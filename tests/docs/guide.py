"""The guide's pages, and what their YAML blocks hold."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from local.cluster import CHECKOUT

PAGES = sorted((CHECKOUT / "docs" / "guide").glob("*.md"))
_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def documents(page: Path) -> Iterator[dict[str, Any]]:
    """Manifests, and values of the chart, which have no kind."""
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        yield from yaml.safe_load_all(block)
