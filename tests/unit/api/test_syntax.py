import pytest
from hypothesis import given
from hypothesis import strategies as st

from runai_nim.api import syntax


@pytest.mark.parametrize("word", ["true", "Yes", "ON", "off", "n", "Y", "null", "~", ".nan", ".inf", "2001-01-01"])
def test_words_that_yaml_reads_as_something_else(word: str) -> None:
    assert not syntax.is_yaml_text(word)


@pytest.mark.parametrize("word", ["123", "1e3", "1.5", ".5", "0x1f", "0b1", "0o17", "1_000", "12:30", "-1"])
def test_words_that_yaml_reads_as_numbers(word: str) -> None:
    assert not syntax.is_yaml_text(word)


@pytest.mark.parametrize("word", ["llama", "no1", "e1", "1-2", "nan", "inf", "yes-please", "runai-scheduler"])
def test_words_that_yaml_reads_as_text(word: str) -> None:
    assert syntax.is_yaml_text(word)


@given(st.text(max_size=50))
def test_any_word_is_text_or_not(word: str) -> None:
    assert syntax.is_yaml_text(word) in (True, False)


@pytest.mark.parametrize(
    ("text", "label", "name"),
    [
        ("llama-3", True, True),
        ("3-llama", False, True),
        ("llama.3", False, True),
        ("Llama", False, False),
        ("llama-", False, False),
        ("", False, False),
        ("llama\n", False, False),
        ("a" * 254, True, False),
    ],
)
def test_names(text: str, label: bool, name: bool) -> None:
    assert syntax.is_dns_1035_label(text) is label
    assert syntax.is_object_name(text) is name


@pytest.mark.parametrize(
    ("text", "valid"),
    [("", True), ("A_b.c-1", True), ("a" * 63, True), ("a" * 64, False), ("-a", False), ("a b", False)],
)
def test_label_values(text: str, valid: bool) -> None:
    assert syntax.is_label_value(text) is valid


@pytest.mark.parametrize(
    ("text", "valid"),
    [("app", True), ("example.com/app", True), ("/app", False), ("example.com/", False), ("a/b/c", False), ("", False)],
)
def test_keys(text: str, valid: bool) -> None:
    assert syntax.is_key(text) is valid


def test_nearest() -> None:
    known = ["gpuPortionRequest", "gpuMemoryRequest"]

    assert syntax.closest_match("gpuportionrequst", known) == "gpuPortionRequest"
    assert syntax.closest_match("colour", known) is None


@pytest.mark.parametrize(
    ("text", "holds"), [("team-a", True), ("1a", True), ("a.b", False), ("A", False), ("-a", False)]
)
def test_a_dns_label(text: str, holds: bool) -> None:
    assert syntax.is_dns_label(text) == holds
