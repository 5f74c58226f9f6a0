"""Exact Kubernetes quantities: parses, compares, and formats them as the API server does.

Arithmetic uses whole billionths, without floats. Grammar and canonical form: k8s.io/apimachinery pkg/api/resource.
Run:ai's API also allows a trailing B for bytes (`10GB`).
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

MAX: Final = 2**63 - 1
"""The largest quantity in Kubernetes."""
MEBIBYTE: Final = 2**20

_NANO: Final = 10**9
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_UNITS: Final = tuple((suffix, 10 ** (exponent + 9)) for suffix, exponent in reversed(_DECIMAL.items()))
"""Billionths of each decimal suffix, the largest first."""
_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_NUMBER: Final = r"(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_QUANTITY: Final = re.compile(rf"(?P<sign>[+-]?){_NUMBER}(?P<suffix>[numkMGTPE]?|[KMGTPE]i|[eE][+-]?[0-9]{{1,2}})")
_WITH_B: Final = re.compile(rf"{_NUMBER}(?P<letter>[kmgtpe])(?P<binary>i?)b", re.IGNORECASE)
_ALMOST: Final = re.compile(rf"{_NUMBER}(?P<letter>[kmgtpe])(?P<binary>i?)b?", re.IGNORECASE)
_LONGEST: Final = 64
BYTES_RULE: Final = "a number of bytes such as 10Gi, 10G or 1.5Gi (10GiB and 10GB are read too)"


class QuantityError(ValueError):
    """The text is not a quantity of the requested kind. The message says what is allowed."""


@dataclass(frozen=True, order=True, slots=True)
class Quantity:
    """A quantity in billionths of the base unit (byte, core, device), and whether it is formatted with binary
    suffixes."""

    nanos: int
    binary: bool = False

    def __str__(self) -> str:
        """Canonical text, as the API server formats it: `2Gi` for 2048Mi, `1500M` for 1.5G, `500m` for 0.5."""
        whole, rest = divmod(self.nanos, _NANO)
        if self.binary and abs(whole) >= 1024 and not rest:
            return _binary_text(whole)
        return _decimal_text(self.nanos)


def parse(text: str) -> Quantity:
    """Parse `text` as Kubernetes does, rounding up to whole billionths: `1.5Gi`, `100m`, `1e3`. Raises
    QuantityError."""
    match = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise QuantityError("a Kubernetes quantity such as 500m, 2, 10G or 10Gi")
    suffix = match["suffix"]
    whole, _, decimals = match["number"].partition(".")
    factor, exponent = _scale(suffix)
    exponent += 9 - len(decimals)
    nanos = int(whole + decimals) * factor
    nanos = nanos * 10**exponent if exponent >= 0 else -(-nanos // 10**-exponent)
    return Quantity(-nanos if match["sign"] == "-" else nanos, binary=suffix in _BINARY[1:])


@lru_cache(maxsize=4096)  # every reconciliation parses the same few quantities
def parse_bytes(text: str) -> Quantity:
    """Parse a user's quantity of memory or storage: whole bytes from 0 to MAX, rounded up.

    Accepts the suffixes of Kubernetes and of Run:ai's API: `10GB` = `10G`, `1TiB` = `1Ti`, in any case. Raises
    QuantityError for negative quantities, thousandths (`100m`), blanks, and text that is not a number.
    """
    with_b = _WITH_B.fullmatch(text)
    try:
        quantity = parse(_kubernetes_spelling(with_b) if with_b else text)
    except QuantityError:
        raise QuantityError(BYTES_RULE) from None
    if not 0 <= quantity.nanos <= MAX * _NANO or text[-1] in ("m", "u", "n"):
        raise QuantityError(BYTES_RULE)
    return Quantity(-(-quantity.nanos // _NANO) * _NANO, quantity.binary)


def suggested_spelling(text: str) -> str | None:
    """The probable meaning of a `text` that `parse_bytes` rejects: `10Gi` for `10 gi`; None if unclear."""
    match = _ALMOST.fullmatch("".join(text.split()))
    if match is None or len(match["number"]) > _LONGEST:
        return None
    meant = _kubernetes_spelling(match)
    return meant if meant != text else None


def is_equal(one: str, other: str) -> bool:
    """Whether two texts are equal quantities: `1024Mi` equals `1Gi`. Malformed text equals nothing."""
    try:
        return parse(one).nanos == parse(other).nanos
    except QuantityError:
        return False


def cpu_text(cores: Decimal) -> str:
    """Canonical text of a number of CPU cores: 0.5 is `500m`. Raises QuantityError for more than nine decimals."""
    numerator, denominator = cores.as_integer_ratio()
    nanos, rest = divmod(numerator * _NANO, denominator)
    if rest:
        raise QuantityError("a number with at most nine decimal places")
    return _decimal_text(nanos)


def mebibytes(quantity: Quantity) -> int:
    """Whole MiB, rounded up so that the user gets at least the requested quantity: `1G` is 954."""
    return -(-quantity.nanos // (MEBIBYTE * _NANO))


def bytes_or_none(text: str | None) -> Quantity | None:
    """As `parse_bytes`, but None if the text is absent or malformed."""
    try:
        return None if text is None else parse_bytes(text)
    except QuantityError:
        return None


def of_mebibytes(count: int) -> Quantity:
    """The quantity of `count` MiB, which always has a unit as text: `40Gi` for 40960, `954Mi`."""
    return Quantity(count * MEBIBYTE * _NANO, binary=True)


def _scale(suffix: str) -> tuple[int, int]:
    """The base and exponent of a suffix."""
    if suffix in _DECIMAL:
        return 1, _DECIMAL[suffix]
    if suffix in _BINARY:
        return 1024 ** _BINARY.index(suffix), 0
    return 1, int(suffix[1:])


def _kubernetes_spelling(match: re.Match[str]) -> str:
    binary = "i" if match["binary"] else ""
    letter = match["letter"].upper()
    return f"{match['number']}{'k' if letter == 'K' and not binary else letter}{binary}"


def _binary_text(number: int) -> str:
    power = 0
    while number % 1024 == 0:
        number //= 1024
        power += 1
    return f"{number}{_BINARY[power]}"


def _decimal_text(nanos: int) -> str:
    suffix, unit = next((suffix, unit) for suffix, unit in _UNITS if nanos % unit == 0) if nanos else ("", 1)
    return f"{nanos // unit}{suffix}"
