"""Bodies as bytes: what is read of them, what is refused, and that it costs what they are long."""

import json
from contextlib import suppress
from typing import Any

import pytest

from runai_nim.rest.errors import HttpError
from runai_nim.rest.request_parsing import MAX_BODY_BYTES, MAX_BODY_VALUES, parse_json_object
from tests.support.growth import LINEAR, growth


def refusal(content: bytes) -> str:
    with pytest.raises(HttpError) as raised:
        parse_json_object(content)
    assert raised.value.code == 400
    return raised.value.message


def twice(count: int) -> bytes:
    """An object whose last field is there already."""
    names = [*map(str, range(count)), str(count - 1)]
    return ("{" + ",".join(f'"{name}":1' for name in names) + "}").encode()


def with_values(count: int, value: Any = 1) -> bytes:
    """A body of that many values, the object itself and the list in it among them."""
    return json.dumps({"a": [value] * (count - 2)}).encode()


def test_a_field_that_is_there_twice_is_found_at_any_place() -> None:
    assert refusal(twice(1000)) == 'the body must be JSON: duplicate key "999", remove one'
    assert refusal(b'{"a":{"b":1,"b":2},"a":3}') == 'the body must be JSON: duplicate key "b", remove one'


def test_the_most_values_are_read_and_one_more_is_refused() -> None:
    assert len(parse_json_object(with_values(MAX_BODY_VALUES))["a"]) == MAX_BODY_VALUES - 2
    message = refusal(with_values(MAX_BODY_VALUES + 1))
    assert message.startswith(f"the body must contain at most {MAX_BODY_VALUES} values")


@pytest.mark.parametrize("text", ["," * 50_000, "[{" * 20_000, '",' * 20_000, '\\",' * 20_000, "\\" * 50_001])
def test_what_stands_in_texts_is_no_value(text: str) -> None:
    assert parse_json_object(json.dumps({"a": text}).encode()) == {"a": text}


@pytest.mark.parametrize(
    "made",
    [
        lambda size: twice(size // 100),
        lambda size: b'{"a":' + b"1" * size,
        lambda size: b'"' + b'\\"' * size,
        lambda size: b'"' + b"\\" * size,
        lambda size: b'{"a":"' + b"," * size + b'"}',
        lambda size: b'{"a":[' + b'"x","y' * size,
        lambda size: b" " * size + b"{}",
    ],
)
def test_a_body_costs_what_it_is_long(made: Any) -> None:
    def read(content: bytes) -> None:
        with suppress(HttpError):
            parse_json_object(content)

    assert growth(read, made, MAX_BODY_BYTES // 16) < LINEAR
