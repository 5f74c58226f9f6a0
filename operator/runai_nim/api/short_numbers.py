"""Numbers in their shortest form: 2 and 0.5, not 2.0 and 0.50."""

from decimal import Decimal
from typing import Final

_EXACT: Final = 2**53
"""Below it a float has no rounding error, and JSON parsers read the same integer."""


def json_number(value: Decimal | float) -> float:
    """The number for JSON: an int if it is whole and exact, as 2.0 is, else a float."""
    whole = int(value)
    return whole if value == whole and abs(whole) < _EXACT else float(value)


def decimal_text(value: Decimal) -> str:
    """The number as text, without an exponent: `0.5`, `20`."""
    return format(value.normalize(), "f")
