"""Computes the status of a policy; the current time is an argument."""

from collections.abc import Mapping
from typing import Any

from runai_nim.domain.admission.stored_policy import StoredPolicy
from runai_nim.domain.finding import Finding
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.condition import ConditionDraft, add_timestamps


def policy_status(
    policy: StoredPolicy, rejection: Finding | None, *, matched: int, violating: int | None, now: str
) -> dict[str, Any]:
    """The whole status of a policy; `rejection` is what is wrong with it.

    `matched` and `violating` count RunaiNimServices; the number of the latter stays as it is while it is None. `now` is
    an RFC 3339 time.
    """
    before = policy.status
    generation = policy.generation
    in_force = before.get("inForce") if rejection else {"generation": generation, "spec": dict(policy.spec)}
    status = {
        "observedGeneration": generation,
        "conditions": add_timestamps(
            [_valid_condition(rejection, in_force)], before.get("conditions") or (), generation, now
        ),
        "inForce": in_force,
        "matched": matched,
        "violating": before.get("violating") if violating is None else violating,
    }
    return {field: value for field, value in status.items() if value is not None}


def _valid_condition(rejection: Finding | None, in_force: Mapping[str, Any] | None) -> ConditionDraft:
    type_ = "Valid"
    if rejection is None:
        return ConditionDraft(type=type_, status="True", reason=Reason.IN_FORCE, message="the policy is in force")
    result = (
        f"the last valid version, generation {in_force['generation']}, stays in force"
        if in_force
        else "no version of it has been valid, so it is not in force where this holds"
    )
    return ConditionDraft(type=type_, status="False", reason=rejection.reason, message=f"{rejection.message}; {result}")
