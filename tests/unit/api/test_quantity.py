import ast
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import runai_nim
from runai_nim.api import quantity
from runai_nim.api.quantity import MAX, MEBIBYTE, Quantity, QuantityError


def amount(of: Quantity) -> Fraction:
    """In base units."""
    return Fraction(of.nanos, 10**9)


SUFFIXES = ("", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "e3", "E3")


# Each pair was read off resource.MustParse(text).String() of k8s.io/apimachinery.
@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("0Gi", "0"),
        ("1024Mi", "1Gi"),
        ("1000Ki", "1000Ki"),
        ("1.5Gi", "1536Mi"),
        (".5Gi", "512Mi"),
        ("1.1Ki", "1126400m"),
        ("1Ki", "1Ki"),
        ("-1Ki", "-1Ki"),
        ("1023", "1023"),
        ("0.5Ki", "512"),
        ("1000M", "1G"),
        ("1500M", "1500M"),
        ("1.5G", "1500M"),
        ("0.5", "500m"),
        ("100m", "100m"),
        ("2000m", "2"),
        ("1u", "1u"),
        ("0.0000000001", "1n"),
        ("-1Gi", "-1Gi"),
    ],
)
def test_prints_as_the_api_server_does(text: str, canonical: str) -> None:
    assert str(quantity.parse(text)) == canonical


def test_spellings_that_go_keeps_are_printed_as_it_prints_their_amount() -> None:
    assert str(quantity.parse("5.")) == "5"
    assert str(quantity.parse("+2")) == "2"
    assert str(quantity.parse("1e3")) == "1k"
    assert amount(quantity.parse("12E6")) == 12_000_000


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "1 Gi", "NaN", "inf", "1g", "1gi", "1e", "1e100", "١", "1_0", "0x1", "9" * 65]
)
def test_refuses_what_kubernetes_refuses(text: str) -> None:
    with pytest.raises(QuantityError, match="quantity such as"):
        quantity.parse(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("10GB", "10G"),
        ("10gb", "10G"),
        ("10mb", "10M"),
        ("20MB", "20M"),
        ("1TiB", "1Ti"),
        ("1tib", "1Ti"),
        ("5KB", "5k"),
        ("5KiB", "5Ki"),
        ("10Gi", "10Gi"),
        ("7Ei", "7Ei"),
        ("0.3Gi", "322122548"),
        ("0", "0"),
    ],
)
def test_bytes_may_have_a_b_and_are_whole(text: str, canonical: str) -> None:
    assert str(quantity.parse_bytes(text)) == canonical


@pytest.mark.parametrize(
    "text", ["100m", "5u", "5n", "-1", "-1Gi", "1 Gi", "", "NaN", "10g", "10B", "8Ei", "99e18", "1.GB.", "iB"]
)
def test_bytes_refuse_the_rest(text: str) -> None:
    with pytest.raises(QuantityError, match="a number of bytes such as 10Gi"):
        quantity.parse_bytes(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10 GB", "10G"),
        (" 10gi ", "10Gi"),
        ("100m", "100M"),
        ("5K", "5k"),
        ("8Ei", None),
        ("ten", None),
        ("1" * 70 + "g", None),
    ],
)
def test_suggests_what_was_meant(text: str, meant: str | None) -> None:
    assert quantity.suggested_spelling(text) == meant


@pytest.mark.parametrize(
    ("cores", "text"), [("0.5", "500m"), ("2", "2"), ("2.0", "2"), ("0", "0"), ("1.25", "1250m"), ("1E+3", "1k")]
)
def test_cpu_text(cores: str, text: str) -> None:
    assert quantity.cpu_text(Decimal(cores)) == text


def test_cpu_text_is_exact_or_refused() -> None:
    with pytest.raises(QuantityError, match="nine decimal places"):
        quantity.cpu_text(Decimal("1e-10"))


@pytest.mark.parametrize(("text", "mib"), [("1Gi", 1024), ("1", 1), ("1048577", 2), ("20GB", 19074), ("0", 0)])
def test_mebibytes_round_up(text: str, mib: int) -> None:
    assert quantity.mebibytes(quantity.parse_bytes(text)) == mib


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("1024Mi", "1Gi", True), ("1", "1000m", True), ("1G", "1Gi", False), ("x", "x", False), ("1", "x", False)],
)
def test_equal(one: str, other: str, same: bool) -> None:
    assert quantity.is_equal(one, other) is same


def test_quantities_compare_by_amount() -> None:
    assert quantity.parse("1G") < quantity.parse("1Gi") < quantity.parse("1100M")


@given(st.integers(0, 10**9), st.sampled_from(SUFFIXES))
def test_canonical_text_is_the_same_amount_and_stays(number: int, suffix: str) -> None:
    first = quantity.parse(f"{number}{suffix}")
    again = quantity.parse(str(first))

    assert amount(again) == amount(first)
    assert str(again) == str(first)


@given(st.decimals(0, 10**6, places=3))
def test_cpu_text_reads_back(cores: Decimal) -> None:
    assert amount(quantity.parse(quantity.cpu_text(cores))) == Fraction(cores)


@given(st.integers(0, MAX), st.booleans())
def test_mebibytes_are_the_fewest_that_hold_the_amount(amount: int, binary: bool) -> None:
    mib = quantity.mebibytes(Quantity(amount * 10**9, binary))

    assert (mib - 1) * MEBIBYTE < amount <= mib * MEBIBYTE


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = quantity.parse_bytes(text)
    except QuantityError:
        meant = quantity.suggested_spelling(text)
        assert meant is None or meant != text
    else:
        assert 0 <= amount(found) <= MAX
        assert quantity.is_equal(str(found), str(found))


def floats(code: str) -> list[str]:
    """Where floats come into a module's arithmetic: by name, by literal, or by dividing."""
    found = [
        node
        for node in ast.walk(ast.parse(code))
        if (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))
    ]
    return [ast.unparse(node) for node in found]


@pytest.mark.parametrize("module", ["api/quantity.py", "domain/translate/compute.py", "domain/validate/compute.py"])
def test_amounts_are_never_floats(module: str) -> None:
    code = (Path(runai_nim.__file__).parent / module).read_text(encoding="utf-8")

    assert floats(code) == []


def test_floats_would_be_found() -> None:
    assert floats("x = float(1); y = 0.5 + 1 / 3") == ["float", "0.5", "1 / 3"]


@pytest.mark.parametrize(("count", "text"), [(40960, "40Gi"), (954, "954Mi"), (1, "1Mi"), (1536, "1536Mi")])
def test_mebibytes_have_a_unit(count: int, text: str) -> None:
    assert str(quantity.of_mebibytes(count)) == text
    assert quantity.mebibytes(quantity.of_mebibytes(count)) == count
