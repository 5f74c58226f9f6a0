"""Specs made with Run:ai's Python client on the real API server: pasted under `spec:`, they are taken as they are."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.bodies import NAMES, bodies, client_spec


@pytest.mark.parametrize("name", NAMES)
def test_a_body_of_the_client_is_stored_unchanged(create: Callable[..., dict[str, Any]], name: str) -> None:
    spec = bodies()[name]

    assert create(spec, f"client-{name}", stored=True)["spec"] == spec


@pytest.mark.parametrize("name", NAMES)
def test_its_nulls_are_dropped(create: Callable[..., dict[str, Any]], name: str) -> None:
    spec = bodies()[name]

    assert create(client_spec().from_dict(spec).to_dict())["spec"] == spec
