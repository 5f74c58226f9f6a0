"""Pods that have a node and are not started: volumes that can't be mounted, sandboxes that can't be made."""

import re
from collections.abc import Sequence
from typing import Final

from runai_nim.domain.observed import NotStarted, ObservedEvent
from runai_nim.domain.status.deadlines import Deadlines, seconds_left
from runai_nim.domain.status.event_queries import START_SECONDS

SILENT_START_SECONDS: Final = 120.0
"""How long a pod may wait before that is a problem although no event names one: attaching a volume takes a while."""
START_LIMITS: Final = (START_SECONDS, SILENT_START_SECONDS)
_EVENTS_TOLD: Final = 2
_OF_SCHEDULERS: Final = frozenset({"FailedScheduling", "Unschedulable", "NotTriggerScaleUp"})
"""Reasons of events from before the pod had its node."""

_REMEDIES: Final = (
    (
        r"Multi-Attach",
        "the volume is attached to another node, and its access mode allows one: wait until the pod there is gone, or"
        " use a claim with accessModes.readWriteMany",
    ),
    (
        r'(secret|configmap) "[^"]*" not found|references non-existent (secret|config) key',
        "create what is missing in this namespace; the pod then starts by itself",
    ),
    (
        r"no runtime for|(?i:runtime ?handler)|unknown runtime",
        "the node's container runtime doesn't know this runtime class: install the NVIDIA container toolkit there (GPU"
        " Operator)",
    ),
    (r"FailedCreatePodSandBox|NetworkNotReady", "see the network plugin and the container runtime of the node"),
    (r"Failed(Mount|AttachVolume|MapVolume)", "see the claim, its volume, and the storage driver of the node"),
)
"""Patterns of `reason: message`, and the remedy of each. The first match decides."""


def start_message(name: str, waiting: NotStarted, events: Sequence[ObservedEvent], deadlines: Deadlines) -> str:
    """What keeps the pod `name` from starting; empty while it has waited no longer than usual."""
    if seconds_left(waiting.since, START_SECONDS, deadlines.now) > 0:
        return ""
    told = [f"{one.reason}: {one.message}" for one in events if one.reason not in _OF_SCHEDULERS][:_EVENTS_TOLD]
    place = f"pod {name} has node {waiting.node}" if waiting.node else f"pod {name} has a node"
    see = f"see kubectl describe pod {name}"
    if told:
        said = "; ".join(told)
        remedy = next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, said)), see)
        return f"{place} and is not started: {said}; {remedy}"
    if seconds_left(waiting.since, SILENT_START_SECONDS, deadlines.now) > 0:
        return ""
    seconds = f"{SILENT_START_SECONDS:g} s"
    return f"{place} and is not started for more than {seconds}: its volumes or its network are not ready; {see}"
