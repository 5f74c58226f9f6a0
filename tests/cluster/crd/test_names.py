"""Every CEL rule on the name on the real API server: what it refuses, what it says, and what it lets through."""

from collections.abc import Callable
from typing import Any

import pytest
from kubernetes.client import ApiException

Create = Callable[..., dict[str, Any]]
Causes = Callable[[ApiException], dict[str, str]]
Spec = dict[str, Any]

NAMES = [
    ("1st", {}, "must be a DNS label", ""),
    ("with.dot", {}, "must be a DNS label", ""),
    ("a" * 60, {}, "must have at most 59", "has 60 characters"),
    ("a" * 45, {"multiNode": {"workers": 1}}, "must have at most 44", "has 45 characters"),
    ("default", {}, "must not be default", ""),
    ("llama-epp", {}, "must not end in -epp", ""),
    *((word, {}, "must not be a word that YAML reads", "") for word in ("true", "no", "on", "y", "null")),
]


@pytest.mark.parametrize(("name", "spec", "says", "shows"), NAMES)
def test_a_name_is_refused(create: Create, causes: Causes, name: str, spec: Spec, says: str, shows: str) -> None:
    with pytest.raises(ApiException) as refusal:
        create(spec, name)

    said = causes(refusal.value)
    assert list(said) == ["metadata.name"]
    assert says in said["metadata.name"]
    assert shows in said["metadata.name"]


@pytest.mark.parametrize(
    ("name", "spec"),
    [("a" * 59, {}), ("a" * 44, {"multiNode": {"workers": 1}}), ("epp", {}), ("yes-1", {}), ("default-llama", {})],
)
def test_a_name_is_accepted(create: Create, name: str, spec: Spec) -> None:
    assert create(spec, name)["metadata"]["name"] == name


def test_every_rule_on_the_name_has_a_row(rules: list[tuple[str, str]]) -> None:
    tried = [
        {says for _, _, says, _ in NAMES if says in message} for field, message in rules if field == "metadata.name"
    ]

    assert [len(found) for found in tried] == [1] * len({says for _, _, says, _ in NAMES})
