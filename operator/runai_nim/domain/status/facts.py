"""Facts from which the status is computed: one frozen value, from the RunaiNimService, its translation and observed
state."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping, mappings, text, word
from runai_nim.domain.observed import ObservedClaim, ObservedNimCache, ObservedState, ObservedWorkload
from runai_nim.domain.plan import Plan, is_made_for, is_ours, is_paused
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.deadlines import Deadlines, seconds_left
from runai_nim.domain.status.pod_problems import PodProblem, pod_problem_of, scheduler_deadline
from runai_nim.domain.translate import Desired, Exposure
from runai_nim.domain.validate import Finding

RUNNING_PHASES = frozenset({"Running", "Updating", "Degraded"})
"""Phases after which a service that doesn't run is updating or degraded instead of being created."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that phase and conditions depend on.

    `errors`: all reasons why nothing may be written. `refusal`: the API server's rejection of a write.
    `is_spec_applied`: Service and workload provably come from the current spec. `is_claim_ours`: the operator creates
    the claim. `route_blocker`: why the operator's route can't be written, as reason and message.
    `route_deletion_refusal`: the API server's rejection to delete an obsolete route. `is_nim_operator_silent`: the NIM
    Operator's deadline has passed without a response. `requeue_after`: seconds until the next deadline, None without
    one.
    """

    name: str
    is_deleting: bool
    is_paused: bool
    is_namespace_deleting: bool
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    has_name_conflict: bool
    waiting_for: str
    refusal: str
    field_conflict: str
    is_nimservice_installed: bool
    is_nimservice_written: bool
    is_spec_applied: bool
    is_nim_operator_silent: bool
    nim_state: str
    nim_message: str
    pod_problem: PodProblem | None
    workload: ObservedWorkload | None
    is_stopped: bool
    was_running: bool
    claim_name: str
    claim: ObservedClaim | None
    claim_difference: str
    is_claim_ours: bool
    cache_name: str
    cache: ObservedNimCache | None
    exposure: Exposure | None
    route_blocker: tuple[Reason, str] | None
    route_deletion_refusal: str
    requeue_after: float | None

    @property
    def is_serving(self) -> bool:
        """Whether the current spec is fully rolled out and the model answers."""
        rolled_out = self.workload is not None and self.workload.is_rolled_out
        return self.is_spec_applied and rolled_out and self.nim_state == "Ready" and not self.is_stopped

    @property
    def ready_replicas(self) -> int:
        """Number of ready pods, of the current or an older spec."""
        return self.workload.ready_replicas if self.workload else 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Results of the writes: `refusal` is the API server's message, `field_conflict` that about a conflicting manager.

    `route_refusal` and `route_deletion_refusal` are the API server's rejections to write the operator's route and to
    delete an obsolete one; other writes proceed. All are sentences, empty after success.
    """

    refusal: str = ""
    field_conflict: str = ""
    route_refusal: str = ""
    route_deletion_refusal: str = ""


def facts_of(
    cr: Mapping[str, Any], desired: Desired, plan: Plan, observed: ObservedState, outcome: Outcome, deadlines: Deadlines
) -> Facts:
    """The facts about one RunaiNimService."""
    live = observed.nimservice if is_ours(cr, observed.nimservice) else None
    nim_status = mapping((live or {}).get("status"))
    is_applied = _is_spec_applied(desired, observed)
    unseen_left = seconds_left(observed.applied_at, deadlines.nim_operator_seconds, deadlines.now)
    pods = [pod for pod in observed.pods if not is_applied or pod.pod_hash == _pod_hash(desired)]
    running = [None if is_applied or live is None else unseen_left, scheduler_deadline(pods, deadlines)]
    refusals = (plan.refusal,) if plan.refusal else ()
    return Facts(
        name=cr["metadata"]["name"],
        is_deleting="deletionTimestamp" in cr["metadata"],
        is_paused=is_paused(cr),
        is_namespace_deleting=observed.is_namespace_deleting,
        errors=tuple(f for f in desired.findings if f.severity == "error") + refusals,
        warnings=tuple(f for f in desired.findings if f.severity == "warning"),
        has_name_conflict=plan.refusal is not None and plan.refusal.reason == Reason.NAME_CONFLICT,
        waiting_for=plan.waiting_for,
        refusal=outcome.refusal,
        field_conflict=outcome.field_conflict,
        is_nimservice_installed=observed.is_nimservice_installed,
        is_nimservice_written=live is not None,
        is_spec_applied=is_applied,
        is_nim_operator_silent=live is not None and not is_applied and unseen_left <= 0,
        pod_problem=pod_problem_of(pods, deadlines),
        nim_state=word(nim_status.get("state")),
        nim_message=_nim_message(nim_status),
        workload=observed.workload,
        is_stopped=desired.is_stopped,
        was_running=(cr.get("status") or {}).get("phase") in RUNNING_PHASES,
        claim_name=desired.claim_name or "",
        claim=observed.claim,
        claim_difference=_claim_difference(cr, desired, observed.claim),
        is_claim_ours=desired.claim is not None,
        cache_name=desired.nim_cache or "",
        cache=observed.nim_cache,
        exposure=desired.exposure,
        route_blocker=(Reason.ROUTE_REFUSED, outcome.route_refusal) if outcome.route_refusal else plan.route.blocker,
        route_deletion_refusal=outcome.route_deletion_refusal,
        requeue_after=min((seconds for seconds in running if seconds is not None and seconds > 0), default=None),
    )


def _is_spec_applied(desired: Desired, observed: ObservedState) -> bool:
    """Whether the NIM Operator made Service and workload from the current spec.

    It writes the Service first and may stop before the workload, so each carries its own proof: the Service the hash of
    the whole NIMService, the workload the hash of the pod template. (The workload's `nvidia.com/parent-spec-hash`
    proves nothing: it stays when a change doesn't affect the workload.)
    """
    live, service, workload = observed.nimservice, observed.service, observed.workload
    if desired.nimservice is None or live is None or service is None or workload is None:
        return False
    wanted_hash = desired.nimservice["metadata"]["annotations"][well_known.SPEC_HASH]
    replicas: int = desired.nimservice["spec"].get("replicas", workload.spec_replicas)
    return bool(
        # Children of a deleted NIMService with this name prove nothing.
        service.owner_uid == workload.owner_uid == live["metadata"]["uid"]
        and service.spec_hash == wanted_hash
        and workload.pod_hash == _pod_hash(desired)
        and workload.spec_replicas == replicas
    )


def _pod_hash(desired: Desired) -> str:
    return "" if desired.nimservice is None else str(desired.nimservice["spec"]["annotations"][well_known.POD_HASH])


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
