"""The table from facts to phase and Ready: the first matching row wins.

docs/reference/status.md is generated from these rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

from runai_nim.api.v1alpha1.status import ConditionStatus, Phase
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.facts import Facts
from runai_nim.domain.status.model_store import storage_ready_condition


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """A row of the table.

    `reason` and `message` are those of Ready. A row is settled (neither Reconciling nor Stalled), in progress
    (Reconciling), or needs a user (Stalled).
    """

    when: str
    applies: Callable[[Facts], bool]
    phase: Phase
    ready: ConditionStatus
    reason: Reason | Callable[[Facts], Reason]
    message: Callable[[Facts], str]
    progress: str = "Reconciling"


def _rollout_message(f: Facts) -> str:
    """Counts only: the NIM Operator's message changes with every step of a rollout, and each would cost a status
    write."""
    if f.workload is None:
        return "the NIM Operator has not made the pods' Deployment or LeaderWorkerSet yet"
    if f.workload.is_rolled_out:
        return f"all pods are available; the NIM Operator waits for the model to answer: {f.nim_message or f.nim_state}"
    return f"{f.workload.available_replicas} of {f.workload.spec_replicas} replicas are available"


def _refusal_message(f: Facts) -> str:
    return "; ".join(finding.message for finding in f.errors)


def _pending_message(f: Facts) -> str:
    return f"NIMService {f.name} is written; the NIM Operator has not acted on it yet"


def _silence_message(f: Facts) -> str:
    pods = f"; of the pods: {f.pod_problem.message}" if f.pod_problem else ""
    return (
        f"the NIM Operator has not acted on NIMService {f.name} within the time that the operator's settings give it"
        f" (nim_operator_deadline_seconds); see whether it runs, and its log{pods}"
    )


def _pod_problem_message(f: Facts) -> str:
    return f.pod_problem.message if f.pod_problem else ""


def _pod_problem_reason(f: Facts) -> Reason:
    return f.pod_problem.reason if f.pod_problem else Reason.PODS_NOT_READY


UNSCHEDULABLE_REASONS = frozenset({Reason.UNSCHEDULABLE, Reason.SCHEDULER_NOT_RESPONDING})
"""Reasons of pods that no scheduler has placed."""

ROWS: tuple[PhaseRow, ...] = (
    PhaseRow(
        when="the RunaiNimService is being deleted",
        applies=lambda f: f.is_deleting,
        phase="Deleting",
        ready="False",
        reason=Reason.DELETING,
        message=lambda f: "being deleted; NIMService and pods go with it",
    ),
    PhaseRow(
        when="the namespace is being deleted",
        applies=lambda f: f.is_namespace_deleting,
        phase="Deleting",
        ready="False",
        reason=Reason.NAMESPACE_TERMINATING,
        message=lambda f: "its namespace is being deleted, and everything in it",
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
        when="the spec is refused, and the last good spec still has ready pods",
        applies=lambda f: bool(f.errors) and f.is_nimservice_written and f.ready_replicas > 0,
        phase="Degraded",
        ready="False",
        reason=lambda f: f.errors[0].reason,
        message=lambda f: f"{_refusal_message(f)}. The last good spec keeps running",
        progress="Stalled",
    ),
    PhaseRow(
        when="the spec is refused",
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
        when="the API server refuses what was made of the spec",
        applies=lambda f: bool(f.refusal),
        phase="Failed",
        ready="False",
        reason=Reason.WRITE_REFUSED,
        message=lambda f: f.refusal,
        progress="Stalled",
    ),
    PhaseRow(
        when="the NIMService kind is not installed",
        applies=lambda f: not f.is_nimservice_installed,
        phase="Creating",
        ready="False",
        reason=Reason.NIM_OPERATOR_NOT_INSTALLED,
        message=lambda f: (
            "this cluster has no NIMService kind (apps.nvidia.com/v1alpha1); install the NVIDIA NIM Operator"
        ),
    ),
    PhaseRow(
        when="the NIMService or the claim of a deleted predecessor is not gone yet",
        applies=lambda f: bool(f.waiting_for),
        phase="Creating",
        ready="False",
        reason=Reason.PREVIOUS_INSTANCE_TERMINATING,
        message=lambda f: f.waiting_for,
    ),
    PhaseRow(
        when="stopped on purpose, no pods left",
        applies=lambda f: (
            f.is_stopped and f.is_spec_applied and f.workload is not None and f.workload.current_replicas == 0
        ),
        phase="Stopped",
        ready="True",
        reason=Reason.STOPPED,
        message=lambda f: "stopped on purpose: no replicas are wanted",
        progress="",
    ),
    PhaseRow(
        when="stopped on purpose, pods are still going",
        applies=lambda f: f.is_stopped and f.workload is not None and f.workload.current_replicas > 0,
        phase="Stopping",
        ready="False",
        reason=Reason.STOPPING,
        message=lambda f: f"{f.workload.current_replicas if f.workload else 0} pods are still going",
    ),
    PhaseRow(
        when="this spec is rolled out in full and the model answers",
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
        message=lambda f: f"the NIM Operator says: {f.nim_message or 'Failed'}",
    ),
    PhaseRow(
        when="its storage is not ready",
        applies=lambda f: storage_ready_condition(f).status == "False",
        phase="Pending",
        ready="False",
        reason=lambda f: storage_ready_condition(f).reason,
        message=lambda f: storage_ready_condition(f).message,
    ),
    PhaseRow(
        when="the NIM Operator had its time and has not acted on the present spec",
        applies=lambda f: f.is_nim_operator_silent,
        phase="Unknown",
        ready="False",
        reason=Reason.NIM_OPERATOR_NOT_RESPONDING,
        message=_silence_message,
    ),
    PhaseRow(
        when="it ran before, and the present spec is not proven seen by the NIM Operator",
        applies=lambda f: f.was_running and not f.is_spec_applied,
        phase="Updating",
        ready="False",
        reason=Reason.NIM_SERVICE_NOT_SEEN,
        message=_pending_message,
    ),
    PhaseRow(
        when="the present spec is not proven seen by the NIM Operator",
        applies=lambda f: not f.is_spec_applied,
        phase="Creating",
        ready="False",
        reason=Reason.NIM_SERVICE_NOT_SEEN,
        message=_pending_message,
    ),
    PhaseRow(
        when="a pod of the present spec exits again and again",
        applies=lambda f: f.pod_problem is not None and f.pod_problem.reason == Reason.CRASH_LOOPING,
        phase="Failed",
        ready="False",
        reason=Reason.CRASH_LOOPING,
        message=_pod_problem_message,
    ),
    PhaseRow(
        when="a pod of the present spec has no node",
        applies=lambda f: f.pod_problem is not None and f.pod_problem.reason in UNSCHEDULABLE_REASONS,
        phase="Pending",
        ready="False",
        reason=_pod_problem_reason,
        message=_pod_problem_message,
    ),
    PhaseRow(
        when="it ran before, and a pod of the present spec is in trouble",
        applies=lambda f: f.was_running and f.pod_problem is not None,
        phase="Degraded",
        ready="False",
        reason=_pod_problem_reason,
        message=_pod_problem_message,
    ),
    PhaseRow(
        when="a pod of the present spec is in trouble",
        applies=lambda f: f.pod_problem is not None and f.pod_problem.reason != Reason.PROBE_FAILING,
        phase="Initializing",
        ready="False",
        reason=_pod_problem_reason,
        message=_pod_problem_message,
    ),
    PhaseRow(
        when="it ran before, and the present spec is still rolling out",
        applies=lambda f: (
            f.was_running and f.workload is not None and f.workload.updated_replicas < f.workload.spec_replicas
        ),
        phase="Updating",
        ready="False",
        reason=Reason.ROLLING_OUT,
        message=_rollout_message,
    ),
    PhaseRow(
        when="it ran before, and some replicas are ready, not all",
        applies=lambda f: f.was_running and f.ready_replicas > 0,
        phase="Degraded",
        ready="False",
        reason=Reason.REPLICAS_NOT_READY,
        message=_rollout_message,
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


def _storage_missing(f: Facts) -> bool:
    """A missing NIMCache makes the NIM Operator report Failed; the message then names the cache."""
    return bool(f.cache_name) and storage_ready_condition(f).status == "False"


def row_for(facts: Facts) -> PhaseRow:
    """The first matching row; the last row always matches."""
    return next(row for row in ROWS if row.applies(facts))
