"""Contradictions of a policy: within itself, with a wider one, and with another one of its scope.

A narrower policy can tighten, never loosen. A default of a wider policy that a narrower rule forbids is no
contradiction: the rule holds, and a resource must say another value.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from runai_nim.api import image_reference, quantity, syntax
from runai_nim.api.v1alpha1.field_kinds import FIELD_KINDS, ITEM_LISTS, FieldKind
from runai_nim.domain.finding import Finding, Rule
from runai_nim.domain.policy.bounds import Bound, bounds_of, broken, option_value, shown
from runai_nim.domain.policy.item_conflicts import check_items, check_items_against
from runai_nim.domain.policy.policy import JsonObject, Policy
from runai_nim.domain.policy.values import NUMERIC, comparable, is_same, text
from runai_nim.domain.reasons import Reason

_ONE = "correct one of the two policies"


def check_policy(policy: Policy) -> Iterator[Finding]:
    """One finding for each contradiction of a policy with itself, with the path in the policy."""
    rules = policy.field_rules
    defaults = policy.default_values
    for path, value in defaults.items():
        kind = FIELD_KINDS[path]
        if kind in (FieldKind.BYTES, FieldKind.SIZE) and comparable(kind, value) is None:
            yield _invalid(f"spec.defaults.{path}", value, f"be {quantity.BYTES_RULE}", "correct it")
        yield from _forbidden_default(policy, path, value)
    for path, rule in rules.items():
        yield from _check_rule(path, rule)
        if rule.get("required") and _is_closed(policy, path):
            must = "not be false with required: true and no default, nothing would be allowed"
            yield _invalid(f"spec.rules.{path}.canEdit", "false", must, "add a default, or remove one of the two")
    yield from _check_circles(policy, (policy,))
    for path in ITEM_LISTS:
        yield from check_items(policy, path)


def check_against(policy: Policy, before: Sequence[Policy]) -> Iterator[tuple[Policy, Finding]]:
    """One finding for each contradiction with an earlier policy of its scope or of a wider one, and that policy."""
    for other in before:
        # Kept with the policy: after a change only the pairs with the changed policy are compared.
        if other not in policy.known_conflicts:
            policy.known_conflicts[other] = tuple(_pair_findings(policy, other))
        for finding in policy.known_conflicts[other]:
            yield other, finding
    if before:
        for finding in _check_circles(policy, (*before, policy)):
            yield before[-1], finding


def _pair_findings(policy: Policy, other: Policy) -> Iterator[Finding]:
    yield from _fields_against(policy, other)
    if policy.scope == other.scope:
        yield from _same_scope(policy, other)
    for path in ITEM_LISTS:
        yield from check_items_against(policy, other, path)


def _fields_against(policy: Policy, other: Policy) -> Iterator[Finding]:
    rules = other.field_rules
    for path, value in policy.default_values.items():
        if path in rules:
            yield from _default_against(policy, other, path, value)
    for path in policy.field_rules:
        if path in rules:
            yield from _rules_against(policy, other, path)


def _check_rule(path: str, rule: JsonObject) -> Iterator[Finding]:
    kind = FIELD_KINDS[path]
    where = f"spec.rules.{path}"
    for name in ("min", "max"):
        if name in rule and comparable(kind, rule[name]) is None:
            must = f"be {quantity.BYTES_RULE}" if kind == FieldKind.BYTES else "be a quantity such as 500m or 2"
            yield _invalid(f"{where}.{name}", rule[name], must, "correct it")
    least = comparable(kind, rule.get("min"))
    most = comparable(kind, rule.get("max"))
    if isinstance(least, Decimal) and isinstance(most, Decimal) and least > most:
        must = f"not be below min ({text(rule['min'])})"
        yield _invalid(f"{where}.max", rule["max"], must, "raise max, or lower min")
    if "step" in rule and rule["step"] <= 0:
        yield _invalid(f"{where}.step", rule["step"], "be above 0", "correct or remove it")
    yield from _check_options(path, rule)
    if "defaultFrom" in rule:
        yield from _check_default_from(path, rule["defaultFrom"])


def _check_options(path: str, rule: JsonObject) -> Iterator[Finding]:
    where = f"spec.rules.{path}.options"
    if "options" in rule and not rule["options"]:
        yield _invalid(where, None, "have an option, nothing would be allowed", "add one, or remove it")
    for index, option in enumerate(rule.get("options", ())):
        if path == "image":
            try:
                image_reference.parse(option["value"])
            except image_reference.ImageError:
                must = "be the name of an image, options are compared exactly and know no wildcards"
                yield _invalid(f"{where}[{index}].value", option["value"], must, "name each allowed image")
        if FIELD_KINDS[path] == FieldKind.SIZE and option_value(FieldKind.SIZE, option["value"]) is None:
            yield _invalid(f"{where}[{index}].value", option["value"], f"be {quantity.BYTES_RULE}", "correct it")


def _check_default_from(path: str, source: JsonObject) -> Iterator[Finding]:
    where = f"spec.rules.{path}.defaultFrom"
    field = source.get("field")
    allowed = [other for other, kind in FIELD_KINDS.items() if _converts(kind, FIELD_KINDS[path]) and "[" not in other]
    if field is None:
        yield Finding(reason=Reason.REQUIRED_FIELD, path=f"{where}.field", must="be set", remedy="name a field")
    elif field not in allowed or ".attributes." in field:
        near = syntax.closest_match(field.removeprefix("spec."), allowed)
        remedy = f"did you mean {near}?" if near else "name a field such as compute.cpuCoreRequest"
        kind = "bytes" if FIELD_KINDS[path] == FieldKind.BYTES else "a number"
        yield _invalid(f"{where}.field", field, f"be the path of a field with {kind}", remedy)
    if "factor" in source and source["factor"] <= 0:
        yield _invalid(f"{where}.factor", source["factor"], "be above 0", "correct or remove it")
    if ".attributes." in path:
        yield _invalid(where, None, "not be set for an item's field", "give defaults.tolerations.attributes a value")


def _converts(source: FieldKind, target: FieldKind) -> bool:
    if FieldKind.BYTES in (source, target):
        return source == target
    return source in NUMERIC and FieldKind.QUANTITY not in (source, target)


def _check_circles(policy: Policy, policies: Sequence[Policy]) -> Iterator[Finding]:
    """A circle of defaultFrom that goes through a rule of the policy."""
    edges = {
        path: rule["defaultFrom"].get("field")
        for one in policies
        for path, rule in one.field_rules.items()
        if "defaultFrom" in rule
    }
    for path, rule in policy.field_rules.items():
        if "defaultFrom" not in rule:
            continue
        seen = [path]
        while (following := edges.get(seen[-1])) and following not in seen:
            seen.append(following)
        if following == path:
            must = f"not depend on itself ({' from '.join([*seen, path])})"
            yield _invalid(f"spec.rules.{path}.defaultFrom.field", seen[1 % len(seen)], must, "name another field")


def _is_closed(policy: Policy, path: str) -> bool:
    """Whether nothing can be said: canEdit false without a default."""
    rule = policy.field_rules.get(path, {})
    return rule.get("canEdit") is False and path not in policy.default_values and "defaultFrom" not in rule


def _broken(policy: Policy, path: str, value: Any) -> Iterator[tuple[Bound, str, Any]]:
    return broken(bounds_of(policy, path), FIELD_KINDS[path], f"spec.defaults.{path}", value)


def _forbidden_default(policy: Policy, path: str, value: Any) -> Iterator[Finding]:
    for bound, where, found in _broken(policy, path, value):
        yield _invalid(where, shown(where, found), f"{bound.must}, by its own rule", "correct the default or the rule")


def _default_against(policy: Policy, other: Policy, path: str, value: Any) -> Iterator[Finding]:
    rule = other.field_rules[path]
    for bound, where, found in _broken(other, path, value):
        yield _conflict(where, f"{bound.must} by {bound.policy.title}", shown(where, found))
    if rule.get("canEdit") is False:
        known = other.default_values.get(path)
        free = known is None and policy.scope == other.scope
        if not free and not is_same(FIELD_KINDS[path], value, known):
            must = f"be left to {other.title}, which allows no other value"
            yield _conflict(f"spec.defaults.{path}", must, shown(path, value))


def _rules_against(policy: Policy, other: Policy, path: str) -> Iterator[Finding]:
    """Rules that can't both be met."""
    mine = policy.field_rules[path]
    theirs = other.field_rules[path]
    where = f"spec.rules.{path}"
    for own in bounds_of(policy, path):
        for bound in bounds_of(other, path):
            if _is_disjoint(own, bound):
                yield _conflict(f"{where}.{own.rule}", f"leave a value that can {bound.must} by {other.title}")
    if theirs.get("canEdit") is False and "defaultFrom" in mine and policy.scope != other.scope:
        known = theirs.get("defaultFrom")
        if path in other.default_values or known is None or _derivation(known) != _derivation(mine["defaultFrom"]):
            yield _conflict(f"{where}.defaultFrom", f"be left to {other.title}, which allows no other value")
    for closed, requiring in ((policy, theirs), (other, mine)):
        if (
            requiring.get("required")
            and _is_closed(closed, path)
            and path
            not in {
                **policy.default_values,
                **other.default_values,
            }
        ):
            name = "canEdit" if closed is policy else "required"
            must = f"fit to {other.title}: a field can't be required and closed without a default"
            yield _conflict(f"{where}.{name}", must)


def _is_disjoint(one: Bound, other: Bound) -> bool:
    if one.rule == other.rule == Rule.OPTIONS:
        return bool(one.options) and bool(other.options) and one.options.isdisjoint(other.options)
    if one.rule == Rule.MIN and other.rule == Rule.MAX:
        return one.limit > other.limit
    if one.rule == Rule.MAX and other.rule == Rule.MIN:
        return one.limit < other.limit
    return False


def _same_scope(policy: Policy, other: Policy) -> Iterator[Finding]:
    """Two defaults for a field, of which neither takes precedence."""
    known = other.default_values
    for path in policy.field_rules:
        for bound, _, found in _broken(policy, path, known.get(path)):
            must = f"allow {shown(path, found) or 'the default'}, the default of {other.title}"
            yield _conflict(f"spec.rules.{path}.{bound.rule}", must)
    for path, value in policy.default_values.items():
        if path in known and not is_same(FIELD_KINDS[path], value, known[path]):
            must = f"be the default of {other.title}, or be left to it"
            yield _conflict(f"spec.defaults.{path}", must, shown(path, value))
    rules = other.field_rules
    for path, rule in policy.field_rules.items():
        theirs = rules.get(path, {}).get("defaultFrom")
        if theirs and "defaultFrom" in rule and _derivation(theirs) != _derivation(rule["defaultFrom"]):
            yield _conflict(f"spec.rules.{path}.defaultFrom", f"be that of {other.title}, or be left to it")


def _derivation(source: JsonObject) -> tuple[Any, Fraction]:
    return source.get("field"), factor_of(source)


def factor_of(source: JsonObject) -> Fraction:
    """The factor of a defaultFrom, exactly."""
    return Fraction(repr(source["factor"])) if "factor" in source else Fraction(1)


def _invalid(path: str, value: Any, must: str, remedy: str) -> Finding:
    found = None if value is None else text(value)
    return Finding(reason=Reason.INVALID_VALUE, path=path, value=found, must=must, remedy=remedy)


def _conflict(path: str, must: str, value: str | None = None) -> Finding:
    return Finding(reason=Reason.CONFLICTING_FIELDS, path=path, value=value, must=must, remedy=_ONE)
