"""Which logs of a service's pods there are, and why one has none. Pure; statuses are untrusted."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping, mappings, number, text, word
from runai_nim.domain.observed.pod import ObservedPod
from runai_nim.domain.observed.resource_tree import Node, nodes_below


class ContainerLog(NamedTuple):
    """A container of a pod, and why it has no log; empty if it has one. `run`: each restart begins another one."""

    pod: str
    container: str
    absence: str = ""
    run: str = ""


def service_pods(tree: Node, pods: Iterable[ObjectView]) -> list[ObjectView]:
    """The pods in the tree of a RunaiNimService, by name: others may have the label, too."""
    uids = {node.uid for node in nodes_below(tree) if node.kind == "Pod" and node.uid}
    return sorted((pod for pod in pods if pod["metadata"]["uid"] in uids), key=lambda pod: str(pod["metadata"]["name"]))


def container_logs(
    service: str, pods: Sequence[ObjectView], asked: str | None, *, previous: bool
) -> Iterator[ContainerLog]:
    """A log for each pod: of the container that is asked for, or of the model's."""
    for pod in pods:
        name = word(mapping(pod.get("metadata")).get("name"))
        known = _containers(pod)
        container = asked or _model_container(service, known)
        if container in known:
            absence = _absence(pod, container, previous=previous)
            yield ContainerLog(name, container, absence, _run(pod, container))
        else:
            yield ContainerLog(name, container, f"has no container {container}; it has {', '.join(known)}")


def _containers(pod: ObjectView) -> list[str]:
    """Names of the pod's containers, those that initialise it last."""
    spec = mapping(pod.get("spec"))
    found = [*mappings(spec.get("containers")), *mappings(spec.get("initContainers"))]
    return [word(container.get("name")) for container in found]


def _model_container(service: str, known: Sequence[str]) -> str:
    """The NIM's container; the first one of the pods of a LeaderWorkerSet, which have other names."""
    named = service + well_known.NIM_CONTAINER_SUFFIX
    return named if named in known else next(iter(known), named)


def _absence(pod: ObjectView, container: str, *, previous: bool) -> str:
    """Why the container has no log, by the pod's status."""
    if not mapping(pod.get("spec")).get("nodeName"):
        unschedulable = ObservedPod.from_object(pod).unschedulable_message
        return f"has no log, it has no node: {unschedulable or 'no scheduler has said why'}"
    status = mapping(pod.get("status"))
    told = _status_of(pod, container)
    state = mapping(told.get("state"))
    if "terminated" in mapping(told.get("lastState")):
        return ""
    if previous:
        return f"has no earlier log: container {container} has not been restarted"
    if "running" in state or "terminated" in state:
        return ""
    if waiting := mapping(state.get("waiting")):
        cause = ": ".join(filter(None, (word(waiting.get("reason")), text(waiting.get("message")))))
        return f"has no log, container {container} has not started: {cause or 'it waits'}"
    cause = ": ".join(filter(None, (word(status.get("reason")), text(status.get("message")))))
    return f"has no log, container {container} has not started: {cause or word(status.get('phase')) or 'no status'}"


def _run(pod: ObjectView, container: str) -> str:
    """The uid of the pod and the number of restarts of the container."""
    restarts = number(_status_of(pod, container).get("restartCount"))
    return f"{word(mapping(pod.get('metadata')).get('uid'))}/{restarts}"


def _status_of(pod: ObjectView, container: str) -> ObjectView:
    """The status of the container; empty without one."""
    status = mapping(pod.get("status"))
    statuses = [*mappings(status.get("containerStatuses")), *mappings(status.get("initContainerStatuses"))]
    return next((one for one in statuses if one.get("name") == container), {})
