"""Numbers in their shortest form, as JSON and as text."""

from decimal import Decimal

import orjson
import pytest

from runai_nim.api.short_numbers import decimal_text, json_number


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2.0, "2"),
        (0.5, "0.5"),
        (-1.0, "-1"),
        (Decimal("0.50"), "0.5"),
        (Decimal(20), "20"),
        (2.0**53 - 1, "9007199254740991"),
        (2.0**53, "9007199254740992.0"),
        (Decimal(10**30), "1e+30"),  # beyond what JSON writers take as an integer
    ],
)
def test_a_number_of_json(value: Decimal | float, expected: str) -> None:
    assert repr(json_number(value)) == expected
    assert orjson.loads(orjson.dumps(json_number(value))) == json_number(value)


@pytest.mark.parametrize(("value", "expected"), [("0.50", "0.5"), ("20", "20"), ("2E+1", "20"), ("0", "0")])
def test_a_number_as_text(value: str, expected: str) -> None:
    assert decimal_text(Decimal(value)) == expected
