"""Condition PolicyCompliant and the policies of a status."""

from typing import Final

from runai_nim.domain.policy import Compliance
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.condition import ConditionDraft

_MAX_POLICIES: Final = 256
_MAX_CHANGES: Final = 10
"""Changes that a message names."""


def compliance_condition(compliance: Compliance) -> ConditionDraft:
    """Condition PolicyCompliant: whether the next change of the spec would be accepted, and change nothing else."""
    type_ = "PolicyCompliant"
    if compliance.violations:
        told = "; ".join(finding.message for finding in compliance.violations)
        return ConditionDraft(type=type_, status="False", reason=Reason.POLICY_VIOLATION, message=told)
    if compliance.changes:
        shown = list(compliance.changes[:_MAX_CHANGES])
        more = len(compliance.changes) - len(shown)
        shown += [f"{more} more would change"] if more else []
        told = f"policies have changed; with the next change of the spec {'; '.join(shown)}"
        return ConditionDraft(type=type_, status="False", reason=Reason.POLICY_CHANGED, message=told)
    told = "the spec meets all rules of its policies"
    return ConditionDraft(type=type_, status="True", reason=Reason.COMPLIANT, message=told)


def applied_policies(compliance: Compliance | None) -> list[dict[str, str]] | None:
    """The policies that the resource is rendered under, for the status; None without any. The CRD allows no more."""
    if compliance is None or not compliance.policies:
        return None
    return [{"name": policy.name, "scope": str(policy.scope)} for policy in compliance.policies[:_MAX_POLICIES]]
