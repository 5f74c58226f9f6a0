"""Derives the facts about one RunaiNimService from its translation, plan and observed state."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from runai_nim.api.untrusted_values import mapping, mappings, text, word
from runai_nim.domain.observed import ObservedAutoscaler, ObservedClaim, ObservedPod, ObservedState
from runai_nim.domain.plan import Plan, is_made_for, is_ours
from runai_nim.domain.status.applied_spec import carries_spec, is_spec_applied, pod_hash
from runai_nim.domain.status.deadlines import Deadlines, seconds_left
from runai_nim.domain.status.facts import Facts, Outcome
from runai_nim.domain.status.pod_problems import (
    PodReferences,
    pod_deadline,
    pod_problem_of,
    refusal_deadline,
    restarts_of,
)
from runai_nim.domain.status.stored_status import ready_before, was_running
from runai_nim.domain.translate import Desired

PLACEMENT_GRACE_SECONDS: Final = 45.0
"""In a rollout on full nodes a new pod has no node until the older one, which has 30 s to end, frees its GPUs."""


def facts_of(
    cr: Mapping[str, Any],
    desired: Desired,
    plan: Plan,
    *,
    observed: ObservedState,
    outcome: Outcome,
    deadlines: Deadlines,
) -> Facts:
    """The facts about one RunaiNimService."""
    live = observed.nimservice if is_ours(cr, observed.nimservice) else None
    nim_status = mapping((live or {}).get("status"))
    stored_status = mapping(cr.get("status"))
    is_applied = is_spec_applied(desired, observed)
    is_written = live is not None and carries_spec(desired, live)
    response_left = _response_left(observed, deadlines) if is_written and not is_applied else None
    pods = [pod for pod in observed.pods if not is_applied or pod.pod_hash == pod_hash(desired)]
    named = _pod_references(desired)
    return Facts(
        resource=cr,
        desired=desired,
        observed=observed,
        plan=plan,
        outcome=outcome,
        is_nimservice_written=live is not None,
        is_spec_written=is_written,
        is_spec_applied=is_applied,
        is_nim_operator_silent=response_left is not None and response_left <= 0,
        placement_grace=_placement_grace(pods, deadlines),
        pod_problem=pod_problem_of(pods, observed, named, deadlines),
        restarts=restarts_of(pods, named),
        nim_state=word(nim_status.get("state")),
        nim_message=_nim_message(nim_status),
        workload=observed.workload,
        was_running=was_running(stored_status),
        ready_before=ready_before(stored_status),
        claim_difference=_claim_difference(cr, desired, observed.claim),
        autoscaler=_autoscaler(observed, live),
        requeue_after=_soonest(response_left, *_pod_deadlines(pods, observed, deadlines)),
    )


def _response_left(observed: ObservedState, deadlines: Deadlines) -> float:
    """Seconds that the NIM Operator has left to act on the NIMService; not positive after its deadline."""
    return seconds_left(observed.applied_at, deadlines.nim_operator_seconds, deadlines.now)


def _soonest(*deadlines: float | None) -> float | None:
    return min((seconds for seconds in deadlines if seconds is not None and seconds > 0), default=None)


def _pod_deadlines(
    pods: Sequence[ObservedPod], observed: ObservedState, deadlines: Deadlines
) -> tuple[float | None, ...]:
    refusal = refusal_deadline(observed.workload, deadlines)
    return pod_deadline(pods, deadlines), _placement_grace(pods, deadlines), refusal


def _placement_grace(pods: Iterable[ObservedPod], deadlines: Deadlines) -> float | None:
    """Seconds until the oldest pod without a node has waited for longer than an older pod takes to end."""
    waiting = [pod.created_at for pod in pods if pod.unschedulable_message]
    left = min((seconds_left(since, PLACEMENT_GRACE_SECONDS, deadlines.now) for since in waiting), default=0.0)
    return left if left > 0 else None


def _pod_references(desired: Desired) -> PodReferences:
    spec = {} if desired.nimservice is None else desired.nimservice["spec"]
    return PodReferences(secret=word(spec.get("authSecret")), queue=desired.queue, pool=desired.pool_label)


def _autoscaler(observed: ObservedState, live: Mapping[str, Any] | None) -> ObservedAutoscaler | None:
    """The HorizontalPodAutoscaler that the NIM Operator made for this NIMService."""
    found = observed.autoscaler
    return found if found is not None and live is not None and found.owner_uid == live["metadata"]["uid"] else None


def _nim_message(nim_status: Mapping[str, Any]) -> str:
    """The NIM Operator's message: of condition Failed while it is True, else of Ready.

    Its reasons are left out, because they alternate between `Failed` and `<Kind>Failed` while nothing changes.
    """
    conditions = {word(condition.get("type")): condition for condition in mappings(nim_status.get("conditions"))}
    failed = conditions.get("Failed", {})
    speaker = failed if failed.get("status") == "True" else conditions.get("Ready", {})
    return text(speaker.get("message")).strip()


def _claim_difference(cr: Mapping[str, Any], desired: Desired, claim: ObservedClaim | None) -> str:
    """How an existing foreign claim differs from `claimInfo`; it is used nevertheless."""
    if desired.claim is None or claim is None or is_made_for(cr, claim):
        return ""
    spec = desired.claim["spec"]
    retention = "Delete" if desired.claim["metadata"].get("ownerReferences") else "Retain"
    comparisons = {
        "size": (spec["resources"]["requests"]["storage"], claim.storage),
        "storage class": (spec.get("storageClassName", claim.storage_class), claim.storage_class),
        "access modes": (", ".join(spec["accessModes"]), ", ".join(claim.access_modes)),
        "retention policy": (retention, "Retain"),
    }
    differing = {what: pair for what, pair in comparisons.items() if pair[0] != pair[1]}
    return "; ".join(f"{what} {there or '(none)'} instead of {want}" for what, (want, there) in differing.items())
