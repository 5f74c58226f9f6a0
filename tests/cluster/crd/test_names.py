"""Every CEL rule on the name on the real API server: what it refuses, what it says, and what it lets through."""

from collections.abc import Callable
from typing import Any

import pytest
from kubernetes.client import ApiException

from tests.cluster.crd.cases import NAMES, NameRow, Spec

Create = Callable[..., dict[str, Any]]
Causes = Callable[[ApiException], dict[str, str]]


@pytest.mark.parametrize(("row", "name", "spec"), [(row, name, spec) for row in NAMES for name, spec in row.refused])
def test_a_name_is_refused(create: Create, causes: Causes, row: NameRow, name: str, spec: Spec) -> None:
    with pytest.raises(ApiException) as refusal:
        create(spec, name)

    said = causes(refusal.value)
    assert list(said) == ["metadata.name"]
    assert row.says in said["metadata.name"]
    assert row.shows in said["metadata.name"]


@pytest.mark.parametrize(("name", "spec"), [case for row in NAMES for case in row.allowed])
def test_a_name_is_accepted(create: Create, name: str, spec: Spec) -> None:
    assert create(spec, name)["metadata"]["name"] == name
