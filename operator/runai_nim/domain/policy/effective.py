"""Applies compiled policies to a resource: its effective spec, the origin of each value, and broken rules."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from runai_nim.api.resources import ObjectView
from runai_nim.api.v1alpha1.field_kinds import FIELD_KINDS, FieldKind
from runai_nim.domain.finding import Finding
from runai_nim.domain.policy.alternatives import IMPLIED_BY, active_blocks, steps_of
from runai_nim.domain.policy.bounds import broken
from runai_nim.domain.policy.compile import CompiledPolicies, FieldDefault, FieldRules
from runai_nim.domain.policy.field_rules import closed_findings, required_findings
from runai_nim.domain.policy.items import add_items, item_findings
from runai_nim.domain.policy.policy import RESOURCE, ValueOrigin
from runai_nim.domain.policy.values import UNSET, comparable, derived_value, get

ALL_FROM_RESOURCE: Final[Mapping[str, ValueOrigin]] = MappingProxyType({"spec": RESOURCE})


class EffectiveSpec(NamedTuple):
    """A spec with the policies' defaults. `spec` is no mapping if the user wrote another value."""

    spec: Any
    provenance: Mapping[str, ValueOrigin]
    findings: tuple[Finding, ...]


def own_spec(resource: ObjectView) -> Any:
    """The resource's own spec; empty without one."""
    return resource.get("spec") or {}


def effective_spec(resource: ObjectView, policies: CompiledPolicies) -> EffectiveSpec:
    """The resource's spec with the defaults of policies, the origin of each value, and a finding for each broken rule.

    Values of another type than the field's stay as they are: validation reports them. The resource is not changed.
    """
    own = own_spec(resource)
    if not isinstance(own, Mapping):
        return EffectiveSpec(own, ALL_FROM_RESOURCE, ())
    filling = _Filling(own)
    filling.fill(policies)
    findings = tuple(_findings(own, filling, policies))
    return EffectiveSpec(filling.spec, filling.provenance, findings)


class _Filling:
    """A copy of a spec that is filled with defaults. Only the blocks that change are copied."""

    def __init__(self, own: Mapping[str, Any]) -> None:
        self.spec: dict[str, Any] = dict(own)
        self.provenance: dict[str, ValueOrigin] = {"spec": RESOURCE}
        self.derived: dict[str, Any] = {}
        self._copied: dict[tuple[str, ...], dict[str, Any]] = {}

    def fill(self, policies: CompiledPolicies) -> None:
        active = active_blocks(self.spec, policies.activators)
        for default in policies.defaults:
            if self._applies(default, active):
                self._set(default, default.value)
        for default in policies.derived:
            value = derived_value(FIELD_KINDS[default.path], self._source(default), default.factor)
            self.derived[default.path] = value
            if value is not None and self._applies(default, active):
                self._set(default, value)
        for items in policies.items:
            own = self.spec.get(items.path)
            if own is None or isinstance(own, list):
                filled = add_items(items, own or [], self.provenance)
                if filled:
                    self.spec[items.path] = filled

    def _source(self, default: FieldDefault) -> Any:
        return comparable(FIELD_KINDS[default.source], get(self.spec, tuple(default.source.split("."))))

    def _applies(self, default: FieldDefault, active: frozenset[str]) -> bool:
        """Whether the field is free, and the resource didn't choose an alternative to it."""
        if get(self.spec, default.steps) is not None or not active.issuperset(default.blocks):
            return False
        return default.condition is None or get(self.spec, default.condition[0]) != default.condition[1]

    def _set(self, default: FieldDefault, value: Any) -> None:
        parent = self.spec
        steps = default.steps
        for depth in range(1, len(steps)):
            key = steps[:depth]
            if key not in self._copied:
                block = parent.get(steps[depth - 1])
                if not isinstance(block, Mapping | None):
                    return
                self._copied[key] = parent[steps[depth - 1]] = dict(block or {})
            parent = self._copied[key]
        parent[steps[-1]] = value
        self.provenance[f"spec.{default.path}"] = default.origin


def _findings(own: Mapping[str, Any], filling: _Filling, policies: CompiledPolicies) -> Iterator[Finding]:
    for rules in policies.rules:
        value = get(filling.spec, rules.steps)
        path = f"spec.{rules.path}"
        if rules.required and value in UNSET:
            yield from required_findings(rules, path)
        if value is None:
            yield from _implied_findings(rules, filling.spec)
            continue
        if rules.closed and (own_value := get(own, rules.steps)) is not None:
            known = filling.derived.get(rules.path) if rules.default is None else rules.default
            yield from closed_findings(rules, path, own_value, known)
        if rules.bounds and not _all_hold(rules, value):
            yield from _bound_findings(rules, value, filling.provenance.get(path))
    for items in policies.items:
        found = filling.spec.get(items.path)
        if isinstance(found, list):
            yield from item_findings(items, found)


def _implied_findings(rules: FieldRules, spec: Any) -> Iterator[Finding]:
    """Bounds that a field breaks whose value is another one's while nobody sets it."""
    source = IMPLIED_BY.get(rules.path)
    value = get(spec, steps_of(source)) if source else None
    if value is not None:
        remedy = f"it is also {rules.path}, which isn't set: set both within the bound"
        for bound, path, found in broken(rules.bounds, rules.kind, f"spec.{source}", value):
            yield bound.finding(path, found, remedy=remedy)


def _all_hold(rules: FieldRules, value: Any) -> bool:
    """Whether a scalar keeps to all bounds, as nearly always. False for lists."""
    amount = comparable(rules.kind, value) if rules.kind != FieldKind.ARRAY else None
    if amount is None:
        return False
    for bound in rules.bounds:  # noqa: SIM110  # all() of a generator costs effective_spec a seventh
        if not bound.holds(amount):
            return False
    return True


def _bound_findings(rules: FieldRules, value: Any, origin: ValueOrigin | None) -> Iterator[Finding]:
    remedy = f"it is the default of {origin}: set another value" if origin else ""
    for bound, path, found in broken(rules.bounds, rules.kind, f"spec.{rules.path}", value):
        yield bound.finding(path, found, remedy=remedy)
