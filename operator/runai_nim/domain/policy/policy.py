"""A policy as a value, and its defaults and rules by the path of their field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

from runai_nim.api.resources import ObjectKey
from runai_nim.api.v1alpha1.field_kinds import FIELD_KINDS, ITEM_LISTS

JsonObject = Mapping[str, Any]


class Scope(StrEnum):
    """What a policy is for; the first is the widest."""

    CLUSTER = "cluster"
    DEPARTMENT = "department"
    PROJECT = "project"

    @property
    def width(self) -> int:
        """0 for the widest."""
        return _WIDTHS[self]


_WIDTHS: Final[Mapping[Scope, int]] = {scope: width for width, scope in enumerate(Scope)}


@dataclass(frozen=True, slots=True)
class ValueOrigin:
    """Origin of a value of the effective spec: the resource, or a policy's default."""

    policy: str = ""
    scope: Scope | None = None

    def __str__(self) -> str:
        return f"policy {self.policy}, {self.scope}" if self.scope else "resource"


RESOURCE: Final = ValueOrigin()


@dataclass(frozen=True)  # without slots, for what is computed once
class Policy:
    """A policy whose types are valid and which holds no null. Its hash is that of its name.

    `namespace`: of a project's policy. `selector`: the namespaces of another one; None selects all.
    """

    name: str
    scope: Scope
    defaults: JsonObject = field(default_factory=dict)
    rules: JsonObject = field(default_factory=dict)
    enforcement: Literal["OnChange", "Immediate"] = "OnChange"
    namespace: str = ""
    selector: JsonObject | None = None

    def __hash__(self) -> int:
        return hash((self.name, self.scope, self.namespace))

    @property
    def key(self) -> ObjectKey:
        """Namespace (empty for a cluster's) and name, which the API server allows once."""
        return self.namespace, self.name

    @property
    def title(self) -> str:
        """`policy gpu-team (project)`, for messages."""
        return f"policy {self.name} ({self.scope})"

    @property
    def origin(self) -> ValueOrigin:
        """The origin of values of its defaults."""
        return ValueOrigin(self.name, self.scope)

    @cached_property
    def default_values(self) -> JsonObject:
        """Defaults by path, without instances."""
        return dict(_values(self.defaults, ""))

    @cached_property
    def field_rules(self) -> Mapping[str, JsonObject]:
        """Rules by the path of their field, without those of instances."""
        return dict(_values(self.rules, ""))

    @cached_property
    def known_conflicts(self) -> "WeakKeyDictionary[Policy, tuple[Any, ...]]":
        """Contradictions with other policies, which `check_against` keeps here."""
        return WeakKeyDictionary()

    @cached_property
    def known_bounds(self) -> dict[str, tuple[Any, ...]]:
        """Bounds by the path of their field, which `bounds_of` keeps here: each policy is compared with many."""
        return {}

    def instances(self, path: str) -> tuple[JsonObject, ...]:
        """The items that the defaults add to a list."""
        return tuple(self.defaults.get(path, {}).get("instances", ()))

    def item_rule(self, path: str) -> JsonObject:
        """The rule for the items of a list; empty without one."""
        rule: JsonObject = self.rules.get(path, {}).get("instances", {})
        return rule


def _values(tree: JsonObject, parent: str) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        path = f"{parent}{name}"
        if path in ITEM_LISTS:
            for attribute, found in value.get("attributes", {}).items():
                yield f"{path}.attributes.{attribute}", found
        elif path in FIELD_KINDS:
            yield path, value
        else:
            yield from _values(value, f"{path}.")
