"""Projection of a pod: what may be wrong with it."""

from dataclasses import dataclass
from typing import Self

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping, mappings, number, text, word


@dataclass(frozen=True, slots=True)
class ObservedPod:
    """A pod of the service, reduced to what may be wrong with it. Times are RFC 3339.

    `unschedulable_message` is the scheduler's message, None before it has reported and "" once the pod has a node.
    `waiting_state` and `exit_message` are those of the first container that waits with a problem or has exited with an
    error: a reason and a message. `unready_reason` names a container that has started and is not ready.
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

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """From a core/v1 Pod."""
        metadata, spec, status = obj["metadata"], mapping(obj.get("spec")), mapping(obj.get("status"))
        containers = [
            *mappings(status.get("initContainerStatuses")),
            *mappings(status.get("containerStatuses")),
        ]
        return cls(
            resource_version=metadata["resourceVersion"],
            name=metadata["name"],
            service=word(mapping(metadata.get("labels")).get(well_known.SERVICE_LABEL)),
            pod_hash=word(mapping(metadata.get("annotations")).get(well_known.POD_HASH)),
            created_at=word(metadata.get("creationTimestamp")),
            scheduler=word(spec.get("schedulerName")),
            unschedulable_message=_unschedulable_message(spec, status),
            waiting_state=next((found for c in containers if (found := _waiting_state(c))), ("", "")),
            exit_message=next((words for c in containers if (words := _exit_message(c))), ""),
            unready_reason=next(
                (word(c.get("name")) for c in containers if c.get("started") and not c.get("ready")), ""
            ),
        )


_STARTING_REASONS = frozenset({"ContainerCreating", "PodInitializing", ""})


def _unschedulable_message(spec: ObjectView, status: ObjectView) -> str | None:
    if spec.get("nodeName"):
        return ""
    said = next((c for c in mappings(status.get("conditions")) if c.get("type") == "PodScheduled"), None)
    if said is None:
        return None
    return "" if said.get("status") == "True" else text(said.get("message") or said.get("reason")) or "no reason given"


def _waiting_state(container: ObjectView) -> tuple[str, str] | None:
    waiting = mapping(mapping(container.get("state")).get("waiting"))
    reason = word(waiting.get("reason"))
    return None if reason in _STARTING_REASONS else (reason, text(waiting.get("message")))


def _exit_message(container: ObjectView) -> str:
    for state in (container.get("state"), container.get("lastState")):
        ended = mapping(mapping(state).get("terminated"))
        if code := number(ended.get("exitCode")):
            return f"{word(ended.get('reason'), 'Error')}, exit code {code}"
    return ""
