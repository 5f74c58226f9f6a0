"""A pod, by what may be wrong with it.

Small frozen values made from Kubernetes objects; whatever no decision reads is dropped. May not decide anything.
"""

from dataclasses import dataclass
from typing import Self

from runai_nim import keys
from runai_nim.observed.stored import Object


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of the service, by what may be wrong with it. Times are RFC 3339.

    `unscheduled` are the scheduler's words, None where it has not said anything and "" once the pod has its node.
    `waiting` and `exited` are of the first container that waits for a bad reason, or has exited badly: a word for
    programs and a sentence. `unready` names a container that has started and is not ready.
    """

    resource_version: str
    name: str
    service: str
    pod_hash: str
    created_at: str
    scheduler: str
    unscheduled: str | None
    waiting: tuple[str, str]
    exited: str
    unready: str

    @classmethod
    def from_object(cls, obj: Object) -> Self:
        """From a core/v1 Pod."""
        metadata, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
        containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
        return cls(
            resource_version=metadata["resourceVersion"],
            name=metadata["name"],
            service=(metadata.get("labels") or {}).get(keys.SERVICE_LABEL, ""),
            pod_hash=(metadata.get("annotations") or {}).get(keys.POD_HASH, ""),
            created_at=metadata.get("creationTimestamp", ""),
            scheduler=spec.get("schedulerName", ""),
            unscheduled=_unscheduled(spec, status),
            waiting=next((found for c in containers if (found := _waiting(c))), ("", "")),
            exited=next((words for c in containers if (words := _exited(c))), ""),
            unready=next((c["name"] for c in containers if c.get("started") and not c.get("ready")), ""),
        )


_STARTING = frozenset({"ContainerCreating", "PodInitializing", ""})


def _unscheduled(spec: Object, status: Object) -> str | None:
    if spec.get("nodeName"):
        return ""
    said = next((c for c in status.get("conditions") or () if c["type"] == "PodScheduled"), None)
    if said is None:
        return None
    return "" if said.get("status") == "True" else str(said.get("message") or said.get("reason") or "no reason given")


def _waiting(container: Object) -> tuple[str, str] | None:
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason = str(waiting.get("reason", ""))
    return None if reason in _STARTING else (reason, str(waiting.get("message", "")))


def _exited(container: Object) -> str:
    for state in (container.get("state") or {}, container.get("lastState") or {}):
        if (ended := state.get("terminated")) and ended.get("exitCode", 0) != 0:
            return f"{ended.get('reason', 'Error')}, exit code {ended['exitCode']}"
    return ""
