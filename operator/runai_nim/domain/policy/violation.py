"""The finding for a broken rule of a policy."""

from runai_nim.domain.finding import Finding, Rule
from runai_nim.domain.policy.policy import Policy
from runai_nim.domain.reasons import Reason


def violation(policy: Policy, rule: Rule, path: str, *, value: str | None = None, must: str, remedy: str) -> Finding:
    """The finding for a value at `path` that breaks this rule of the policy; the other parameters are Finding's."""
    return Finding(
        reason=Reason.POLICY_VIOLATION,
        path=path,
        value=value,
        must=must,
        remedy=remedy,
        rule=rule,
        policy=policy.key,
    )
