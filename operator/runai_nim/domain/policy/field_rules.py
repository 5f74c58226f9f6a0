"""Findings of required and canEdit."""

from collections.abc import Iterator
from typing import Any

from runai_nim.domain.finding import Finding, Rule
from runai_nim.domain.policy.bounds import shown
from runai_nim.domain.policy.compile import FieldRules
from runai_nim.domain.policy.values import is_same
from runai_nim.domain.policy.violation import violation


def required_findings(rules: FieldRules, path: str) -> Iterator[Finding]:
    """One finding for each policy that requires the field, which has no value."""
    for policy in rules.required:
        yield violation(policy, Rule.REQUIRED, path, must=f"be set by {policy.title}", remedy="add it")


def closed_findings(rules: FieldRules, path: str, value: Any, default: Any) -> Iterator[Finding]:
    """One finding for each policy that allows the resource no value other than the default."""
    if not rules.closed or is_same(rules.kind, value, default):
        return
    known = shown(path, default)
    allowed = "be left out" if default is None else f"be {known}" if known else "be the default"
    for policy in rules.closed:
        must = f"{allowed} by {policy.title}, which allows no other value"
        yield violation(policy, Rule.CAN_EDIT, path, value=shown(path, value), must=must, remedy="remove it")
