"""Every RunaiNimService that the documentation shows works as it stands, but for those that show a mistake."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.translate import translate
from tests.support.decisions import input_of

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
CONTEXT = Context(load_settings({"user_credential_secret": "{name}"}, {}), {"runai/queue": "team-a"})


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    for page in PAGES:
        for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)):
            for document in yaml.safe_load_all(block):
                if isinstance(document, dict) and document.get("kind") == "RunaiNimService":
                    yield f"{page.relative_to(ROOT)}-{number}", document


@pytest.mark.parametrize("cr", [pytest.param(cr, id=name) for name, cr in examples()])
def test_an_example_is_translated(cr: dict[str, Any]) -> None:
    desired = translate(input_of({**cr, "metadata": {"namespace": "team-a", **cr["metadata"]}}, CONTEXT))
    assert [finding.message for finding in desired.findings if finding.severity == "error"] == []
    assert desired.nimservice is not None


def test_the_readme_has_one() -> None:
    assert any(name.startswith("README.md") for name, _ in examples())
