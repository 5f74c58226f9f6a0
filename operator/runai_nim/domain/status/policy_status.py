"""Computes the status of a policy; the current time is an argument."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runai_nim.domain.admission.stored_policy import StoredPolicy
from runai_nim.domain.finding import Finding
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.condition import ConditionDraft, add_timestamps


@dataclass(frozen=True, slots=True)
class PolicyCounts:
    """Numbers of RunaiNimServices that a policy is for, that break it, and that `violating` leaves out.

    `violating` is None while some are not evaluated yet.
    """

    matched: int
    violating: int | None
    unevaluated: int = 0


def policy_status(
    policy: StoredPolicy,
    rejection: Finding | None,
    *,
    counts: PolicyCounts,
    seen_valid: StoredPolicy | None = None,
    now: str,
) -> dict[str, Any]:
    """The whole status of a policy; `rejection` is what is wrong with it.

    What `counts` doesn't know stays as it is. `seen_valid`: a valid version that was replaced before its status was
    written. `now` is an RFC 3339 time.
    """
    before = policy.status
    generation = policy.generation
    valid = policy if rejection is None else seen_valid
    in_force = before.get("inForce") if valid is None else {"generation": valid.generation, "spec": dict(valid.spec)}
    known: Mapping[str, Any] = before
    if counts.violating is not None:
        known = {"violating": counts.violating, "unevaluated": counts.unevaluated or None}
    status = {
        "observedGeneration": generation,
        "conditions": add_timestamps(
            [_valid_condition(rejection, in_force)], before.get("conditions") or (), generation, now
        ),
        "inForce": in_force,
        "matched": counts.matched,
        "violating": known.get("violating"),
        "unevaluated": known.get("unevaluated"),
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
