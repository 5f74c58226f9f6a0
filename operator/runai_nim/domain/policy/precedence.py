"""What the last valid version of a policy gives beside wider policies that have changed since.

Policies contradict each other also by an order of changes: a project's default is valid, and then a wider policy fixes
the field. The project's policy can't be in force as it is then, or whoever came first would loosen the wider one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runai_nim.api.v1alpha1.field_kinds import ATTRIBUTES, FIELD_KINDS, ITEM_LISTS
from runai_nim.domain.policy.item_conflicts import fillings_of_locked, is_closed_attribute
from runai_nim.domain.policy.policy import JsonObject, Policy
from runai_nim.domain.policy.values import is_same


def yielding(policy: Policy, before: Sequence[Policy]) -> Policy:
    """The policy without the defaults that a wider one of `before` forbids it to give; its other rules stay."""
    wider = [other for other in before if other.scope.width < policy.scope.width]
    given = frozenset((*_closed_fields(policy, wider), *_closed_items(policy, wider)))
    derived = (path for path, rule in policy.field_rules.items() if "defaultFrom" in rule)
    closed = frozenset(f"{path}.defaultFrom" for path in derived if _closing(path, wider))
    if not (given or closed):
        return policy
    return replace(policy, defaults=remaining(policy.defaults, given), rules=remaining(policy.rules, closed))


def remaining(tree: JsonObject, given: frozenset[str], path: str = "") -> dict[str, Any]:
    """Defaults or rules without those at `given`: paths, and `path/name` of items."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        below = f"{path}{name}"
        if below in given:
            continue
        if isinstance(value, list | tuple) and name == "instances":
            found[name] = [item for item in value if f"{path[:-1]}/{item['name']}" not in given]
        elif isinstance(value, Mapping):
            found[name] = remaining(value, given, f"{below}.")
        else:
            found[name] = value
    return found


def _closing(path: str, wider: Sequence[Policy]) -> list[Policy]:
    return [other for other in wider if other.field_rules.get(path, {}).get("canEdit") is False]


def _closed_fields(policy: Policy, wider: Sequence[Policy]) -> Iterator[str]:
    for path, value in policy.default_values.items():
        for other in _closing(path, wider):
            if not is_same(FIELD_KINDS[path], value, other.default_values.get(path)):
                yield path


def _closed_items(policy: Policy, wider: Sequence[Policy]) -> Iterator[str]:
    """Items, and attributes of all items."""
    for path in ITEM_LISTS:
        for item in policy.instances(path):
            if any(_is_closed_item(path, item, other) for other in wider):
                yield f"{path}/{item['name']}"
        for other in wider:
            yield from (f"{path}.attributes.{attribute}" for attribute, _ in fillings_of_locked(policy, other, path))


def _is_closed_item(path: str, item: JsonObject, other: Policy) -> bool:
    rule = other.item_rule(path)
    name = item["name"]
    known = next((one for one in other.instances(path) if one["name"] == name), None)
    if known is None and rule.get("canAdd") is False:
        return True
    if known is not None and name in rule.get("locked", ()) and item != known:
        return True
    attributes = ATTRIBUTES.get(path, {}).items()
    return any(
        is_closed_attribute(other, f"{path}.attributes.{attribute}", item.get(field)) for attribute, field in attributes
    )
