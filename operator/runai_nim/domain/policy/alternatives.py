"""Where a default does not apply, because the resource chose the alternative.

A default never contradicts what a resource says: a default for the claim does not concern a resource with a NIMCache.
Fields of an optional block don't switch it on: a default for autoscaling.scaleWindowSeconds concerns resources that
autoscale, and all of them only if there is a default for autoscaling.metric, too.
"""

from collections.abc import Mapping
from typing import Any, Final

from runai_nim.domain.policy.values import get

Steps = tuple[str, ...]


def steps_of(path: str) -> Steps:
    """The keys of a path."""
    return tuple(path.split("."))


BLOCKS: Final[Mapping[str, tuple[frozenset[str], tuple[str, ...]]]] = {
    "modelStore.nimCache": (frozenset({"modelStore.nimCache.name"}), ("modelStore.pvc",)),
    "modelStore.pvc": (
        frozenset({"modelStore.pvc.claimInfo.size", "modelStore.pvc.claimName"}),
        ("modelStore.nimCache",),
    ),
    "multiNode": (frozenset({"multiNode.workers"}), ("autoscaling",)),
    "autoscaling": (frozenset({"autoscaling.metric"}), ("multiNode", "replicas")),
    "replicas": (frozenset({"replicas"}), ("autoscaling",)),
    "autoscaling.metricThreshold": (
        frozenset({"autoscaling.metricThreshold"}),
        ("autoscaling.metricThresholdQuantity",),
    ),
    "autoscaling.metricThresholdQuantity": (
        frozenset({"autoscaling.metricThresholdQuantity"}),
        ("autoscaling.metricThreshold",),
    ),
}
"""Optional blocks: the fields whose default switches the block on, and the blocks that exclude it."""
BLOCK_STEPS: Final = {block: steps_of(block) for block in BLOCKS}
_CONDITIONS: Final[Mapping[str, tuple[str, Any]]] = {
    "compute.gpuPortionRequest": ("compute.gpuRequestType", "memory"),
    "compute.gpuPortionLimit": ("compute.gpuRequestType", "memory"),
    "compute.gpuMemoryRequest": ("compute.gpuRequestType", "portion"),
    "compute.gpuMemoryLimit": ("compute.gpuRequestType", "portion"),
    "modelStore.pvc.claimInfo": ("modelStore.pvc.existingPvc", True),
}
"""Fields without default where another field has this value."""
DECIDING: Final = frozenset(field for field, _ in _CONDITIONS.values())
"""Fields whose defaults apply before those of others."""
IMPLIED_BY: Final[Mapping[str, str]] = {"autoscaling.maxReplicas": "autoscaling.minReplicas"}
"""Fields that have another field's value while nobody sets them: a bound would have nothing to hold for."""
ITEM_CONDITIONS: Final[Mapping[str, tuple[str, tuple[Any, ...]]]] = {
    "value": ("operator", ("Equal", None)),
    "seconds": ("effect", ("NoExecute",)),
}
"""Attributes of a toleration that have a default only where another attribute has one of these values."""


def is_filled(attribute: str, item: Mapping[str, Any]) -> bool:
    """Whether a default for an attribute fills this item, which leaves it out."""
    if item.get(attribute) is not None:
        return False
    if attribute not in ITEM_CONDITIONS:
        return True
    other, values = ITEM_CONDITIONS[attribute]
    return item.get(other) in values


def blocks_around(path: str) -> tuple[str, ...]:
    """The optional blocks that contain the field."""
    return tuple(block for block in BLOCKS if path == block or path.startswith(f"{block}."))


def condition_of(path: str) -> tuple[Steps, Any] | None:
    """The field, and its value, with which this one has no default."""
    for field, (other, value) in _CONDITIONS.items():
        if path == field or path.startswith(f"{field}."):
            return steps_of(other), value
    return None


def active_blocks(spec: Any, activators: tuple[str, ...]) -> frozenset[str]:
    """The blocks that the spec has, and those that a default switches on. `activators`: the narrowest scope first."""
    active = {block for block, steps in BLOCK_STEPS.items() if get(spec, steps) is not None}
    for block in activators:
        if active.isdisjoint(BLOCKS[block][1]):
            active.add(block)
    return frozenset(active)
