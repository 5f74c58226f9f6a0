"""Quantities against a real API server's: what is read, which amount it is, and how it is printed.

A ResourceSlice's capacity takes any quantity, whatever its sign and fraction. The API server leaves the spelling of
some texts as it is (`5.`, `+2`, `12E6`) and prints exponents as exponents; amounts above 2^63-1 it cuts off, which
`parse_bytes` refuses. It drops blanks around a text, which none here has.
"""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from kubernetes import client, config
from kubernetes.client import ApiException

from local.control_plane import ControlPlane
from runai_nim.api import quantity
from runai_nim.api.quantity import MAX, Quantity, QuantityError

Store = Callable[[str], str | None]

many = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def amount(of: Quantity) -> Fraction:
    """In base units."""
    return Fraction(of.nanos, 10**9)


DIGITS = st.text("0123456789", min_size=1, max_size=12)
NUMBERS = st.one_of(
    DIGITS,
    st.builds("{}.{}".format, DIGITS, st.text("0123456789", max_size=11)),
    st.builds(".{}".format, DIGITS),
)
SUFFIXES = st.sampled_from(["", *"numkMGTPE", *(f"{letter}i" for letter in "KMGTPE")])
EXPONENTS = st.builds("{}{}{}".format, st.sampled_from("eE"), st.sampled_from(["", "+", "-"]), st.integers(0, 18))
NO_SUFFIXES = st.sampled_from(["K", "g", "ki", "GI", "kB", "GB", "i", "e", "E+", "mi", "G i", "%"])
TEXTS = st.builds(
    "{}{}{}".format, st.sampled_from(["", "", "", "+", "-", "--"]), NUMBERS, SUFFIXES | EXPONENTS | NO_SUFFIXES
)


@pytest.fixture(scope="module")
def store(control_plane: ControlPlane) -> Iterator[Store]:
    """What the API server makes of a quantity; None when it refuses it. Nothing is kept."""
    connection = config.new_client_from_config(str(control_plane.kubeconfig))
    objects = client.CustomObjectsApi(connection)
    resource: dict[str, Any] = {"group": "resource.k8s.io", "version": "v1", "plural": "resourceslices"}

    def stored(text: str) -> str | None:
        spec = {
            "driver": "quantities.example.com",
            "nodeName": "none",
            "pool": {"name": "quantities", "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": "device", "capacity": {"amount": {"value": text}}}],
        }
        head = {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": "quantities"}}
        try:
            answer: Any = objects.create_cluster_custom_object(**resource, body={**head, "spec": spec}, dry_run="All")
        except ApiException as refusal:
            if refusal.status == 400:
                return None
            raise
        return str(answer["spec"]["devices"][0]["capacity"]["amount"]["value"])

    yield stored
    connection.close()


def read(text: str) -> quantity.Quantity | None:
    try:
        return quantity.parse(text)
    except QuantityError:
        return None


@many
@given(TEXTS)
@example(text="1Ki")
@example(text="-1Ki")
@example(text="1023Ki")
@example(text="1023.5")
@example(text="-0.5Gi")
def test_any_text_is_read_as_the_api_server_reads_it(store: Store, text: str) -> None:
    theirs, ours = store(text), read(text)

    assert (theirs is None) == (ours is None)
    if theirs is None or ours is None or abs(amount(ours)) > MAX:
        return
    assert amount(quantity.parse(theirs)) == amount(ours)
    assert theirs in (str(ours), text) or re.search("[eE][+-]?[0-9]", text)
    assert store(str(ours)) == str(ours)


@many
@given(NUMBERS, st.sampled_from("kKmMgGtTpPeE"), st.sampled_from(["", "i", "I"]), st.sampled_from("bB"))
def test_a_b_makes_no_difference(store: Store, number: str, letter: str, binary: str, b: str) -> None:
    known = "k" if letter in "kK" and not binary else letter.upper()
    theirs = read(store(f"{number}{known}{binary.lower()}") or "")
    assert theirs is not None

    try:
        ours = quantity.parse_bytes(f"{number}{letter}{binary}{b}")
    except QuantityError:
        assert amount(theirs) >= MAX
        return
    assert 0 <= amount(ours) - amount(theirs) < 1
    assert amount(ours).denominator == 1
    assert store(str(ours)) == str(ours)


@many
@given(st.decimals(0, 10**9, places=3))
def test_cores_are_printed_as_the_api_server_does(store: Store, cores: Decimal) -> None:
    text = quantity.cpu_text(cores)

    assert store(text) == text
    assert amount(quantity.parse(text)) == Fraction(cores)
