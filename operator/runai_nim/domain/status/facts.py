"""Facts from which the status is computed: one frozen value, from the RunaiNimService, its translation and observed
state."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectKey
from runai_nim.api.untrusted_values import mapping, mappings, number, text, word
from runai_nim.domain.observed import (
    ObservedAutoscaler,
    ObservedClaim,
    ObservedEvent,
    ObservedNimCache,
    ObservedPod,
    ObservedState,
    ObservedWorkload,
)
from runai_nim.domain.plan import Plan, is_made_for, is_ours, is_paused
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.deadlines import Deadlines, seconds_left
from runai_nim.domain.status.pod_problems import (
    PodProblem,
    PodReferences,
    pod_deadline,
    pod_problem_of,
    refusal_deadline,
    restarts_of,
)
from runai_nim.domain.translate import Desired, Exposure
from runai_nim.domain.validate import Finding

RUNNING_PHASES = frozenset({"Running", "Updating", "Degraded"})
"""Phases after which a service that doesn't run is updating or degraded instead of being created."""
_PHASES_WITHOUT_LOSS = frozenset({"Running", "Updating"})
"""Phases in which no replica is missing that was ready before."""
_OTHER_PHASES = frozenset({"Unknown", "Pending", "Failed"})
"""Phases that a service can have whether it ran before or not."""


PLACEMENT_GRACE_SECONDS: Final = 45.0
"""In a rollout on full nodes a new pod has no node until the older one, which has 30 s to end, frees its GPUs."""


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


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that phase and conditions depend on.

    `errors`: all reasons why nothing may be written. `is_spec_written`: the NIMService carries the current spec.
    `is_spec_applied`: Service and workload provably come from the current spec. `was_running`: the service ran before.
    `ready_before`: ready replicas in the stored status; None without one, or if replicas may be missing.
    `is_nim_operator_silent`: the NIM Operator's deadline has passed without a response. `placement_grace`: seconds for
    which a rollout explains that its newest pods have no node, None after that. `restarts`: how often a pod has
    restarted and why, empty if none has. `requeue_after`: seconds until the next deadline, None without one.
    """

    namespace: str
    name: str
    desired: Desired
    observed: ObservedState
    plan: Plan
    outcome: Outcome
    is_deleting: bool
    is_paused: bool
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    is_nimservice_written: bool
    is_spec_written: bool
    is_spec_applied: bool
    is_nim_operator_silent: bool
    placement_grace: float | None
    nim_state: str
    nim_message: str
    pod_problem: PodProblem | None
    restarts: str
    workload: ObservedWorkload | None
    was_running: bool
    ready_before: int | None
    claim: ObservedClaim | None
    claim_events: tuple[ObservedEvent, ...]
    claim_difference: str
    cache: ObservedNimCache | None
    autoscaler: ObservedAutoscaler | None
    requeue_after: float | None

    @property
    def is_namespace_deleting(self) -> bool:
        """Whether Kubernetes deletes the namespace."""
        return self.observed.is_namespace_deleting

    @property
    def is_nimservice_installed(self) -> bool:
        """Whether the cluster has the NIMService kind."""
        return self.observed.is_nimservice_installed

    @property
    def image_pull_failures(self) -> tuple[ObjectKey, ...]:
        """Other NIMServices that can't pull their image."""
        return self.observed.image_pull_failures

    @property
    def is_stopped(self) -> bool:
        """Whether the user wants no replicas."""
        return self.desired.is_stopped

    @property
    def claim_name(self) -> str:
        """The claim in the spec; empty without one."""
        return self.desired.claim_name or ""

    @property
    def is_claim_ours(self) -> bool:
        """Whether the operator creates the claim."""
        return self.desired.claim is not None

    @property
    def cache_name(self) -> str:
        """The NIMCache in the spec; empty without one."""
        return self.desired.nim_cache or ""

    @property
    def scaling_metric(self) -> str:
        """The metric that the spec scales by; empty without autoscaling."""
        return _scaling_metric(self.desired)

    @property
    def exposure(self) -> Exposure | None:
        """How the service is exposed; None for a rejected spec."""
        return self.desired.exposure

    @property
    def has_name_conflict(self) -> bool:
        """Whether an object that this RunaiNimService needs has another owner."""
        return self.plan.refusal is not None and self.plan.refusal.reason == Reason.NAME_CONFLICT

    @property
    def waiting_for(self) -> str:
        """What has to be gone before the operator writes; empty if nothing does."""
        return self.plan.waiting_for

    @property
    def refusal(self) -> str:
        """The API server's rejection of a write; empty without one."""
        return self.outcome.refusal

    @property
    def field_conflict(self) -> str:
        """Which field manager keeps changing which fields; empty if none does."""
        return self.outcome.field_conflict

    @property
    def route_blocker(self) -> tuple[Reason, str] | None:
        """Why the operator's route is not written, as reason and message."""
        refusal = self.outcome.route_refusal
        return (Reason.ROUTE_REFUSED, refusal) if refusal else self.plan.route.blocker

    @property
    def route_deletion_refusal(self) -> str:
        """The API server's rejection to delete an obsolete route; empty without one."""
        return self.outcome.route_deletion_refusal

    @property
    def is_serving(self) -> bool:
        """Whether the current spec is fully rolled out and the model answers."""
        rolled_out = self.workload is not None and self.workload.is_rolled_out
        return self.is_spec_applied and rolled_out and self.nim_state == "Ready" and not self.is_stopped

    @property
    def ready_replicas(self) -> int:
        """Number of ready pods, of the current or an older spec."""
        return self.workload.ready_replicas if self.workload else 0

    @property
    def lacks_replicas(self) -> bool:
        """Whether fewer replicas are ready than a rollout or a change of replicas explains.

        A rollout takes away `max_unavailable` replicas at a time. New replicas are not missing while they start, so
        only what the stored status has counted can be missing.
        """
        workload = self.workload
        if workload is None or not workload.is_observed:
            return False
        planned = workload.spec_replicas - (workload.max_unavailable if workload.is_rolling_out else 0)
        return workload.ready_replicas < (planned if self.ready_before is None else min(planned, self.ready_before))


def facts_of(
    cr: Mapping[str, Any], desired: Desired, plan: Plan, observed: ObservedState, outcome: Outcome, deadlines: Deadlines
) -> Facts:
    """The facts about one RunaiNimService."""
    live = observed.nimservice if is_ours(cr, observed.nimservice) else None
    nim_status, before = mapping((live or {}).get("status")), mapping(cr.get("status"))
    is_applied, is_written = _is_spec_applied(desired, observed), live is not None and _carries_spec(desired, live)
    unseen_left = seconds_left(observed.applied_at, deadlines.nim_operator_seconds, deadlines.now)
    pods = [pod for pod in observed.pods if not is_applied or pod.pod_hash == _pod_hash(desired)]
    is_awaited, named = is_written and not is_applied, _pod_references(desired)
    return Facts(
        namespace=cr["metadata"].get("namespace", ""),
        name=cr["metadata"]["name"],
        desired=desired,
        observed=observed,
        plan=plan,
        outcome=outcome,
        is_deleting="deletionTimestamp" in cr["metadata"],
        is_paused=is_paused(cr),
        errors=_errors(desired, plan),
        warnings=tuple(f for f in desired.findings if f.severity == "warning"),
        is_nimservice_written=live is not None,
        is_spec_written=is_written,
        is_spec_applied=is_applied,
        is_nim_operator_silent=is_awaited and unseen_left <= 0,
        placement_grace=_placement_grace(pods, deadlines),
        pod_problem=pod_problem_of(pods, observed, named, deadlines),
        restarts=restarts_of(pods, named),
        nim_state=word(nim_status.get("state")),
        nim_message=_nim_message(nim_status),
        workload=observed.workload,
        was_running=_was_running(before),
        ready_before=_ready_before(before),
        claim=observed.claim,
        claim_events=observed.events.get(observed.claim.uid, ()) if observed.claim else (),
        claim_difference=_claim_difference(cr, desired, observed.claim),
        cache=observed.nim_cache,
        autoscaler=_autoscaler(observed, live),
        requeue_after=_soonest(unseen_left if is_awaited else None, *_pod_deadlines(pods, observed, deadlines)),
    )


def _errors(desired: Desired, plan: Plan) -> tuple[Finding, ...]:
    refusals = (plan.refusal,) if plan.refusal else ()
    return tuple(finding for finding in desired.findings if finding.severity == "error") + refusals


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


def _was_running(before: Mapping[str, Any]) -> bool:
    """Whether the service ran before, by its stored status.

    Where the phase doesn't tell, Ready does: all conditions have the same time at first, so if Ready has changed since,
    the service was ready once.
    """
    if before.get("phase") not in _OTHER_PHASES:
        return before.get("phase") in RUNNING_PHASES
    since = {word(c.get("type")): word(c.get("lastTransitionTime")) for c in mappings(before.get("conditions"))}
    return since.get("Ready", "") > min(since.values(), default="")


def _ready_before(before: Mapping[str, Any]) -> int | None:
    """Ready replicas in the stored status.

    None without one, and if replicas may be missing already: a lost replica stays missing in the next status, whatever
    its pod says. A rejected spec (Stalled) takes none away.
    """
    is_stalled = any(condition.get("type") == "Stalled" for condition in mappings(before.get("conditions")))
    counts = is_stalled or before.get("phase") in _PHASES_WITHOUT_LOSS
    return number(before["readyReplicas"]) if counts and "readyReplicas" in before else None


def _carries_spec(desired: Desired, live: Mapping[str, Any]) -> bool:
    """Whether the NIMService was written from the current spec."""
    if desired.nimservice is None:
        return False
    wanted: str = desired.nimservice["metadata"]["annotations"][well_known.SPEC_HASH]
    return mapping(mapping(live.get("metadata")).get("annotations")).get(well_known.SPEC_HASH) == wanted


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


def _pod_references(desired: Desired) -> PodReferences:
    spec = {} if desired.nimservice is None else desired.nimservice["spec"]
    return PodReferences(secret=word(spec.get("authSecret")), queue=desired.queue)


def _scaling_metric(desired: Desired) -> str:
    """The metric that the spec scales by; empty without autoscaling."""
    if desired.nimservice is None or desired.replicas is not None:
        return ""
    metric = desired.nimservice["spec"]["scale"]["hpa"]["metrics"][0]
    return str(metric["pods"]["metric"]["name"] if "pods" in metric else metric["resource"]["name"])


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
