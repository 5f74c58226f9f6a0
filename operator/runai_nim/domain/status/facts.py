"""Facts from which the status is computed: one frozen value. `facts_builder` derives it from the RunaiNimService, its
translation and observed state."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runai_nim.api.resources import ObjectKey
from runai_nim.domain.observed import (
    ObservedAutoscaler,
    ObservedClaim,
    ObservedEvent,
    ObservedNimCache,
    ObservedState,
    ObservedWorkload,
)
from runai_nim.domain.plan import Plan, is_paused
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.pod_problems import PodProblem
from runai_nim.domain.translate import Desired, Exposure
from runai_nim.domain.validate import Finding


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

    `is_spec_written`: the NIMService carries the current spec. `is_spec_applied`: Service and workload provably come
    from the current spec. `was_running`: the service ran before. `ready_before`: ready replicas in the stored status;
    None without one, or if replicas may be missing. `is_nim_operator_silent`: the NIM Operator's deadline has passed
    without a response. `placement_grace`: seconds for which a rollout explains that its newest pods have no node, None
    after that. `restarts`: how often a pod has restarted and why, empty if none has. `requeue_after`: seconds until the
    next deadline, None without one.
    """

    resource: Mapping[str, Any]
    desired: Desired
    observed: ObservedState
    plan: Plan
    outcome: Outcome
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
    claim_difference: str
    autoscaler: ObservedAutoscaler | None
    requeue_after: float | None

    @property
    def namespace(self) -> str:
        """The namespace of the RunaiNimService."""
        return str(self.resource["metadata"].get("namespace", ""))

    @property
    def name(self) -> str:
        """The name of the RunaiNimService."""
        return str(self.resource["metadata"]["name"])

    @property
    def is_deleting(self) -> bool:
        """Whether the RunaiNimService is being deleted."""
        return "deletionTimestamp" in self.resource["metadata"]

    @property
    def is_paused(self) -> bool:
        """Whether an annotation keeps the operator from writing."""
        return is_paused(self.resource)

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
    def errors(self) -> tuple[Finding, ...]:
        """All reasons why nothing may be written."""
        refusals = (self.plan.refusal,) if self.plan.refusal else ()
        return tuple(finding for finding in self.desired.findings if finding.severity == "error") + refusals

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that don't keep the operator from writing."""
        return tuple(finding for finding in self.desired.findings if finding.severity == "warning")

    @property
    def claim(self) -> ObservedClaim | None:
        """The claim in the spec, if it exists."""
        return self.observed.claim

    @property
    def claim_events(self) -> tuple[ObservedEvent, ...]:
        """The Events of the claim."""
        return self.observed.events.get(self.claim.uid, ()) if self.claim else ()

    @property
    def cache(self) -> ObservedNimCache | None:
        """The NIMCache in the spec, if it exists."""
        return self.observed.nim_cache

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
        if self.desired.nimservice is None or self.desired.replicas is not None:
            return ""
        metric = self.desired.nimservice["spec"]["scale"]["hpa"]["metrics"][0]
        source = metric[metric["type"].lower()]
        return str(source["name"] if metric["type"] == "Resource" else source["metric"]["name"])

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
    def has_pods_to_stop(self) -> bool:
        """Whether pods are left, or may be: before the controller has acted, its counts are of an older generation."""
        return self.workload is not None and (self.workload.current_replicas > 0 or not self.workload.is_observed)

    @property
    def is_scaling(self) -> bool:
        """Whether replicas are added or removed while the spec of the pods stays the same."""
        workload = self.workload
        return workload is not None and not workload.is_rolling_out and not workload.is_rolled_out

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

    @property
    def is_pod_problem_expected(self) -> bool:
        """Whether a rollout or a change of replicas explains the pod's problem.

        A new pod is not ready yet, or it has no node before the older pod that it replaces has ended.
        """
        if self.pod_problem is None or not self.was_running or self.lacks_replicas:
            return False
        is_rolling_out = self.workload is not None and self.workload.is_rolling_out
        is_unschedulable = self.pod_problem.reason == Reason.UNSCHEDULABLE
        waits_for_room = is_unschedulable and self.placement_grace is not None and is_rolling_out
        return waits_for_room or self.pod_problem.reason == Reason.PROBE_FAILING
