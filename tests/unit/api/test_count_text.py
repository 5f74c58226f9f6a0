"""Counts in messages."""

import pytest

from runai_nim.api.count_text import count_text


@pytest.mark.parametrize(("count", "text"), [(0, "0 nodes"), (1, "1 node"), (2, "2 nodes")])
def test_one_is_singular(count: int, text: str) -> None:
    assert count_text(count, "node") == text
