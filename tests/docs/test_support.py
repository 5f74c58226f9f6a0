"""Whoever looks for a helper of tests finds each of them in the index."""

import re

from local.cluster import CHECKOUT

SUPPORT = CHECKOUT / "tests" / "support"


def test_the_index_lists_every_helper_once() -> None:
    text = (SUPPORT / "__init__.py").read_text(encoding="utf-8")
    listed = re.findall(r"^\| [^|]+ \| `(\w+)`", text, re.MULTILINE)

    assert sorted(listed) == sorted(path.stem for path in SUPPORT.glob("[!_]*.py"))


def test_a_helper_depends_on_no_folder_of_tests() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in SUPPORT.glob("*.py")}

    assert [name for name, text in texts.items() if re.search(r"^from tests\.(?!support)", text, re.MULTILINE)] == []
