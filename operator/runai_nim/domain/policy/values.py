"""Compares values of a spec exactly: numbers as decimals, quantities as amounts."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from runai_nim.api import quantity
from runai_nim.api.v1alpha1.field_kinds import FieldKind

Comparable = Decimal | str
NUMERIC: Final = frozenset({FieldKind.INTEGER, FieldKind.NUMBER, FieldKind.BYTES, FieldKind.QUANTITY})
"""Kinds with min and max."""
LARGEST: Final = 10**30
"""Numbers beyond it are no values of a spec."""
UNSET: Final = (None, "")
"""Values that are as good as none: an empty text renders nothing, and a toleration with an empty key tolerates all."""
_NANO: Final = 10**9


def comparable(kind: FieldKind, value: Any) -> Comparable | None:
    """The value for comparisons; None for one of another type, which validation reports."""
    if kind in (FieldKind.INTEGER, FieldKind.NUMBER):
        return _number(value)
    if not isinstance(value, str):
        return None
    if kind in (FieldKind.BYTES, FieldKind.SIZE):
        amount = quantity.bytes_or_none(value)
        return None if amount is None else Decimal(amount.nanos)
    if kind == FieldKind.QUANTITY:
        try:
            return Decimal(quantity.parse(value).nanos)
        except quantity.QuantityError:
            return None
    return value


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not abs(value) < LARGEST:  # false for nan, too
        return None
    return Decimal(value) if isinstance(value, int) else Decimal(repr(value))


def is_same(kind: FieldKind, one: Any, other: Any) -> bool:
    """Whether two values of a field mean the same: `1024Mi` and `1Gi`, 1 and 1.0. True is not 1."""
    found = comparable(kind, one)
    if found is not None:
        return found == comparable(kind, other)
    return type(one) is type(other) and bool(one == other)


def derived_value(kind: FieldKind, source: Comparable | None, factor: Fraction) -> Any:
    """`source` times a factor as a value of this kind; integers and bytes are rounded up. None without a source."""
    if not isinstance(source, Decimal):
        return None
    product = Fraction(source) * factor
    if kind == FieldKind.INTEGER:
        return math.ceil(product)
    if kind == FieldKind.NUMBER:
        return int(product) if product.denominator == 1 else float(product)
    nanos = math.ceil(product / _NANO) * _NANO if kind == FieldKind.BYTES else math.ceil(product)
    return str(quantity.Quantity(nanos, binary=kind == FieldKind.BYTES))


def text(value: Any) -> str:
    """A value as in YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def get(tree: Any, steps: tuple[str, ...]) -> Any:
    """The value at a path; None if it is not set."""
    try:
        for step in steps:
            if tree is None:
                return None
            tree = tree.get(step)
    except AttributeError:  # not a mapping; asking for the type first costs effective_spec a tenth
        return None
    return tree
