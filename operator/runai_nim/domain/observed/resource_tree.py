"""The tree of objects of a RunaiNimService, from objects as the API returns them. Pure; statuses are untrusted.

It holds no specs, so no values of environment variables, and no termination messages, which may hold a key.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.count_text import count_text
from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import condition_of, mapping, mappings, number, text, word
from runai_nim.domain.observed.pod import ObservedPod
from runai_nim.domain.observed.stored_object import controller_of

ROUTE_KINDS: Final = (well_known.INGRESS_KIND, well_known.HTTP_ROUTE_KIND, well_known.GRPC_ROUTE_KIND)
WORKLOAD_KINDS: Final = ("Deployment", well_known.LWS_KIND)


@dataclass(frozen=True, slots=True)
class Reading:
    """Objects of one kind that were read, or why they could not be read."""

    objects: tuple[ObjectView, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """An object, or a kind that can't be read, with a state, facts about it, and the objects below it."""

    kind: str
    name: str = ""
    state: str = ""
    details: tuple[str, ...] = ()
    created_at: str = ""
    uid: str = ""
    children: tuple["Node", ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As JSON; unknown values are null."""
        return {
            "kind": self.kind,
            "name": self.name or None,
            "state": self.state or None,
            "details": list(self.details),
            "createdAt": self.created_at or None,
            "children": [child.as_json() for child in self.children],
        }


Readings = Mapping[str, Reading]
_NOT_READ: Final = Reading()


def tree_of(service: ObjectView, readings: Readings) -> Node:
    """The RunaiNimService with everything below it; `readings` by kind."""
    status = mapping(service.get("status"))
    kinds = ("PersistentVolumeClaim", well_known.NIMCACHE_KIND, *ROUTE_KINDS)
    others = (node for kind in kinds for node in _nodes(kind, readings))
    children = (*_nimservices(service, readings), *others)
    return _node(well_known.KIND, service, word(status.get("phase")), children=children)


def nodes_below(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in node.children:
        yield from nodes_below(child)


def _nimservices(service: ObjectView, readings: Readings) -> Iterator[Node]:
    uid = word(mapping(service.get("metadata")).get("uid"))
    for node, obj in _with_objects(well_known.NIMSERVICE_KIND, readings):
        if obj is None:
            yield _with(node, tuple(_workloads(None, readings)))
        elif word(controller_of(obj).get("uid")) == uid:
            below = (*_workloads(node.uid, readings), *_nodes("HorizontalPodAutoscaler", readings, owner=node.uid))
            yield _with(node, below)
        else:
            yield _with(node, (), "has another owner")


def _workloads(owner: str | None, readings: Readings) -> Iterator[Node]:
    for kind in WORKLOAD_KINDS:
        for node, obj in _with_objects(kind, readings, owner=owner):
            if obj is not None and kind == "Deployment":
                yield _with(node, tuple(_replica_sets(node.uid, readings)))
            else:
                yield _with(node, tuple(_nodes("Pod", readings)))


def _replica_sets(owner: str, readings: Readings) -> Iterator[Node]:
    """ReplicaSets that have or want pods; the pods alone where ReplicaSets can't be read."""
    for node, obj in _with_objects("ReplicaSet", readings, owner=owner):
        if obj is None:
            yield node
            yield from _nodes("Pod", readings)
        elif number(mapping(obj.get("spec")).get("replicas"), 1) or number(mapping(obj.get("status")).get("replicas")):
            yield _with(node, tuple(_nodes("Pod", readings, owner=node.uid)))


def _nodes(kind: str, readings: Readings, owner: str | None = None) -> Iterator[Node]:
    yield from (node for node, _ in _with_objects(kind, readings, owner=owner))


def _with_objects(kind: str, readings: Readings, owner: str | None = None) -> Iterator[tuple[Node, ObjectView | None]]:
    """Nodes with their objects: those that `owner` controls, all without it; a node alone for what can't be read."""
    reading = readings.get(kind, _NOT_READ)
    if reading.problem:
        yield Node(kind, state=reading.problem), None
    for obj in sorted(reading.objects, key=lambda obj: word(mapping(obj.get("metadata")).get("name"))):
        if owner is None or word(controller_of(obj).get("uid")) == owner:
            state, *details = _TELL[kind](obj)
            yield _node(kind, obj, state, tuple(detail for detail in details if detail)), obj


def _node(
    kind: str, obj: ObjectView, state: str, details: tuple[str, ...] = (), *, children: tuple[Node, ...] = ()
) -> Node:
    metadata = mapping(obj.get("metadata"))
    if "deletionTimestamp" in metadata:
        details = ("terminating", *details)
    return Node(
        kind=kind,
        name=word(metadata.get("name")),
        state=state,
        details=details,
        created_at=word(metadata.get("creationTimestamp")),
        uid=word(metadata.get("uid")),
        children=children,
    )


def _with(node: Node, children: tuple[Node, ...], state: str = "") -> Node:
    return replace(node, state=state or node.state, children=children)


def _replicas(obj: ObjectView) -> Iterable[str]:
    ready = number(mapping(obj.get("status")).get("readyReplicas"))
    return (f"{ready}/{number(mapping(obj.get('spec')).get('replicas'), 1)} ready",)


def _state(obj: ObjectView) -> Iterable[str]:
    return (word(mapping(obj.get("status")).get("state")),)


def _claim(obj: ObjectView) -> Iterable[str]:
    status = mapping(obj.get("status"))
    return word(status.get("phase")), word(mapping(status.get("capacity")).get("storage"))


def _route(_: ObjectView) -> Iterable[str]:
    return ("exists",)


def _autoscaler(obj: ObjectView) -> Iterable[str]:
    spec = mapping(obj.get("spec"))
    status = mapping(obj.get("status"))
    bounds = f"{number(spec.get('minReplicas'), 1)} to {count_text(number(spec.get('maxReplicas')), 'replica')}"
    active = condition_of(status, "ScalingActive")
    return count_text(number(status.get("currentReplicas")), "replica"), bounds, word(active.get("reason"))


def _pod(obj: ObjectView) -> Iterable[str]:
    pod = ObservedPod.from_object(obj)
    spec = mapping(obj.get("spec"))
    status = mapping(obj.get("status"))
    is_ready = condition_of(status, "Ready").get("status") == "True"
    state = pod.waiting_state[0] or (pod.disruption and pod.disruption.reason) or word(status.get("phase"))
    return (
        f"{state}, ready" if is_ready else state,
        f"node {word(spec.get('nodeName')) or 'none'}",
        _gpus(obj),
        count_text(pod.restarts, "restart") if pod.restarts else "",
        f"last exit: {pod.exit_message}" if pod.exit_message else "",
    )


def _gpus(obj: ObjectView) -> str:
    """GPUs of a pod: devices by its limits, or a share by its annotations; empty where neither says it."""
    annotations = mapping(mapping(obj.get("metadata")).get("annotations"))
    containers = mappings(mapping(obj.get("spec")).get("containers"))
    limits = (mapping(mapping(container.get("resources")).get("limits")) for container in containers)
    if devices := [word(one[well_known.NVIDIA_GPU]) for one in limits if well_known.NVIDIA_GPU in one]:
        return f"GPU {'+'.join(devices)}"
    if memory := word(annotations.get(well_known.GPU_MEMORY)):
        return f"GPU {memory}Mi"
    fraction = word(annotations.get(well_known.GPU_FRACTION))
    return f"GPU {fraction}" if fraction else ""


_TELL: Final = {
    well_known.NIMSERVICE_KIND: _state,
    well_known.NIMCACHE_KIND: _state,
    "Deployment": _replicas,
    well_known.LWS_KIND: _replicas,
    "ReplicaSet": _replicas,
    "Pod": _pod,
    "PersistentVolumeClaim": _claim,
    "HorizontalPodAutoscaler": _autoscaler,
    **dict.fromkeys(ROUTE_KINDS, _route),
}


def do_next(service: ObjectView) -> str:
    """Ready's message, which says what to do; that there is none, without a status."""
    return (
        text(condition_of(mapping(service.get("status")), "Ready").get("message"))
        or "the operator has written no status"
    )
