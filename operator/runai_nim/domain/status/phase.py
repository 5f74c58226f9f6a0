"""The published table from facts to phase and Ready: the first row whose condition holds decides.

Pure. docs/reference/status.md is generated from these rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

from runai_nim.api.v1alpha1.status import ConditionStatus, Phase
from runai_nim.domain.plan import PREVIOUS_INSTANCE_TERMINATING
from runai_nim.domain.status.facts import Facts
from runai_nim.domain.status.model_store import storage_ready_condition


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """One row of the table.

    `reason` and `message` are Ready's. A row is settled (neither Reconciling nor Stalled), or heals itself
    (Reconciling), or needs a person (Stalled).
    """

    when: str
    applies: Callable[[Facts], bool]
    phase: Phase
    ready: ConditionStatus
    reason: str | Callable[[Facts], str]
    message: Callable[[Facts], str]
    progress: str = "Reconciling"


def _rollout_message(f: Facts) -> str:
    """Counts only: the NIM Operator's own words change with every step of a rollout, and each would cost a write."""
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


def _pod_problem_reason(f: Facts) -> str:
    return f.pod_problem.reason if f.pod_problem else ""


UNSCHEDULABLE_REASONS = frozenset({"Unschedulable", "SchedulerNotResponding"})
"""Troubles of a pod that no scheduler has placed."""

ROWS: tuple[PhaseRow, ...] = (
    PhaseRow(
        "the RunaiNimService is being deleted",
        lambda f: f.is_deleting,
        "Deleting", "False", "Deleting", lambda f: "being deleted; NIMService and pods go with it",
    ),
    PhaseRow(
        "the namespace is being deleted",
        lambda f: f.is_namespace_deleting,
        "Deleting", "False", "NamespaceTerminating", lambda f: "its namespace is being deleted, and everything in it",
    ),
    PhaseRow(
        "a NIMService of this name, or another object that the NIM Operator would take, belongs to somebody else",
        lambda f: f.has_name_conflict,
        "Failed", "False", "NameConflict", _refusal_message, "Stalled",
    ),
    PhaseRow(
        "the spec is refused, and the last good spec still has ready pods",
        lambda f: bool(f.errors) and f.is_nimservice_written and f.ready_replicas > 0,
        "Degraded", "False", lambda f: f.errors[0].reason,
        lambda f: f"{_refusal_message(f)}. The last good spec keeps running", "Stalled",
    ),
    PhaseRow(
        "the spec is refused",
        lambda f: bool(f.errors),
        "Failed", "False", lambda f: f.errors[0].reason, _refusal_message, "Stalled",
    ),
    PhaseRow(
        "somebody else keeps changing a field of the NIMService that the operator sets",
        lambda f: bool(f.field_conflict),
        "Degraded", "False", "FieldConflict", lambda f: f.field_conflict, "Stalled",
    ),
    PhaseRow(
        "the API server refuses what was made of the spec",
        lambda f: bool(f.refusal),
        "Failed", "False", "WriteRefused", lambda f: f.refusal, "Stalled",
    ),
    PhaseRow(
        "the NIMService kind is not installed",
        lambda f: not f.is_nimservice_installed,
        "Creating", "False", "NIMOperatorNotInstalled",
        lambda f: "this cluster has no NIMService kind (apps.nvidia.com/v1alpha1); install the NVIDIA NIM Operator",
    ),
    PhaseRow(
        "the NIMService or the claim of a deleted predecessor is not gone yet",
        lambda f: bool(f.waiting_for),
        "Creating", "False", PREVIOUS_INSTANCE_TERMINATING, lambda f: f.waiting_for,
    ),
    PhaseRow(
        "stopped on purpose, no pods left",
        lambda f: f.is_stopped and f.is_spec_applied and f.workload is not None and f.workload.current_replicas == 0,
        "Stopped", "True", "Stopped", lambda f: "stopped on purpose: no replicas are wanted", "",
    ),
    PhaseRow(
        "stopped on purpose, pods are still going",
        lambda f: f.is_stopped and f.workload is not None and f.workload.current_replicas > 0,
        "Stopping", "False", "Stopping",
        lambda f: f"{f.workload.current_replicas if f.workload else 0} pods are still going",
    ),
    PhaseRow(
        "this spec is rolled out in full and the model answers",
        lambda f: f.is_serving,
        "Running", "True", "Running", lambda f: "every replica is available and the model answers", "",
    ),
    PhaseRow(
        "the NIM Operator reports a failure",
        lambda f: f.nim_state == "Failed" and not _storage_missing(f),
        "Failed", "False", "NIMServiceFailed", lambda f: f"the NIM Operator says: {f.nim_message or 'Failed'}",
    ),
    PhaseRow(
        "its storage is not ready",
        lambda f: storage_ready_condition(f).status == "False",
        "Pending", "False", lambda f: storage_ready_condition(f).reason, lambda f: storage_ready_condition(f).message,
    ),
    PhaseRow(
        "the NIM Operator had its time and has not acted on the present spec",
        lambda f: f.is_nim_operator_silent,
        "Unknown", "False", "NIMOperatorNotResponding", _silence_message,
    ),
    PhaseRow(
        "it ran before, and the present spec is not proven seen by the NIM Operator",
        lambda f: f.was_running and not f.is_spec_applied,
        "Updating", "False", "NIMServiceNotSeen", _pending_message,
    ),
    PhaseRow(
        "the present spec is not proven seen by the NIM Operator",
        lambda f: not f.is_spec_applied,
        "Creating", "False", "NIMServiceNotSeen", _pending_message,
    ),
    PhaseRow(
        "a pod of the present spec exits again and again",
        lambda f: f.pod_problem is not None and f.pod_problem.reason == "CrashLooping",
        "Failed", "False", "CrashLooping", _pod_problem_message,
    ),
    PhaseRow(
        "a pod of the present spec has no node",
        lambda f: f.pod_problem is not None and f.pod_problem.reason in UNSCHEDULABLE_REASONS,
        "Pending", "False", _pod_problem_reason, _pod_problem_message,
    ),
    PhaseRow(
        "it ran before, and a pod of the present spec is in trouble",
        lambda f: f.was_running and f.pod_problem is not None,
        "Degraded", "False", _pod_problem_reason, _pod_problem_message,
    ),
    PhaseRow(
        "a pod of the present spec is in trouble",
        lambda f: f.pod_problem is not None and f.pod_problem.reason != "ProbeFailing",
        "Initializing", "False", _pod_problem_reason, _pod_problem_message,
    ),
    PhaseRow(
        "it ran before, and the present spec is still rolling out",
        lambda f: f.was_running and f.workload is not None and f.workload.updated_replicas < f.workload.spec_replicas,
        "Updating", "False", "RollingOut", _rollout_message,
    ),
    PhaseRow(
        "it ran before, and some replicas are ready, not all",
        lambda f: f.was_running and f.ready_replicas > 0,
        "Degraded", "False", "ReplicasNotReady", _rollout_message,
    ),
    PhaseRow(
        "pods are starting, or the model does not answer yet",
        lambda f: True,
        "Initializing", "False", "PodsNotReady", _rollout_message,
    ),
)  # fmt: skip


def _storage_missing(f: Facts) -> bool:
    """A NIMCache that is not there makes the NIM Operator report Failed; the cache is what to name then."""
    return bool(f.cache_name) and storage_ready_condition(f).status == "False"


def row_for(facts: Facts) -> PhaseRow:
    """The first row that holds; the last always does."""
    return next(row for row in ROWS if row.applies(facts))
