"""The table from facts to phase and Ready: the first matching row wins.

docs/reference/status.md is generated from these rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

from runai_nim.api import well_known
from runai_nim.api.v1alpha1.status import ConditionStatus, Phase
from runai_nim.domain.observed import ObservedWorkload
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.facts import Facts
from runai_nim.domain.status.model_store import storage_ready_condition
from runai_nim.domain.status.silence import silence_message


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """A row of the table.

    `reason` and `message` are those of Ready. `phase_beside_pods` replaces `phase` while the service has ready pods,
    which may still answer. A row is settled (neither Reconciling nor Stalled), in progress (Reconciling), or needs a
    user (Stalled).
    """

    when: str
    applies: Callable[[Facts], bool]
    phase: Phase
    ready: ConditionStatus
    reason: Reason | Callable[[Facts], Reason]
    message: Callable[[Facts], str]
    progress: str = "Reconciling"
    phase_beside_pods: Phase | None = None

    def phase_for(self, facts: Facts) -> Phase:
        """The phase of a service with these facts."""
        return self.phase_beside_pods if self.phase_beside_pods and facts.ready_replicas > 0 else self.phase

    def reason_for(self, facts: Facts) -> Reason:
        """The reason of Ready for a service with these facts."""
        return self.reason if isinstance(self.reason, Reason) else self.reason(facts)


def _rollout_message(f: Facts) -> str:
    """Counts only: the NIM Operator's message changes with every step of a rollout, and each would cost a status
    write."""
    workload = f.workload
    if workload is None:
        return "the NIM Operator has not created the Deployment or LeaderWorkerSet yet"
    if not workload.is_observed:  # its counts are those of an older generation
        return f"the controller of {workload.kind} {workload.name} has not acted on its newest generation yet"
    if workload.is_rolled_out:
        said = f.nim_message or f.nim_state
        return f"all pods are available; the NIM Operator waits until the model answers: {said}"
    return f"{workload.available_replicas} of {workload.spec_replicas} replicas are available"


def _refusal_message(f: Facts) -> str:
    return "; ".join(finding.message for finding in f.errors)


def _pending_message(f: Facts) -> str:
    if not f.is_spec_written:
        return f"the operator has not written this spec to NIMService {f.name} yet"
    return f"the operator has written NIMService {f.name}; the NIM Operator has not acted on it yet"


def _progress_message(f: Facts) -> str:
    problem = f"; {f.pod_problem.message}" if f.pod_problem else ""
    return _rollout_message(f) + problem


def _stopping_message(f: Facts) -> str:
    if f.workload is None or not f.workload.is_observed:
        return _rollout_message(f)
    return f"{f.workload.current_replicas} pods are terminating"


def _has_pods_to_stop(workload: ObservedWorkload) -> bool:
    """Whether pods are left, or may be: before the controller has acted, its counts are of an older generation."""
    return workload.current_replicas > 0 or not workload.is_observed


def _paused_message(f: Facts) -> str:
    left = (
        f"NIMService {f.name} keeps its previous spec"
        if f.is_nimservice_written
        else f"there is no NIMService {f.name}"
    )
    return (
        f'the annotation {well_known.PAUSED}: "true" keeps the operator from writing this spec, so {left};'
        " remove the annotation to continue"
    )


def _pod_problem_message(f: Facts) -> str:
    return f.pod_problem.message if f.pod_problem else ""


def _pod_problem_reason(f: Facts) -> Reason:
    return f.pod_problem.reason if f.pod_problem else Reason.PODS_NOT_READY


UNSCHEDULABLE_REASONS = frozenset({Reason.UNSCHEDULABLE, Reason.QUEUE_NOT_FOUND, Reason.SCHEDULER_NOT_RESPONDING})
"""Reasons of pods that no scheduler has placed."""
EXIT_REASONS = frozenset({Reason.CRASH_LOOPING, Reason.STARTUP_PROBE_FAILING})
"""Reasons of pods whose container ends again and again."""

ROWS: tuple[PhaseRow, ...] = (
    PhaseRow(
        when="the RunaiNimService is being deleted",
        applies=lambda f: f.is_deleting,
        phase="Deleting",
        ready="False",
        reason=Reason.DELETING,
        message=lambda f: "Kubernetes deletes this RunaiNimService with its NIMService and pods",
    ),
    PhaseRow(
        when="the namespace is being deleted",
        applies=lambda f: f.is_namespace_deleting,
        phase="Deleting",
        ready="False",
        reason=Reason.NAMESPACE_TERMINATING,
        message=lambda f: "Kubernetes deletes the namespace and everything in it",
    ),
    PhaseRow(
        when="a NIMService with this name, or another object that the NIM Operator would use, has another owner",
        applies=lambda f: f.has_name_conflict,
        phase="Failed",
        ready="False",
        reason=Reason.NAME_CONFLICT,
        message=_refusal_message,
        progress="Stalled",
    ),
    PhaseRow(
        when="the spec is rejected, and the last good spec still has ready pods",
        applies=lambda f: bool(f.errors) and f.is_nimservice_written and f.ready_replicas > 0,
        phase="Degraded",
        ready="False",
        reason=lambda f: f.errors[0].reason,
        message=lambda f: f"{_refusal_message(f)}. The last good spec keeps running",
        progress="Stalled",
    ),
    PhaseRow(
        when="the spec is rejected",
        applies=lambda f: bool(f.errors),
        phase="Failed",
        ready="False",
        reason=lambda f: f.errors[0].reason,
        message=_refusal_message,
        progress="Stalled",
    ),
    PhaseRow(
        when="another field manager keeps changing a field of the NIMService that the operator sets",
        applies=lambda f: bool(f.field_conflict),
        phase="Degraded",
        ready="False",
        reason=Reason.FIELD_CONFLICT,
        message=lambda f: f.field_conflict,
        progress="Stalled",
    ),
    PhaseRow(
        when="the API server rejects an object made from the spec",
        applies=lambda f: bool(f.refusal),
        phase="Failed",
        ready="False",
        reason=Reason.WRITE_REFUSED,
        message=lambda f: f.refusal,
        progress="Stalled",
        phase_beside_pods="Degraded",
    ),
    PhaseRow(
        when="the NIMService kind is not installed",
        applies=lambda f: not f.is_nimservice_installed,
        phase="Creating",
        ready="False",
        reason=Reason.NIM_OPERATOR_NOT_INSTALLED,
        message=lambda f: (
            "the cluster has no NIMService kind (apps.nvidia.com/v1alpha1); install the NVIDIA NIM Operator"
        ),
    ),
    PhaseRow(
        when="the NIMService or claim of a deleted RunaiNimService of this name still exists",
        applies=lambda f: bool(f.waiting_for),
        phase="Creating",
        ready="False",
        reason=Reason.PREVIOUS_INSTANCE_TERMINATING,
        message=lambda f: f.waiting_for,
    ),
    PhaseRow(
        when="the user stopped the service, and no pods are left",
        applies=lambda f: (
            f.is_stopped and f.is_spec_applied and f.workload is not None and not _has_pods_to_stop(f.workload)
        ),
        phase="Stopped",
        ready="True",
        reason=Reason.STOPPED,
        message=lambda f: "the spec stops the service: it wants no replicas",
        progress="",
    ),
    PhaseRow(
        when="the user stopped the service, and pods are terminating",
        applies=lambda f: f.is_stopped and f.workload is not None and _has_pods_to_stop(f.workload),
        phase="Stopping",
        ready="False",
        reason=Reason.STOPPING,
        message=_stopping_message,
    ),
    PhaseRow(
        when="the current spec is fully rolled out, and the model answers",
        applies=lambda f: f.is_serving,
        phase="Running",
        ready="True",
        reason=Reason.RUNNING,
        message=lambda f: "every replica is available and the model answers",
        progress="",
    ),
    PhaseRow(
        when="the NIM Operator reports a failure",
        applies=lambda f: f.nim_state == "Failed" and not _storage_missing(f),
        phase="Failed",
        ready="False",
        reason=Reason.NIM_SERVICE_FAILED,
        message=lambda f: f"the NIM Operator reports: {f.nim_message or 'Failed'}",
        phase_beside_pods="Degraded",
    ),
    PhaseRow(
        when="it ran before, and the resource is paused before the operator wrote the current spec",
        applies=lambda f: f.was_running and f.is_paused and not f.is_spec_written,
        phase="Updating",
        ready="False",
        reason=Reason.PAUSED,
        message=_paused_message,
        progress="",
    ),
    PhaseRow(
        when="the resource is paused before the operator wrote the current spec",
        applies=lambda f: f.is_paused and not f.is_spec_written,
        phase="Creating",
        ready="False",
        reason=Reason.PAUSED,
        message=_paused_message,
        progress="",
    ),
    PhaseRow(
        when="its storage is not ready",
        applies=lambda f: storage_ready_condition(f).status == "False",
        phase="Pending",
        ready="False",
        reason=lambda f: storage_ready_condition(f).reason,
        message=lambda f: storage_ready_condition(f).message,
        phase_beside_pods="Degraded",
    ),
    PhaseRow(
        when="the NIM Operator has not acted on the current spec within its deadline",
        applies=lambda f: f.is_nim_operator_silent,
        phase="Unknown",
        ready="False",
        reason=Reason.NIM_OPERATOR_NOT_RESPONDING,
        message=silence_message,
    ),
    PhaseRow(
        when="it ran before, and the NIM Operator has not acted on the current spec yet",
        applies=lambda f: f.was_running and not f.is_spec_applied,
        phase="Updating",
        ready="False",
        reason=Reason.NIM_SERVICE_NOT_SEEN,
        message=_pending_message,
    ),
    PhaseRow(
        when="the NIM Operator has not acted on the current spec yet",
        applies=lambda f: not f.is_spec_applied,
        phase="Creating",
        ready="False",
        reason=Reason.NIM_SERVICE_NOT_SEEN,
        message=_pending_message,
    ),
    PhaseRow(
        when="a container of the current spec ends again and again",
        applies=lambda f: f.pod_problem is not None and f.pod_problem.reason in EXIT_REASONS,
        phase="Failed",
        ready="False",
        reason=_pod_problem_reason,
        message=_pod_problem_message,
        phase_beside_pods="Degraded",
    ),
    PhaseRow(
        when="the API server rejects pods of the current spec",
        applies=lambda f: f.pod_problem is not None and f.pod_problem.reason == Reason.PODS_REFUSED,
        phase="Pending",
        ready="False",
        reason=Reason.PODS_REFUSED,
        message=_pod_problem_message,
        phase_beside_pods="Degraded",
    ),
    PhaseRow(
        when="the scheduler has not placed a pod of the current spec",
        applies=lambda f: (
            f.pod_problem is not None and f.pod_problem.reason in UNSCHEDULABLE_REASONS and not _is_planned(f)
        ),
        phase="Pending",
        ready="False",
        reason=_pod_problem_reason,
        message=_pod_problem_message,
        phase_beside_pods="Degraded",
    ),
    PhaseRow(
        when="it ran before, and a pod of the current spec has a problem",
        applies=lambda f: f.was_running and f.pod_problem is not None and not _is_planned(f),
        phase="Degraded",
        ready="False",
        reason=_pod_problem_reason,
        message=_pod_problem_message,
    ),
    PhaseRow(
        when="a pod of the current spec has a problem",
        applies=lambda f: (
            f.pod_problem is not None and f.pod_problem.reason != Reason.PROBE_FAILING and not _is_planned(f)
        ),
        phase="Initializing",
        ready="False",
        reason=_pod_problem_reason,
        message=_pod_problem_message,
    ),
    PhaseRow(
        when="it ran before, and fewer replicas are ready than a rollout or a change of replicas explains",
        applies=lambda f: f.was_running and f.lacks_replicas,
        phase="Degraded",
        ready="False",
        reason=Reason.REPLICAS_NOT_READY,
        message=_progress_message,
    ),
    PhaseRow(
        when="it ran before, and the workload has all pods of the current spec but fewer or more than wanted are ready",
        applies=lambda f: f.was_running and _is_scaling(f),
        phase="Updating",
        ready="False",
        reason=Reason.SCALING_REPLICAS,
        message=_progress_message,
    ),
    PhaseRow(
        when="it ran before, and the current spec is rolling out",
        applies=lambda f: f.was_running,
        phase="Updating",
        ready="False",
        reason=Reason.ROLLING_OUT,
        message=_progress_message,
    ),
    PhaseRow(
        when="pods are starting, or the model does not answer yet",
        applies=lambda f: True,
        phase="Initializing",
        ready="False",
        reason=Reason.PODS_NOT_READY,
        message=_rollout_message,
    ),
)


def _is_planned(f: Facts) -> bool:
    """Whether a rollout or a change of replicas explains the problem: a new pod is not ready yet, or it has no node
    before the older pod that it replaces has ended."""
    if f.pod_problem is None or not f.was_running or f.lacks_replicas:
        return False
    is_rolling_out = f.workload is not None and f.workload.is_rolling_out
    waits_for_room = f.pod_problem.reason == Reason.UNSCHEDULABLE and f.placement_grace is not None and is_rolling_out
    return waits_for_room or f.pod_problem.reason == Reason.PROBE_FAILING


def _is_scaling(f: Facts) -> bool:
    workload = f.workload
    return workload is not None and not workload.is_rolling_out and not workload.is_rolled_out


def _storage_missing(f: Facts) -> bool:
    """A missing NIMCache makes the NIM Operator report Failed; the message then names the cache."""
    return bool(f.cache_name) and storage_ready_condition(f).status == "False"


def row_for(facts: Facts) -> PhaseRow:
    """The first matching row; the last row always matches."""
    return next(row for row in ROWS if row.applies(facts))
