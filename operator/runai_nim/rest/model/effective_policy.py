"""The effective policy of a scope in Run:ai's form: the defaults that take precedence, and one rule for each field."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from runai_nim.api.resources import KubeObject
from runai_nim.api.v1alpha1.field_kinds import FIELD_KINDS, ITEM_LISTS, FieldKind
from runai_nim.domain.policy import Policy
from runai_nim.domain.policy.bounds import option_value
from runai_nim.domain.policy.policy import JsonObject
from runai_nim.domain.policy.values import comparable

SourceOf = Callable[[Policy], KubeObject]
"""`sourceOfRule` for the rules of a policy."""
_Rules = Sequence[tuple[Policy, JsonObject]]


def effective_content(policies: Sequence[Policy], source_of: SourceOf) -> KubeObject:
    """`defaults` and `rules` of policies, the widest scope first; without a part that would be empty.

    All rules hold together, so a field has the largest min, the smallest max and the options that all allow; of `step`
    and `defaultFrom` those of the narrowest scope. `sourceOfRule` is the narrowest scope with a rule for the field.
    """
    defaults: KubeObject = {}
    for policy in policies:
        for path, value in policy.default_values.items():
            _set(defaults, path, value)
    rules: KubeObject = {}
    for path in dict.fromkeys(path for policy in policies for path in policy.field_rules):
        of_field = [(policy, policy.field_rules[path]) for policy in policies if path in policy.field_rules]
        _set(rules, path, _combined(FIELD_KINDS[path], of_field) | {"sourceOfRule": source_of(of_field[-1][0])})
    for path in ITEM_LISTS:
        if items := {item["name"]: item for policy in policies for item in policy.instances(path)}:
            _set(defaults, f"{path}.instances", list(items.values()))
        of_items = [(policy, rule) for policy in policies if (rule := policy.item_rule(path))]
        if of_items:
            _set(rules, f"{path}.instances", _items(of_items) | {"sourceOfRule": source_of(of_items[-1][0])})
    return {name: part for name, part in (("defaults", defaults), ("rules", rules)) if part}


def _combined(kind: FieldKind, rules: _Rules) -> KubeObject:
    combined: KubeObject = {}
    for name in ("required", "canEdit"):
        given = [rule[name] for _, rule in rules if name in rule]
        if given:
            combined[name] = all(given) if name == "canEdit" else any(given)
    for name, narrowest in (("min", max), ("max", min)):
        given = [rule[name] for _, rule in rules if name in rule]
        if given:
            combined[name] = narrowest(given, key=partial(_amount, kind))
    for name in ("step", "defaultFrom"):
        given = [rule[name] for _, rule in rules if name in rule]
        if given:
            combined[name] = given[-1]
    given_options = [rule["options"] for _, rule in rules if "options" in rule]
    if given_options:
        combined["options"] = _options(kind, given_options)
    return combined


def _amount(kind: FieldKind, value: Any) -> Any:
    """The value for comparisons. A policy with one that can't be compared is never in force."""
    return comparable(kind, value)


def _options(kind: FieldKind, given: Sequence[Iterable[JsonObject]]) -> list[JsonObject]:
    """The options that every list has, as the last one shows them."""
    allowed = [{option_value(kind, option["value"]) for option in options} for options in given]
    return [option for option in given[-1] if all(option_value(kind, option["value"]) in one for one in allowed)]


def _items(rules: _Rules) -> KubeObject:
    can_add = [rule["canAdd"] for _, rule in rules if "canAdd" in rule]
    locked = dict.fromkeys(key for _, rule in rules for key in rule.get("locked", ()))
    return {**({"canAdd": all(can_add)} if can_add else {}), **({"locked": list(locked)} if locked else {})}


def _set(tree: KubeObject, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        tree = tree.setdefault(name, {})
    tree[last] = value
