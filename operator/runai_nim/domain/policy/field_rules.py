"""Findings of required and canEdit."""

from collections.abc import Iterator
from typing import Any

from runai_nim.domain.finding import Finding, Rule
from runai_nim.domain.policy.bounds import shown
from runai_nim.domain.policy.compile import FieldRules
from runai_nim.domain.policy.values import is_same
from runai_nim.domain.reasons import Reason


def required_findings(rules: FieldRules, path: str) -> Iterator[Finding]:
    """One finding for each policy that requires the field, which has no value."""
    for policy in rules.required:
        must = f"be set by {policy.title}"
        yield Finding(
            reason=Reason.POLICY_VIOLATION,
            path=path,
            must=must,
            remedy="add it",
            rule=Rule.REQUIRED,
            policy=policy.key,
        )


def closed_findings(rules: FieldRules, path: str, value: Any, default: Any) -> Iterator[Finding]:
    """One finding for each policy that allows the resource no value other than the default."""
    if not rules.closed or is_same(rules.kind, value, default):
        return
    known = shown(path, default)
    allowed = "be left out" if default is None else f"be {known}" if known else "be the default"
    for policy in rules.closed:
        yield Finding(
            reason=Reason.POLICY_VIOLATION,
            path=path,
            value=shown(path, value),
            must=f"{allowed} by {policy.title}, which allows no other value",
            remedy="remove it",
            rule=Rule.CAN_EDIT,
            policy=policy.key,
        )
