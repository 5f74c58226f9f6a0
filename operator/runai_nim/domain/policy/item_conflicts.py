"""Contradictions of a policy's items: of instances, locked keys, canAdd and rules for attributes."""

from collections.abc import Iterator
from typing import Any

from runai_nim.api.v1alpha1.field_kinds import ATTRIBUTES, FIELD_KINDS
from runai_nim.domain.finding import Finding
from runai_nim.domain.policy.alternatives import is_filled
from runai_nim.domain.policy.bounds import bounds_of, broken, shown
from runai_nim.domain.policy.policy import Policy
from runai_nim.domain.policy.values import is_same
from runai_nim.domain.reasons import Reason


def check_items(policy: Policy, path: str) -> Iterator[Finding]:
    """One finding for each contradiction within the items of a list. Values of items are not shown."""
    names: list[str] = []
    for index, item in enumerate(policy.instances(path)):
        where = f"spec.defaults.{path}.instances[{index}]"
        name = item.get("name")
        if name is None:
            must = "be set, items are told apart by it"
            yield Finding(reason=Reason.REQUIRED_FIELD, path=f"{where}.name", must=must, remedy="add it")
            continue
        if name in names:
            must = "be listed once"
            yield Finding(
                reason=Reason.DUPLICATE_VALUE, path=f"{where}.name", value=name, must=must, remedy="remove one"
            )
        if item.get("exclude"):
            must = "not be true, an excluded item adds nothing"
            yield Finding(reason=Reason.INVALID_VALUE, path=f"{where}.exclude", must=must, remedy="remove the item")
        names.append(name)
    for index, key in enumerate(policy.item_rule(path).get("locked", ())):
        if key not in names:
            yield Finding(
                reason=Reason.INVALID_VALUE,
                path=f"spec.rules.{path}.instances.locked[{index}]",
                value=key,
                must=f"be the name of an item of defaults.{path}.instances",
                remedy="add the item, or remove the key",
            )
    yield from _check_attributes(policy, policy, path)


def check_items_against(policy: Policy, other: Policy, path: str) -> Iterator[Finding]:
    """One finding for each item that an earlier policy of the scope, or of a wider one, forbids."""
    rule = other.item_rule(path)
    known = {item["name"]: item for item in other.instances(path)}
    for index, item in enumerate(policy.instances(path)):
        where = f"spec.defaults.{path}.instances[{index}]"
        name = item["name"]
        is_changed = name in known and known[name] != item
        if is_changed and name in rule.get("locked", ()):
            yield _conflict(where, name, f"be as {other.title} gives it, which locks it")
        elif is_changed and policy.scope == other.scope:
            yield _conflict(where, name, f"be as {other.title} gives it, or be left to it")
        if rule.get("canAdd") is False and name not in known and policy.scope != other.scope:
            yield _conflict(where, name, f"be an item of {other.title}, which allows no others")
    yield from _check_attributes(policy, other, path)
    for attribute, name in fillings_of_locked(policy, other, path):
        must = f"be left out, because it would fill that of {name}, which {other.title} locks"
        yield _conflict(f"spec.defaults.{path}.attributes.{attribute}", None, must)


def fillings_of_locked(policy: Policy, other: Policy, path: str) -> Iterator[tuple[str, str]]:
    """Attributes whose default of a policy would fill an item that one of another scope locks, and the item's name."""
    locked = () if policy.scope == other.scope else other.item_rule(path).get("locked", ())
    items = [item for item in other.instances(path) if item["name"] in locked]
    for attribute in ATTRIBUTES.get(path, ()):
        if f"{path}.attributes.{attribute}" in policy.default_values:
            filled = [item["name"] for item in items if is_filled(attribute, item)]
            yield from ((attribute, name) for name in filled[:1])


def _check_attributes(policy: Policy, other: Policy, path: str) -> Iterator[Finding]:
    """Instances of one policy against the rules of another one, or of itself."""
    for attribute, field in ATTRIBUTES.get(path, {}).items():
        place = f"{path}.attributes.{attribute}"
        bounds = bounds_of(other, place)
        for index, item in enumerate(policy.instances(path)):
            where = f"spec.defaults.{path}.instances[{index}].{field}"
            for bound, _, value in broken(bounds, FIELD_KINDS[place], where, item.get(field)):
                yield _conflict(where, shown(where, value), f"{bound.must} by {other.title}")
            if policy.scope != other.scope and is_closed_attribute(other, place, item.get(field)):
                must = f"be left to {other.title}, which allows no other value"
                yield _conflict(where, shown(where, item[field]), must)


def is_closed_attribute(other: Policy, place: str, value: Any) -> bool:
    """Whether another policy allows the items of narrower ones only its default, and this is another value."""
    if value is None or other.field_rules.get(place, {}).get("canEdit") is not False:
        return False
    return not is_same(FIELD_KINDS[place], value, other.default_values.get(place))


def _conflict(path: str, value: str | None, must: str) -> Finding:
    remedy = "correct one of the two"
    return Finding(reason=Reason.CONFLICTING_FIELDS, path=path, value=value, must=must, remedy=remedy)
