"""Last rows of the phase table: the NIM Operator has applied the spec, and not every replica answers yet."""

from typing import Final

from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.facts import Facts
from runai_nim.domain.status.phase_messages import pod_problem_message, progress_message, rollout_message
from runai_nim.domain.status.phase_row import PhaseRow

_UNSCHEDULABLE_REASONS: Final = frozenset(
    {Reason.UNSCHEDULABLE, Reason.QUEUE_NOT_FOUND, Reason.SCHEDULER_NOT_RESPONDING}
)
"""Reasons of pods that no scheduler has placed."""
_EXIT_REASONS: Final = frozenset({Reason.CRASH_LOOPING, Reason.STARTUP_PROBE_FAILING})
"""Reasons of pods whose container ends again and again."""


def _pod_problem_reason(f: Facts) -> Reason:
    return f.pod_problem.reason if f.pod_problem else Reason.PODS_NOT_READY


ROLLOUT_ROWS: Final[tuple[PhaseRow, ...]] = (
    PhaseRow(
        when="a container of the current spec ends again and again",
        applies=lambda f: f.pod_problem is not None and f.pod_problem.reason in _EXIT_REASONS,
        phase="Failed",
        ready="False",
        reason=_pod_problem_reason,
        message=pod_problem_message,
        phase_beside_pods="Degraded",
    ),
    PhaseRow(
        when="the API server rejects pods of the current spec",
        applies=lambda f: f.pod_problem is not None and f.pod_problem.reason == Reason.PODS_REFUSED,
        phase="Pending",
        ready="False",
        reason=Reason.PODS_REFUSED,
        message=pod_problem_message,
        phase_beside_pods="Degraded",
    ),
    PhaseRow(
        when="the scheduler has not placed a pod of the current spec",
        applies=lambda f: (
            f.pod_problem is not None
            and f.pod_problem.reason in _UNSCHEDULABLE_REASONS
            and not f.is_pod_problem_expected
        ),
        phase="Pending",
        ready="False",
        reason=_pod_problem_reason,
        message=pod_problem_message,
        phase_beside_pods="Degraded",
    ),
    PhaseRow(
        when="it ran before, and a pod of the current spec has a problem",
        applies=lambda f: f.was_running and f.pod_problem is not None and not f.is_pod_problem_expected,
        phase="Degraded",
        ready="False",
        reason=_pod_problem_reason,
        message=pod_problem_message,
    ),
    PhaseRow(
        when="a pod of the current spec has a problem",
        applies=lambda f: (
            f.pod_problem is not None and f.pod_problem.reason != Reason.PROBE_FAILING and not f.is_pod_problem_expected
        ),
        phase="Initializing",
        ready="False",
        reason=_pod_problem_reason,
        message=pod_problem_message,
    ),
    PhaseRow(
        when="it ran before, and fewer replicas are ready than a rollout or a change of replicas explains",
        applies=lambda f: f.was_running and f.lacks_replicas,
        phase="Degraded",
        ready="False",
        reason=Reason.REPLICAS_NOT_READY,
        message=progress_message,
    ),
    PhaseRow(
        when="it ran before, and the workload has all pods of the current spec but fewer or more than wanted are ready",
        applies=lambda f: f.was_running and f.is_scaling,
        phase="Updating",
        ready="False",
        reason=Reason.SCALING_REPLICAS,
        message=progress_message,
    ),
    PhaseRow(
        when="it ran before, and the current spec is rolling out",
        applies=lambda f: f.was_running,
        phase="Updating",
        ready="False",
        reason=Reason.ROLLING_OUT,
        message=progress_message,
    ),
    PhaseRow(
        when="pods are starting, or the model does not answer yet",
        applies=lambda f: True,
        phase="Initializing",
        ready="False",
        reason=Reason.PODS_NOT_READY,
        message=rollout_message,
    ),
)
