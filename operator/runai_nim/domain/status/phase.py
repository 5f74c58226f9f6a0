"""The table from facts to phase and Ready: the first matching row wins.

`rollout_phases` has its last rows, for a spec that the NIM Operator has applied. docs/reference/status.md is
generated from these rows.
"""

from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.facts import Facts
from runai_nim.domain.status.model_store import storage_ready_condition
from runai_nim.domain.status.phase_messages import (
    paused_message,
    pending_message,
    refusal_message,
    stopping_message,
)
from runai_nim.domain.status.phase_row import PhaseRow
from runai_nim.domain.status.rollout_phases import ROLLOUT_ROWS
from runai_nim.domain.status.scaling import is_scaled_to_zero
from runai_nim.domain.status.silence import silence_message

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
        message=refusal_message,
        progress="Stalled",
    ),
    PhaseRow(
        when="the spec is rejected, and the last good spec still has ready pods",
        applies=lambda f: bool(f.errors) and f.is_nimservice_written and f.ready_replicas > 0,
        phase="Degraded",
        ready="False",
        reason=lambda f: f.errors[0].reason,
        message=lambda f: f"{refusal_message(f)}. The last good spec keeps running",
        progress="Stalled",
    ),
    PhaseRow(
        when="the spec is rejected",
        applies=lambda f: bool(f.errors),
        phase="Failed",
        ready="False",
        reason=lambda f: f.errors[0].reason,
        message=refusal_message,
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
        applies=lambda f: f.is_stopped and f.is_spec_applied and f.workload is not None and not f.has_pods_to_stop,
        phase="Stopped",
        ready="True",
        reason=Reason.STOPPED,
        message=lambda f: "the spec stops the service: it wants no replicas",
        progress="",
    ),
    PhaseRow(
        when="the user stopped the service, and pods are terminating",
        applies=lambda f: f.is_stopped and f.has_pods_to_stop,
        phase="Stopping",
        ready="False",
        reason=Reason.STOPPING,
        message=stopping_message,
    ),
    PhaseRow(
        when="autoscaling has taken away all replicas, as minReplicas 0 allows",
        applies=is_scaled_to_zero,
        phase="Running",
        ready="True",
        reason=Reason.SCALED_TO_ZERO,
        message=lambda f: f"the autoscaler wants no replicas, and starts one when {f.scaling_metric} asks for it",
        progress="",
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
        message=paused_message,
        progress="",
    ),
    PhaseRow(
        when="the resource is paused before the operator wrote the current spec",
        applies=lambda f: f.is_paused and not f.is_spec_written,
        phase="Creating",
        ready="False",
        reason=Reason.PAUSED,
        message=paused_message,
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
        message=pending_message,
    ),
    PhaseRow(
        when="the NIM Operator has not acted on the current spec yet",
        applies=lambda f: not f.is_spec_applied,
        phase="Creating",
        ready="False",
        reason=Reason.NIM_SERVICE_NOT_SEEN,
        message=pending_message,
    ),
    *ROLLOUT_ROWS,
)


def _storage_missing(f: Facts) -> bool:
    """A missing NIMCache makes the NIM Operator report Failed; the message then names the cache."""
    return bool(f.cache_name) and storage_ready_condition(f).status == "False"


def row_for(facts: Facts) -> PhaseRow:
    """The first matching row; the last row always matches."""
    return next(row for row in ROWS if row.applies(facts))
