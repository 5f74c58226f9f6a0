"""Compiles policies: the defaults that take precedence, and the rules of each field, ready to be applied."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

from runai_nim.api.resources import ObjectKey
from runai_nim.api.v1alpha1.field_kinds import ATTRIBUTES, FIELD_KINDS, ITEM_LISTS, FieldKind
from runai_nim.domain.finding import Finding
from runai_nim.domain.policy.alternatives import BLOCKS, DECIDING, Steps, blocks_around, condition_of, steps_of
from runai_nim.domain.policy.bounds import Bound, bounds_of
from runai_nim.domain.policy.conflicts import check_against, check_policy, factor_of
from runai_nim.domain.policy.policy import JsonObject, Policy, Scope, ValueOrigin
from runai_nim.domain.policy.precedence import yielding
from runai_nim.domain.reasons import Reason

MAX_OF_PROJECT: Final = 32
"""Number of a project's policies that are in force."""


@dataclass(frozen=True, slots=True)
class FieldDefault:
    """The default of a field. With `source`, it is that field's value times `factor`."""

    path: str
    steps: Steps
    origin: ValueOrigin
    value: Any = None
    source: str = ""
    factor: Fraction = Fraction(1)
    blocks: tuple[str, ...] = ()
    condition: tuple[Steps, Any] | None = None


@dataclass(frozen=True, slots=True)
class FieldRules:
    """The rules of all policies for a field. `default`: the only value that the `closed` ones allow; None for none."""

    path: str
    steps: Steps
    kind: FieldKind
    default: Any
    required: tuple[Policy, ...]
    closed: tuple[Policy, ...]
    bounds: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class ItemPolicy:
    """Defaults and rules of a list. `additions`: policies that allow only items with these names."""

    path: str
    instances: Mapping[str, tuple[JsonObject, ValueOrigin]]
    attributes: Mapping[str, FieldDefault]
    additions: tuple[tuple[Policy, frozenset[str]], ...]
    locked: Mapping[str, Policy]
    rules: tuple[FieldRules, ...]


@dataclass(frozen=True, slots=True)
class RejectedPolicy:
    """A policy that is invalid, or contradicts `other`. It is left out, or its last valid version is in force."""

    policy: Policy
    finding: Finding
    other: Policy | None = None


@dataclass(frozen=True, slots=True)
class CompiledPolicies:
    """The policies for the resources of a namespace: those in force, and what is wrong with others."""

    policies: tuple[Policy, ...]
    rejected: tuple[RejectedPolicy, ...]
    activators: tuple[str, ...]
    defaults: tuple[FieldDefault, ...]
    derived: tuple[FieldDefault, ...]
    rules: tuple[FieldRules, ...]
    items: tuple[ItemPolicy, ...]


def compile_policies(
    policies: Iterable[Policy], last_valid: Mapping[ObjectKey, Policy] = MappingProxyType({})
) -> CompiledPolicies:
    """Combine the policies of a namespace: the widest scope first, and within a scope in the order of names.

    Of a project MAX_OF_PROJECT are in force: each is compared with all others, and whoever writes them must not stop
    the process for everybody else.

    `last_valid`: the last valid version of a policy, which stays in force in place of a rejected one, even if a wider
    policy contradicts it by now, but for the defaults that the wider one forbids it to give. Without one a rejected
    policy is left out.
    """
    accepted: list[Policy] = []
    rejected: list[RejectedPolicy] = []
    of_project = 0
    for policy in sorted(policies, key=lambda one: (one.scope.width, one.name)):
        of_project += policy.scope == Scope.PROJECT
        if of_project > MAX_OF_PROJECT:
            rejected.append(RejectedPolicy(policy, _too_many(policy)))
            continue
        problems = [RejectedPolicy(policy, finding) for finding in check_policy(policy)]
        if not problems:
            found = check_against(policy, accepted)
            problems = [RejectedPolicy(policy, finding, other) for other, finding in found]
        rejected += problems
        if not problems:
            accepted.append(policy)
        elif (last := last_valid.get(policy.key)) is not None:
            accepted.append(yielding(last, accepted))
    return combine(accepted, rejected)


def _too_many(policy: Policy) -> Finding:
    must = f"be one of the first {MAX_OF_PROJECT} policies of the namespace by name"
    return Finding(
        reason=Reason.INVALID_VALUE,
        path="metadata.name",
        value=policy.name,
        must=must,
        remedy="merge it with another one",
    )


def combine(policies: Iterable[Policy], rejected: Iterable[RejectedPolicy] = ()) -> CompiledPolicies:
    """Combine policies that are in force, the widest scope first."""
    policies = tuple(policies)
    defaults = _defaults(policies)
    derived = {path: found for path, found in _derived(policies).items() if path not in defaults}
    rules = _rules(policies, {path: found.value for path, found in defaults.items()})
    of_fields = [found for path, found in defaults.items() if ".attributes." not in path]
    return CompiledPolicies(
        policies=policies,
        rejected=tuple(rejected),
        activators=_activators(policies, defaults, derived),
        defaults=tuple(sorted(of_fields, key=lambda found: found.path not in DECIDING)),
        derived=tuple(derived[path] for path in _in_order(derived)),
        rules=tuple(found for path, found in rules.items() if ".attributes." not in path),
        items=tuple(found for path in ITEM_LISTS if (found := _items(policies, path, defaults, rules)) is not None),
    )


def _activators(
    policies: tuple[Policy, ...], defaults: Mapping[str, FieldDefault], derived: Mapping[str, FieldDefault]
) -> tuple[str, ...]:
    """The optional blocks that a default switches on, the narrowest scope first."""
    widths = {policy.origin: policy.scope.width for policy in policies}
    # replicas is a block of its own, and a field that a default can derive.
    switching = {**defaults, **{path: found for path, found in derived.items() if path in BLOCKS}}
    found = [(block, path) for block, (fields, _) in BLOCKS.items() for path in switching if path in fields]
    found.sort(key=lambda one: -widths[switching[one[1]].origin])
    return tuple(dict.fromkeys(block for block, _ in found))


def _defaults(policies: tuple[Policy, ...]) -> dict[str, FieldDefault]:
    """The default of each field: the last policy has the narrowest scope."""
    return {
        path: FieldDefault(
            path,
            steps_of(path),
            policy.origin,
            value=value,
            blocks=blocks_around(path),
            condition=condition_of(path),
        )
        for policy in policies
        for path, value in policy.default_values.items()
    }


def _derived(policies: tuple[Policy, ...]) -> dict[str, FieldDefault]:
    return {
        path: FieldDefault(
            path,
            steps_of(path),
            policy.origin,
            source=rule["defaultFrom"]["field"],
            factor=factor_of(rule["defaultFrom"]),
            blocks=blocks_around(path),
            condition=condition_of(path),
        )
        for policy in policies
        for path, rule in policy.field_rules.items()
        if "defaultFrom" in rule
    }


def _in_order(derived: Mapping[str, FieldDefault]) -> list[str]:
    """The paths, each after the field that it derives from.

    Only policies of different times can make a circle, and whichever field of it has a value decides.
    """
    ordered: dict[str, None] = {}
    seen: set[str] = set()

    def add(path: str) -> None:
        if path in derived and path not in seen:
            seen.add(path)
            add(derived[path].source)
            ordered[path] = None

    for path in derived:
        add(path)
    return list(ordered)


def _rules(policies: tuple[Policy, ...], defaults: Mapping[str, Any]) -> dict[str, FieldRules]:
    by_path: dict[str, list[tuple[Policy, JsonObject]]] = {}
    for policy in policies:
        for path, rule in policy.field_rules.items():
            by_path.setdefault(path, []).append((policy, rule))
    return {
        path: FieldRules(
            path,
            steps_of(path),
            kind=FIELD_KINDS[path],
            default=defaults.get(path),
            required=tuple(policy for policy, rule in rules if rule.get("required")),
            closed=tuple(policy for policy, rule in rules if rule.get("canEdit") is False),
            bounds=tuple(bound for policy, _ in rules for bound in bounds_of(policy, path)),
        )
        for path, rules in by_path.items()
    }


def _items(
    policies: tuple[Policy, ...], path: str, defaults: Mapping[str, FieldDefault], rules: Mapping[str, FieldRules]
) -> ItemPolicy | None:
    """The defaults and rules of a list; None without any."""
    attributes = [f"{path}.attributes.{name}" for name in ATTRIBUTES.get(path, ())]
    found = ItemPolicy(
        path,
        instances={item["name"]: (item, policy.origin) for policy in policies for item in policy.instances(path)},
        attributes={name.rpartition(".")[2]: defaults[name] for name in attributes if name in defaults},
        additions=tuple(
            (policy, _names(policies, policy, path))
            for policy in policies
            if policy.item_rule(path).get("canAdd") is False
        ),
        locked={key: policy for policy in reversed(policies) for key in policy.item_rule(path).get("locked", ())},
        rules=tuple(rules[name] for name in attributes if name in rules),
    )
    is_empty = not (found.instances or found.attributes or found.additions or found.rules)
    return None if is_empty else found


def _names(policies: tuple[Policy, ...], limiting: Policy, path: str) -> frozenset[str]:
    """Names of the items that policies of this scope or a wider one add."""
    return frozenset(
        item["name"]
        for policy in policies
        if policy.scope.width <= limiting.scope.width
        for item in policy.instances(path)
    )
