from typing import Any

import pytest

from runai_nim.api.untrusted_values import (
    MAX_TEXT_LENGTH,
    MAX_WORD_LENGTH,
    mapping,
    mappings,
    number,
    text,
    word,
    words,
)

OTHERS: tuple[Any, ...] = (None, True, 1, 1.5, "x", [1], {"a": 1})


@pytest.mark.parametrize(
    ("read", "taken", "absent"),
    [(mapping, dict, {}), (mappings, list, []), (text, str, ""), (word, str, ""), (words, list, ()), (number, int, 0)],
)
def test_what_is_of_another_type_is_absent(read: Any, taken: type, absent: Any) -> None:
    others = [other for other in OTHERS if not isinstance(other, taken) or isinstance(other, bool)]
    assert [read(other) for other in others] == [absent] * len(others)


def test_what_is_of_the_type_is_read() -> None:
    assert mapping({"a": 1}) == {"a": 1}
    assert mappings([{"a": 1}, None, {"b": 2}]) == [{"a": 1}, {"b": 2}]
    assert (text("a b"), word("a"), words(["a", 1, "b"]), number(3)) == ("a b", "a", ("a", "b"), 3)


def test_a_default_stands_for_what_is_absent() -> None:
    assert (word(None, "Pending"), word("x" * (MAX_WORD_LENGTH + 1), "Pending"), number(None, 1)) == (
        "Pending",
        "Pending",
        1,
    )


def test_nothing_is_longer_than_it_may_be() -> None:
    assert text("x" * MAX_TEXT_LENGTH) == "x" * MAX_TEXT_LENGTH
    assert text("x" * (MAX_TEXT_LENGTH + 1)) == "x" * (MAX_TEXT_LENGTH - 1) + "…"
    assert word("x" * MAX_WORD_LENGTH) == "x" * MAX_WORD_LENGTH
    assert words(["x" * (MAX_WORD_LENGTH + 1), "b"]) == ("b",)
