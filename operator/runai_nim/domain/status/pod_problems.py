"""Problems of pods, in the words of the API server, the scheduler, the kubelet or the container."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from runai_nim.api.count_text import count_text
from runai_nim.domain.observed import ObservedPod, ObservedState, ObservedWorkload, StartupKill
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.deadlines import Deadlines, seconds_left
from runai_nim.domain.status.event_queries import stateful_set_of
from runai_nim.domain.status.pod_refusals import remedy_of
from runai_nim.domain.status.pod_starts import START_LIMITS, start_message

_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"})
_CONFIG = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
DISRUPTION_SECONDS: Final = 600.0
"""How long the end of a pod explains what is missing: an evicted pod stays for days, its replacement comes at once."""


REFUSAL_SECONDS: Final = 5.0
"""How long pods may be refused before that is a problem: a ServiceAccount or a quota may be seconds old."""


class Rank(IntEnum):
    """Of several problems the one with the lowest rank is reported."""

    EXITS = 0
    REFUSED = 1
    IMAGE = 2
    CONFIG = 3
    WAITING = 4
    NOT_STARTED = 5
    UNSCHEDULABLE = 6
    SCHEDULER = 7
    DISRUPTED = 8
    PROBE = 9


@dataclass(frozen=True, slots=True, order=True)
class PodProblem:
    """A problem of one pod; of several problems, the one with the lowest `rank` is reported."""

    rank: Rank
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class PodReferences:
    """What the pods name: the Secret of the NGC key, the queue, and with KAI the label of their node pool.

    All are empty without one.
    """

    secret: str = ""
    queue: str = ""
    pool: str = ""

    @property
    def pool_needs(self) -> str:
        """What a node pool needs with KAI, to be appended to a message; empty without a pool."""
        if not self.pool:
            return ""
        value = self.pool.partition("=")[2]
        return (
            f"; with KAI node pool {value} needs a scheduler of its own (a SchedulingShard with partitionLabelValue:"
            f" {value}) and a queue with the label {self.pool}"
        )


def pod_problem_of(
    pods: Iterable[ObservedPod], observed: ObservedState, named: PodReferences, deadlines: Deadlines
) -> PodProblem | None:
    """The most severe problem of these pods and of those that can't be created, independent of their order."""
    found = (problem for pod in pods for problem in _pod_problems(pod, observed, named, deadlines))
    return min((*_refusals(observed, deadlines), *found), default=None)


def refusal_deadline(workload: ObservedWorkload | None, deadlines: Deadlines) -> float | None:
    """Seconds until a refusal of pods is a problem; None without one, and once it is."""
    if workload is None or not workload.refused_at:
        return None
    left = seconds_left(workload.refused_at, REFUSAL_SECONDS, deadlines.now)
    return left if left > 0 else None


def pod_deadline(pods: Iterable[ObservedPod], deadlines: Deadlines) -> float | None:
    """Seconds until a pod's problem begins or ends without a change of the pod; None without such a pod."""
    left = (seconds for pod in pods for seconds in _seconds_left(pod, deadlines))
    return min((seconds for seconds in left if seconds > 0), default=None)


def _seconds_left(pod: ObservedPod, deadlines: Deadlines) -> Iterator[float]:
    if pod.unschedulable_message is None:
        yield seconds_left(pod.created_at, deadlines.scheduler_seconds, deadlines.now)
    if pod.disruption is not None:
        yield seconds_left(pod.disruption.at, DISRUPTION_SECONDS, deadlines.now)
    if pod.not_started is not None:
        yield from (seconds_left(pod.not_started.since, limit, deadlines.now) for limit in START_LIMITS)


def restarts_of(pods: Iterable[ObservedPod], named: PodReferences) -> str:
    """The restarts of the pod that restarted most often, and why; empty where none did.

    `pod nim-1 has restarted 2 times (last: OOMKilled, exit code 137): raise spec.compute.cpuMemoryLimit`
    """
    pod = max(pods, key=lambda one: (one.restarts, one.name), default=None)
    if pod is None or not pod.restarts:
        return ""
    times = "once" if pod.restarts == 1 else f"{pod.restarts} times"
    return f"pod {pod.name} has restarted {times}{_last_exit(pod)}{_exit_remedy(pod, named)}"


def _refusals(observed: ObservedState, deadlines: Deadlines) -> Iterator[PodProblem]:
    workload = observed.workload
    if workload is None or refusal_deadline(workload, deadlines) is not None:
        return
    events = observed.events.get(stateful_set_of(workload), ())
    said = workload.refused_pod or next((event.message for event in events if event.reason == "FailedCreate"), "")
    if said:
        message = f"the API server refuses the pods of {workload.kind} {workload.name}: {said}; {remedy_of(said)}"
        yield PodProblem(rank=Rank.REFUSED, reason=Reason.PODS_REFUSED, message=message)


def _pod_problems(
    pod: ObservedPod, observed: ObservedState, named: PodReferences, deadlines: Deadlines
) -> Iterator[PodProblem]:
    yield from _disruptions(pod, deadlines)
    if pod.is_deleting or pod.disruption is not None:
        return
    yield from _container_problems(pod, named)
    yield from _scheduling_problems(pod, named, deadlines)
    waiting = pod.not_started
    if waiting and (said := start_message(pod.name, waiting, observed.events.get(waiting.uid, ()), deadlines)):
        yield PodProblem(rank=Rank.NOT_STARTED, reason=Reason.POD_NOT_STARTED, message=said)
    if pod.unready_reason:
        yield PodProblem(
            rank=Rank.PROBE,
            reason=Reason.PROBE_FAILING,
            message=f"container {pod.unready_reason} of pod {pod.name} runs, and its readiness probe fails",
        )


def _container_problems(pod: ObservedPod, named: PodReferences) -> Iterator[PodProblem]:
    reason, message = pod.waiting_state
    said = f": {message}" if message else ""
    if pod.startup_kill and (pod.restarts > 1 or reason == "CrashLoopBackOff"):
        message = _startup_message(pod, pod.startup_kill)
        yield PodProblem(rank=Rank.EXITS, reason=Reason.STARTUP_PROBE_FAILING, message=message)
    elif reason == "CrashLoopBackOff":
        see = f"see kubectl logs {pod.name} --previous"
        message = f"pod {pod.name} exits again and again{_last_exit(pod)}; {see}{_exit_remedy(pod, named)}"
        yield PodProblem(rank=Rank.EXITS, reason=Reason.CRASH_LOOPING, message=message)
    elif reason in _IMAGE:
        remedy = "check spec.image and spec.imagePullSecrets"
        yield PodProblem(
            rank=Rank.IMAGE,
            reason=Reason.IMAGE_PULL_FAILED,
            message=f"pod {pod.name} can't pull its image ({reason}){said}; {remedy}",
        )
    elif reason in _CONFIG:
        yield PodProblem(
            rank=Rank.CONFIG,
            reason=Reason.CONTAINER_NOT_CREATED,
            message=f"pod {pod.name} can't start its container ({reason}){said}",
        )
    elif reason:
        yield PodProblem(
            rank=Rank.WAITING, reason=Reason.CONTAINER_WAITING, message=f"pod {pod.name} waits ({reason}){said}"
        )


def _last_exit(pod: ObservedPod) -> str:
    """` (last: OOMKilled, exit code 137)`; empty without an exit."""
    killed = f", killed by its startup probe after {_bound(pod.startup_kill)}" if pod.startup_kill else ""
    return f" (last: {pod.exit_message}{killed})" if pod.exit_message else ""


_EXIT_REMEDIES: Final[Mapping[str, str]] = {
    "gpu memory": "the GPU's memory is too small for the model: request a larger share or more GPUs, or choose a"
    " smaller profile (NIM_MODEL_PROFILE)",
    "disk full": "its disk is full: raise spec.modelStore.pvc.claimInfo.size",
    "no profile": "the model has no profile for this GPU: choose other spec.nodePools, or set NIM_MODEL_PROFILE",
}


def _exit_remedy(pod: ObservedPod, named: PodReferences) -> str:
    """What to do about the last exit. Nothing of the termination message is quoted: it may hold a key."""
    if pod.exit_message.startswith("OOMKilled"):
        return "; the container used more memory than it may: raise spec.compute.cpuMemoryLimit"
    if pod.exit_cause == "unauthorized":
        return f"; the answer was HTTP 401 or 403: {_key_remedy(named)}"
    if remedy := _EXIT_REMEDIES.get(pod.exit_cause):
        return f"; {remedy}"
    # From NIM Operator 3.1.3 on a pod starts without its Secret.
    return f"; if it says HTTP 401 or 403, {_key_remedy(named)}" if named.secret and not pod.startup_kill else ""


def _key_remedy(named: PodReferences) -> str:
    if not named.secret:
        return "the key is missing or wrong; name its Secret in spec.ngcAuthSecret"
    return (
        f"see whether Secret {named.secret} (spec.ngcAuthSecret) exists in this namespace, and whether its key"
        " (NGC_API_KEY, HF_TOKEN) is valid and entitled to the model"
    )


def _bound(kill: StartupKill) -> str:
    """The time that the startup probe gives: `1200 s (failureThreshold 120, periodSeconds 10)`."""
    threshold = kill.failure_threshold
    period = kill.period_seconds
    return f"{threshold * period} s (failureThreshold {threshold}, periodSeconds {period})"


_STARTUP_REMEDY: Final = (
    "raise spec.probes.startup.failureThreshold, have the model loaded before (spec.modelStore.nimCache, or a claim"
    " that keeps it), or use a smaller one"
)


def _startup_message(pod: ObservedPod, kill: StartupKill) -> str:
    return (
        f"the startup probe kills container {kill.container} of pod {pod.name} again and again"
        f" ({count_text(pod.restarts, 'restart')}, last: {pod.exit_message}): it does not answer within"
        f" {_bound(kill)}; {_STARTUP_REMEDY}"
    )


_QUEUE: Final = re.compile(
    r"QueueDoesNotExist|queue\b.{0,80}\b(does not exist|not found|doesn't exist|not a leaf|is a parent|has child)",
    re.IGNORECASE,
)
"""What schedulers say of a queue that no pod can use."""


def _scheduling_problems(pod: ObservedPod, named: PodReferences, deadlines: Deadlines) -> Iterator[PodProblem]:
    said = pod.unschedulable_message
    if said and _QUEUE.search(said):
        queue = f"queue {named.queue}" if named.queue else "the queue of its project"
        message = (
            f"{pod.scheduler} can't place pod {pod.name} because of {queue}: {said}; create the queue, or name one that"
            f" has no queues below it ({_queue_source(named)}){named.pool_needs}"
        )
        yield PodProblem(rank=Rank.UNSCHEDULABLE, reason=Reason.QUEUE_NOT_FOUND, message=message)
    elif said:
        yield PodProblem(
            rank=Rank.UNSCHEDULABLE,
            reason=Reason.UNSCHEDULABLE,
            message=f"{pod.scheduler} can't place pod {pod.name}: {said}",
        )
    elif said is None and seconds_left(pod.created_at, deadlines.scheduler_seconds, deadlines.now) <= 0:
        queue = f", whether queue {named.queue} exists" if named.queue else ""
        message = (
            f"pod {pod.name} waits for scheduler {pod.scheduler}, which has said nothing of it for"
            f" {deadlines.scheduler_seconds:g} s; see whether it runs{queue}, and scheduler_name in the operator's"
            f" settings{named.pool_needs}"
        )
        yield PodProblem(rank=Rank.SCHEDULER, reason=Reason.SCHEDULER_NOT_RESPONDING, message=message)


def _queue_source(named: PodReferences) -> str:
    setting = "queue_of_pool or queue" if named.pool else "queue"
    return f"the namespace's queue label, or {setting} in the operator's settings"


_NODE_LOST: Final = frozenset({"NodeLost", "DeletionByTaintManager", "DeletionByPodGC"})
_PREEMPTED: Final = frozenset({"PreemptionByScheduler", "Preempting", "Preempted"})


def _disruptions(pod: ObservedPod, deadlines: Deadlines) -> Iterator[PodProblem]:
    ended = pod.disruption
    if ended is None or seconds_left(ended.at, DISRUPTION_SECONDS, deadlines.now) <= 0:
        return
    said = f"({ended.reason})" + (f": {ended.message}" if ended.message else "")
    if ended.reason in _NODE_LOST:
        reason = Reason.NODE_LOST
        what = f"the node of pod {pod.name} is lost"
        remedy = "Kubernetes makes another pod; see kubectl get nodes"
    elif ended.reason in _PREEMPTED:
        reason = Reason.POD_PREEMPTED
        what = f"pod {pod.name} had to make room for pods of higher priority"
        remedy = "another pod waits for a GPU; raise spec.priorityClass, or set spec.preemptibility"
    else:
        reason = Reason.POD_EVICTED
        what = f"pod {pod.name} was evicted"
        remedy = "Kubernetes makes another pod; see kubectl describe node for pressure or a drain"
    yield PodProblem(rank=Rank.DISRUPTED, reason=reason, message=f"{what} {said}; {remedy}")
