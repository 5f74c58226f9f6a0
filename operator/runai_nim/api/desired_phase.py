"""Stop and start a RunaiNimService: the fields of its spec that say so, for the command line and the REST API alike."""

from collections.abc import Mapping
from typing import Any

STOPPED = "Stopped"
RUNNING = "Running"


def is_stopped(spec: Mapping[str, Any]) -> bool:
    """Whether the user wants no pods: desiredPhase: Stopped, or replicas: 0, as `kubectl scale` sets it."""
    return bool(spec.get("desiredPhase") == STOPPED or spec.get("replicas") == 0)


def stop(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the spec that stop it; replicas and autoscaling stay for the next start."""
    return {} if is_stopped(spec) else {"desiredPhase": STOPPED}


def start(spec: Mapping[str, Any], replicas: int | None = None) -> dict[str, Any]:
    """The fields of the spec that start it, however it was stopped; with that number of replicas, if given.

    Where `replicas: 0` stopped it, the number before is unknown, and it starts with one.
    """
    changes: dict[str, Any] = {"desiredPhase": RUNNING} if spec.get("desiredPhase") == STOPPED else {}
    if replicas is None and spec.get("replicas") == 0:
        replicas = 1
    return changes if replicas is None else changes | {"replicas": replicas}
