"""The stand-in's options for one NIMService, from annotations; the package's docstring lists them."""

import math
from dataclasses import dataclass, replace
from typing import Any

PREFIX = "stand-in.runai-nim.io/"


@dataclass(frozen=True)
class Knobs:
    """Options. Delays are in seconds (`delay_probes`: their maximum), `fail` is a message, empty without a failure."""

    delay_service: float = 0
    delay_deployment: float = 0
    delay_ready: float = 0
    delay_probes: float = math.inf
    fail: str = ""
    never_act: bool = False
    write_twice: bool = False


def knobs_of(nim: dict[str, Any], defaults: Knobs) -> Knobs:
    """The defaults with the annotations of the NIMService, which take precedence over those in its spec.

    A malformed value is ignored: a typing error in a demo must not stop the stand-in.
    """
    annotations = {**nim["spec"].get("annotations", {}), **nim["metadata"].get("annotations", {})}
    changes: dict[str, Any] = {}
    for name in ("delay_service", "delay_deployment", "delay_ready", "delay_probes"):
        seconds = _seconds(annotations.get(PREFIX + name.replace("_", "-"), ""))
        if seconds is not None:
            changes[name] = seconds
    if PREFIX + "fail" in annotations:
        changes["fail"] = annotations[PREFIX + "fail"]
    if PREFIX + "never-act" in annotations:
        changes["never_act"] = annotations[PREFIX + "never-act"] == "true"
    if PREFIX + "write-twice" in annotations:
        changes["write_twice"] = annotations[PREFIX + "write-twice"] == "true"
    return replace(defaults, **changes)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
