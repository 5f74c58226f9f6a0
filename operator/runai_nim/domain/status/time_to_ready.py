"""How long a service took to become Running, by times in its status, which survive a restart of the operator."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from runai_nim.domain.status.condition import conditions_by_type


@dataclass(frozen=True, slots=True)
class TimeToReady:
    """`seconds` from creation, or from the change that made it not ready, until it was Running."""

    since: Literal["creation", "change"]
    seconds: float


def time_to_ready(before: Mapping[str, Any], after: Mapping[str, Any]) -> TimeToReady | None:
    """The duration, if `after`, the resource with its new status, has just become Running; else None.

    It starts at the creation for a service that was never ready, otherwise when Ready became False: its spec was
    changed, it was started again, or pods were lost. After a rejected spec it starts at the correction, since the time
    before is the user's. None also for times that Python can't represent, such as the year 0.
    """
    try:
        return _waited(before, after)
    except (KeyError, TypeError, ValueError):
        return None


def _waited(before: Mapping[str, Any], after: Mapping[str, Any]) -> TimeToReady | None:
    then = conditions_by_type(before.get("status") or {})
    now = conditions_by_type(after["status"])
    if after["status"].get("phase") != "Running" or then.get("Ready", {}).get("status") == "True":
        return None
    created = datetime.fromisoformat(after["metadata"]["creationTimestamp"])
    lost = _since(then["Ready"]) if "Ready" in then else created
    mended = _since(now["Translated"])
    until = _since(now["Ready"])
    if then and mended > lost:
        return TimeToReady("change", (until - mended).total_seconds())
    # The first status dates every condition: if one is older than Ready's, the service was ready before.
    if all(_since(condition) >= lost for condition in then.values()):
        return TimeToReady("creation", (until - created).total_seconds())
    return TimeToReady("change", (until - lost).total_seconds())


def _since(condition: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(condition["lastTransitionTime"])
