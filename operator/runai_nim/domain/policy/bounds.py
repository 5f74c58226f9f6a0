"""Rules of one field, compiled: required, canEdit, and the bounds min, max, step and options."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any, Final

from runai_nim.api.v1alpha1.field_kinds import FIELD_KINDS, FieldKind
from runai_nim.domain.finding import Finding, Rule
from runai_nim.domain.policy.policy import JsonObject, Policy
from runai_nim.domain.policy.values import LARGEST, Comparable, comparable, text
from runai_nim.domain.policy.violation import violation

_MAX_OPTIONS: Final = 5
"""Options that a message names."""
_UNSHOWN: Final = frozenset({"servingPort.exposedUrl"})
"""Fields whose values messages leave out: people put passwords into URLs."""
_EXACT: Final = Context(prec=1000)
"""Digits for the remainder of the largest value by the smallest step."""
REMEDIES: Final = {
    Rule.MIN: "raise it",
    Rule.MAX: "lower it",
    Rule.STEP: "round it",
    Rule.OPTIONS: "choose one of these",
}


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound of a field's value. `limit`: in the unit of `comparable`; `start`: where steps begin."""

    rule: Rule
    policy: Policy
    must: str
    limit: Decimal = Decimal(0)
    start: Decimal = Decimal(0)
    options: frozenset[Comparable] = frozenset()

    def holds(self, value: Comparable) -> bool:
        """Whether the value keeps to it."""
        if self.rule == Rule.OPTIONS or isinstance(value, str):
            return value in self.options
        if self.rule == Rule.MIN:
            return value >= self.limit
        if self.rule == Rule.MAX:
            return value <= self.limit
        return not _EXACT.remainder(_EXACT.subtract(value, self.start), self.limit)

    def finding(self, path: str, value: Any, *, remedy: str = "") -> Finding:
        """The finding for a value that breaks the bound."""
        return violation(
            self.policy,
            self.rule,
            path,
            value=shown(path, value),
            must=f"{self.must} by {self.policy.title}",
            remedy=remedy or f"{REMEDIES[self.rule]}, or ask who maintains the policy",
        )


def shown(path: str, value: Any) -> str | None:
    """The value for a message; None if it isn't shown."""
    if path.removeprefix("spec.").removeprefix("defaults.") in _UNSHOWN:
        return None
    if isinstance(value, int) and abs(value) >= LARGEST:  # Python converts no integer of 5,000 digits to text
        return None
    return text(value) if isinstance(value, str | int | float) else None


def bounds_of(policy: Policy, path: str) -> tuple[Bound, ...]:
    """The bounds of a policy's rule for a field. Malformed ones, which `check_policy` reports, are left out."""
    rule = policy.field_rules.get(path)
    if rule is None:
        return ()
    if path not in policy.known_bounds:
        policy.known_bounds[path] = tuple(_bounds(policy, FIELD_KINDS[path], rule))
    return policy.known_bounds[path]


def _bounds(policy: Policy, kind: FieldKind, rule: JsonObject) -> Iterator[Bound]:
    least = comparable(kind, rule.get("min"))
    most = comparable(kind, rule.get("max"))
    step = comparable(kind, rule.get("step"))
    if isinstance(least, Decimal):
        yield Bound(Rule.MIN, policy, f"be at least {text(rule['min'])}", least)
    if isinstance(most, Decimal):
        yield Bound(Rule.MAX, policy, f"be at most {text(rule['max'])}", most)
    if isinstance(step, Decimal) and step > 0:
        start = least if isinstance(least, Decimal) else Decimal(0)
        must = f"be {text(rule.get('min', 0))} plus a multiple of {text(rule['step'])}"
        yield Bound(Rule.STEP, policy, must, step, start)
    if "options" in rule:
        values = [option["value"] for option in rule["options"]]
        found = frozenset(one for value in values if (one := option_value(kind, value)) is not None)
        more = f" or one of {len(values) - _MAX_OPTIONS} more" if len(values) > _MAX_OPTIONS else ""
        must = f"be {' or '.join(map(text, values[:_MAX_OPTIONS]))}{more}"
        yield Bound(Rule.OPTIONS, policy, must, options=found)


def option_value(kind: FieldKind, value: Any) -> Comparable | None:
    """An option, or an element of an array, for comparison."""
    return comparable(FieldKind.STRING if kind == FieldKind.ARRAY else kind, value)


def broken(bounds: Iterable[Bound], kind: FieldKind, path: str, value: Any) -> Iterator[tuple[Bound, str, Any]]:
    """The bounds that a value breaks, each with the path and the value of what breaks it."""
    parts = [(path, value)]
    if kind == FieldKind.ARRAY:
        parts = [(f"{path}[{index}]", part) for index, part in enumerate(value)] if isinstance(value, list) else []
    for where, part in parts:
        found = option_value(kind, part)
        if found is not None:
            yield from ((bound, where, part) for bound in bounds if not bound.holds(found))
