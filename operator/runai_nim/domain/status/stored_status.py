"""What the stored status says about the time before: whether the service ran, and with how many ready replicas."""

from collections.abc import Mapping
from typing import Any, Final

from runai_nim.api.untrusted_values import mappings, number, word

_RUNNING_PHASES: Final = frozenset({"Running", "Updating", "Degraded"})
"""Phases after which a service that doesn't run is updating or degraded instead of being created."""
_PHASES_WITHOUT_LOSS: Final = frozenset({"Running", "Updating"})
"""Phases in which no replica is missing that was ready before."""
_OTHER_PHASES: Final = frozenset({"Unknown", "Pending", "Failed"})
"""Phases that a service can have whether it ran before or not."""


def was_running(before: Mapping[str, Any]) -> bool:
    """Whether the service ran before, by its stored status.

    Where the phase doesn't tell, Ready does: all conditions have the same time at first, so if Ready has changed since,
    the service was ready once.
    """
    if before.get("phase") not in _OTHER_PHASES:
        return before.get("phase") in _RUNNING_PHASES
    since = {word(c.get("type")): word(c.get("lastTransitionTime")) for c in mappings(before.get("conditions"))}
    return since.get("Ready", "") > min(since.values(), default="")


def ready_before(before: Mapping[str, Any]) -> int | None:
    """Ready replicas in the stored status.

    None without one, and if replicas may be missing already: a lost replica stays missing in the next status, whatever
    its pod says. A rejected spec (Stalled) takes none away.
    """
    is_stalled = any(condition.get("type") == "Stalled" for condition in mappings(before.get("conditions")))
    counts = is_stalled or before.get("phase") in _PHASES_WITHOUT_LOSS
    return number(before["readyReplicas"]) if counts and "readyReplicas" in before else None
