"""Projection of a pod: what may be wrong with it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, Self

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping, mappings, number, text, word


class StartupKill(NamedTuple):
    """A container that its startup probe has killed: the probe's failureThreshold and periodSeconds."""

    container: str
    failure_threshold: int
    period_seconds: int


class NotStarted(NamedTuple):
    """A pod that has a node, and no containers yet: its volumes or its network are missing. `since` is RFC 3339."""

    uid: str
    node: str
    since: str


class Disruption(NamedTuple):
    """Why Kubernetes ends or has ended a pod: `Evicted`, `PreemptionByScheduler`, `NodeLost`. `at` is RFC 3339."""

    reason: str
    message: str
    at: str


@dataclass(frozen=True, slots=True)
class ObservedPod:
    """A pod of the service, reduced to what may be wrong with it. Times are RFC 3339.

    `unschedulable_message` is the scheduler's message, None before it has reported and "" once the pod has a node.
    `waiting_state` and `exit_message` are those of the first container that waits with a problem or has exited with an
    error: a reason and a message. `exit_cause` is what that container's termination message says, as a word of
    EXIT_CAUSES: the message itself may hold a key. `unready_reason` names a container that has started and is not
    ready. `restarts` counts those of all containers. `not_started`, `disruption` and `startup_kill` are None for a pod
    that runs.
    """

    resource_version: str
    name: str
    service: str
    pod_hash: str
    created_at: str
    scheduler: str
    unschedulable_message: str | None
    waiting_state: tuple[str, str]
    exit_message: str
    unready_reason: str
    exit_cause: str = ""
    restarts: int = 0
    is_deleting: bool = False
    startup_kill: StartupKill | None = None
    not_started: NotStarted | None = None
    disruption: Disruption | None = None

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """From a core/v1 Pod."""
        metadata = obj["metadata"]
        spec = mapping(obj.get("spec"))
        status = mapping(obj.get("status"))
        containers = [
            *mappings(status.get("initContainerStatuses")),
            *mappings(status.get("containerStatuses")),
        ]
        conditions = {word(c.get("type")): c for c in mappings(status.get("conditions"))}
        exited = next((state for c in containers if (state := _exited_state(c))), {})
        return cls(
            resource_version=metadata["resourceVersion"],
            name=metadata["name"],
            service=word(mapping(metadata.get("labels")).get(well_known.SERVICE_LABEL)),
            pod_hash=word(mapping(metadata.get("annotations")).get(well_known.POD_HASH)),
            created_at=word(metadata.get("creationTimestamp")),
            scheduler=word(spec.get("schedulerName")),
            unschedulable_message=_unschedulable_message(spec, conditions),
            waiting_state=next((found for c in containers if (found := _waiting_state(c))), ("", "")),
            exit_message=_exit_message(exited),
            unready_reason=next(
                (word(c.get("name")) for c in containers if c.get("started") and not c.get("ready")), ""
            ),
            exit_cause=_exit_cause(exited),
            restarts=sum(number(c.get("restartCount")) for c in containers),
            is_deleting="deletionTimestamp" in metadata,
            startup_kill=next(_startup_kills(containers, spec), None),
            not_started=_not_started(obj, conditions),
            disruption=_disruption(status, conditions),
        )


_STARTING_REASONS = frozenset({"ContainerCreating", "PodInitializing", ""})
_Conditions = Mapping[str, ObjectView]


def _unschedulable_message(spec: ObjectView, conditions: _Conditions) -> str | None:
    if spec.get("nodeName"):
        return ""
    said = conditions.get("PodScheduled")
    if said is None:
        return None
    if said.get("status") == "True":
        return ""
    reason = word(said.get("reason"))
    message = text(said.get("message"))
    # Kubernetes' own word says nothing that the message doesn't; another scheduler's may, such as QueueDoesNotExist.
    said_twice = message and (reason == "Unschedulable" or reason in message)
    return message if said_twice else ": ".join(filter(None, (reason, message))) or "no reason given"


def _waiting_state(container: ObjectView) -> tuple[str, str] | None:
    waiting = mapping(mapping(container.get("state")).get("waiting"))
    reason = word(waiting.get("reason"))
    return None if reason in _STARTING_REASONS else (reason, text(waiting.get("message")))


def _exited_state(container: ObjectView) -> ObjectView:
    """The container's last exit with an error; empty without one."""
    for state in (container.get("state"), container.get("lastState")):
        ended = mapping(mapping(state).get("terminated"))
        if number(ended.get("exitCode")):
            return ended
    return {}


def _exit_message(ended: ObjectView) -> str:
    return f"{word(ended.get('reason'), 'Error')}, exit code {number(ended.get('exitCode'))}" if ended else ""


EXIT_CAUSES: Final[Mapping[str, re.Pattern[str]]] = {
    cause: re.compile(pattern, re.IGNORECASE)
    for cause, pattern in {
        "unauthorized": r"(http(/[0-9.]{1,3})?|status|code|error|response)\W{0,3}40[13]\b"
        r"|\b40[13]\W{1,3}(unauthorized|forbidden|client error)|authentication (error|failed)|invalid (api )?key",
        "gpu memory": r"cuda( error)?: out of memory|cuda out of memory|OutOfMemoryError|CUDA_ERROR_OUT_OF_MEMORY",
        "disk full": r"no space left on device|disk quota exceeded",
        "no profile": r"no (compatible|runnable|valid)\b.{0,40}\bprofile|profile.{0,60}not (compatible|runnable)",
    }.items()
}
"""What a termination message may say, by the word for it. Nothing else of the message is kept."""


def _exit_cause(ended: ObjectView) -> str:
    message = text(ended.get("message"))
    return next((cause for cause, pattern in EXIT_CAUSES.items() if pattern.search(message)), "") if message else ""


_KILLED: Final = (137, 143)
"""Exit codes of a container that was ended by SIGKILL, or by SIGTERM before."""
_SLACK_SECONDS: Final = 60
"""A kubelet's probes are late by some seconds, and it gives the container its grace period."""


def _startup_kills(containers: Iterable[ObjectView], spec: ObjectView) -> Iterator[StartupKill]:
    """Containers that never started, and whose last run ended as a kill by their startup probe does."""
    probes = {word(c.get("name")): mapping(c.get("startupProbe")) for c in mappings(spec.get("containers"))}
    for container in containers:
        name = word(container.get("name"))
        probe = probes.get(name, {})
        threshold = number(probe.get("failureThreshold"), 3)
        kill = StartupKill(name, threshold, number(probe.get("periodSeconds"), 10))
        grace = number(spec.get(_GRACE), 30)
        ended = _exited_state(container)
        if probe and not container.get("started") and _looks_killed(ended, probe, kill=kill, grace=grace):
            yield kill


_GRACE: Final = "terminationGracePeriodSeconds"


def _looks_killed(ended: ObjectView, probe: ObjectView, *, kill: StartupKill, grace: int) -> bool:
    """Whether a container ran as long as its probe allows, as far as its times are known, and was then killed."""
    if number(ended.get("exitCode")) not in _KILLED or ended.get("reason") == "OOMKilled":
        return False
    ran = _seconds_between(ended.get("startedAt"), ended.get("finishedAt"))
    if ran is None:
        return True
    threshold = kill.failure_threshold
    period = kill.period_seconds
    longest = threshold * max(period, number(probe.get("timeoutSeconds"), 1)) + grace + _SLACK_SECONDS
    return (threshold - 1) * period <= ran <= number(probe.get("initialDelaySeconds")) + longest


def _seconds_between(start: Any, end: Any) -> float | None:
    try:
        return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    except (TypeError, ValueError):  # no time, or one that Python doesn't know
        return None


def _not_started(obj: ObjectView, conditions: _Conditions) -> NotStarted | None:
    metadata = obj["metadata"]
    status = mapping(obj.get("status"))
    node = word(mapping(obj.get("spec")).get("nodeName"))
    sandbox = conditions.get("PodReadyToStartContainers", {})
    is_waiting = status.get("phase", "Pending") == "Pending" and sandbox.get("status") == "False"
    has_node = bool(node) or conditions.get("PodScheduled", {}).get("status") == "True"
    if not is_waiting or not has_node or "deletionTimestamp" in metadata:
        return None
    since = word(sandbox.get("lastTransitionTime")) or word(metadata.get("creationTimestamp"))
    return NotStarted(word(metadata.get("uid")), node, since)


def _disruption(status: ObjectView, conditions: _Conditions) -> Disruption | None:
    target = conditions.get("DisruptionTarget", {})
    reason = word(status.get("reason"))
    if reason and (status.get("phase") == "Failed" or reason == "NodeLost"):
        # The kubelet dates an eviction by the condition, or by that of readiness, which ends with it.
        at = target or conditions.get("Ready", {})
        return Disruption(reason, text(status.get("message")), word(at.get("lastTransitionTime")))
    if target.get("status") == "True":
        reason = word(target.get("reason"), "DisruptionTarget")
        return Disruption(reason, text(target.get("message")), word(target.get("lastTransitionTime")))
    return None
