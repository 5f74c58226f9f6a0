"""Applies a list's defaults and rules: adds items, fills attributes, and checks canAdd, locked and attributes.

Messages never contain an item's value, which may be secret.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from runai_nim.api.v1alpha1.field_kinds import ATTRIBUTES
from runai_nim.domain.finding import Finding, Rule
from runai_nim.domain.policy.alternatives import ITEM_CONDITIONS, is_filled
from runai_nim.domain.policy.bounds import broken
from runai_nim.domain.policy.compile import FieldRules, ItemPolicy
from runai_nim.domain.policy.field_rules import closed_findings, required_findings
from runai_nim.domain.policy.policy import ValueOrigin
from runai_nim.domain.policy.values import UNSET
from runai_nim.domain.policy.violation import violation


def add_items(policy: ItemPolicy, own: list[Any], provenance: dict[str, ValueOrigin]) -> list[Any]:
    """The items of the resource, then those of the policies that it neither has nor excludes, with attributes."""
    names = {item["name"] for item in own if isinstance(item, Mapping) and isinstance(item.get("name"), str)}
    items = list(own)
    for name, (item, origin) in policy.instances.items():
        if name not in names:
            provenance[f"spec.{policy.path}[{len(items)}]"] = origin
            items.append(item)
    if policy.attributes:
        items = [_filled(policy, index, item, provenance) for index, item in enumerate(items)]
    return items


def _filled(policy: ItemPolicy, index: int, item: Any, provenance: dict[str, ValueOrigin]) -> Any:
    if not _takes_part(item):
        return item
    filled = dict(item)
    # effect and operator decide on the others, and come before them in no particular order.
    for name in sorted(policy.attributes, key=lambda one: one in ITEM_CONDITIONS):
        default = policy.attributes[name]
        if is_filled(name, filled):
            filled[name] = default.value
            provenance[f"spec.{policy.path}[{index}].{name}"] = default.origin
    return filled


def _takes_part(item: Any) -> bool:
    return isinstance(item, Mapping) and item.get("exclude") is not True


def item_findings(policy: ItemPolicy, items: list[Any]) -> Iterator[Finding]:
    """One finding for each rule that an item breaks."""
    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            continue
        path = f"spec.{policy.path}[{index}]"
        name = item.get("name")
        known = policy.instances.get(name) if isinstance(name, str) else None
        if (
            known is not None
            and isinstance(name, str)
            and name in policy.locked
            and not _is_unchanged(policy, item, known[0])
        ):
            locking = policy.locked[name]
            must = f"be as {locking.title} gives it, which locks it"
            remedy = "remove this item, the policy adds its own"
            yield violation(locking, Rule.LOCKED, path, value=name, must=must, remedy=remedy)
        takes_part = _takes_part(item)
        if takes_part:
            yield from _addition_findings(policy, path, name)
        for rules in policy.rules:
            if takes_part or rules.steps[-1] == "exclude":
                yield from _attribute_findings(policy, rules, path, item)


def _is_unchanged(policy: ItemPolicy, item: Mapping[str, Any], instance: Mapping[str, Any]) -> bool:
    """Whether an item says what the instance says, but for attributes that defaults fill."""
    own = {name: value for name, value in item.items() if value is not None and not (name == "exclude" and not value)}
    filled = _filled(policy, 0, instance, {})
    return own in (dict(instance), filled)


def _addition_findings(policy: ItemPolicy, path: str, name: Any) -> Iterator[Finding]:
    shown = name if isinstance(name, str) else None
    for limiting, allowed in policy.additions:
        if shown not in allowed:
            names = f"one of {', '.join(sorted(allowed))}" if allowed else "left out"
            must = f"be {names} by {limiting.title}, which allows no other items"
            yield violation(limiting, Rule.CAN_ADD, path, value=shown, must=must, remedy="remove the item")


def _attribute_findings(policy: ItemPolicy, rules: FieldRules, path: str, item: Mapping[str, Any]) -> Iterator[Finding]:
    field = ATTRIBUTES[policy.path][rules.steps[-1]]
    value = item.get(field)
    where = f"{path}.{field}"
    if value in UNSET:
        yield from required_findings(rules, where)
    if value is None:
        return
    name = item.get("name")
    instance = policy.instances[name][0] if isinstance(name, str) and name in policy.instances else {}
    if value != instance.get(field):
        yield from closed_findings(rules, where, value, rules.default)
    for bound, place, found in broken(rules.bounds, rules.kind, where, value):
        yield bound.finding(place, found)
