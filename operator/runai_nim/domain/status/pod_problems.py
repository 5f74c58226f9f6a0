"""Problems of pods, in the words of the scheduler, the kubelet or the container."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runai_nim.domain.observed import ObservedPod
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.deadlines import Deadlines, seconds_left

_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"})
_CONFIG = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})


@dataclass(frozen=True, slots=True, order=True)
class PodProblem:
    """A problem of one pod; of several problems, the one with the lowest `rank` is reported."""

    rank: int
    reason: Reason
    message: str


def pod_problem_of(pods: Iterable[ObservedPod], deadlines: Deadlines) -> PodProblem | None:
    """The most severe problem of these pods, independent of their order."""
    return min((trouble for pod in pods for trouble in _pod_problems(pod, deadlines)), default=None)


def scheduler_deadline(pods: Iterable[ObservedPod], deadlines: Deadlines) -> float | None:
    """Seconds until the first unscheduled pod exceeds the scheduler's deadline; None without such a pod."""
    left = [
        seconds_left(p.created_at, deadlines.scheduler_seconds, deadlines.now)
        for p in pods
        if p.unschedulable_message is None
    ]
    return min((seconds for seconds in left if seconds > 0), default=None)


def _pod_problems(pod: ObservedPod, deadlines: Deadlines) -> Iterator[PodProblem]:
    reason, message = pod.waiting_state
    said = f": {message}" if message else ""
    if reason == "CrashLoopBackOff":
        ended = f" (last: {pod.exit_message})" if pod.exit_message else ""
        yield PodProblem(
            rank=0,
            reason=Reason.CRASH_LOOPING,
            message=f"pod {pod.name} exits again and again{ended}; see kubectl logs {pod.name} --previous",
        )
    elif reason in _IMAGE:
        remedy = "check spec.image and spec.imagePullSecrets"
        yield PodProblem(
            rank=1,
            reason=Reason.IMAGE_PULL_FAILED,
            message=f"pod {pod.name} can't pull its image ({reason}){said}; {remedy}",
        )
    elif reason in _CONFIG:
        yield PodProblem(
            rank=2,
            reason=Reason.CONTAINER_NOT_CREATED,
            message=f"pod {pod.name} can't start its container ({reason}){said}",
        )
    elif reason:
        yield PodProblem(rank=3, reason=Reason.CONTAINER_WAITING, message=f"pod {pod.name} waits ({reason}){said}")
    if pod.unschedulable_message:
        yield PodProblem(
            rank=4,
            reason=Reason.UNSCHEDULABLE,
            message=f"{pod.scheduler} can't place pod {pod.name}: {pod.unschedulable_message}",
        )
    elif (
        pod.unschedulable_message is None
        and seconds_left(pod.created_at, deadlines.scheduler_seconds, deadlines.now) <= 0
    ):
        message = (
            f"pod {pod.name} waits for scheduler {pod.scheduler}, which has said nothing of it for"
            f" {deadlines.scheduler_seconds:g} s; see whether it runs, and scheduler_name in the operator's settings"
        )
        yield PodProblem(rank=5, reason=Reason.SCHEDULER_NOT_RESPONDING, message=message)
    if pod.unready_reason:
        yield PodProblem(
            rank=6,
            reason=Reason.PROBE_FAILING,
            message=f"container {pod.unready_reason} of pod {pod.name} runs, and its readiness probe fails",
        )
