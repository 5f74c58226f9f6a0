"""Pods and resources that a spec requests, in the terms of Run:ai's workloads. Specs and statuses are untrusted."""

import re
from typing import Any, Final

from runai_nim.api import desired_phase, quantity
from runai_nim.api.resources import KubeObject, ObjectView
from runai_nim.api.short_numbers import json_number
from runai_nim.api.untrusted_values import mapping, number, word

_MOST: Final = 10**5
"""Pods, devices and cores beyond it count as absent: no cluster has them, and sums must stay exact in JSON."""
_GPUS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


def group_size(spec: ObjectView) -> int:
    """Pods of a replica: leader and workers of a multi-node NIM, else one."""
    return 1 + _count(mapping(spec.get("multiNode")).get("workers"), 0)


def requested_pods(spec: ObjectView) -> KubeObject:
    """`number` of pods, or with autoscaling `min` and `max`."""
    scaling = mapping(spec.get("autoscaling"))
    if not scaling or desired_phase.is_stopped(spec):
        return {"number": _fixed_pods(spec)}
    least = _count(scaling.get("minReplicas"), 1)
    return {"min": least, "max": max(_count(scaling.get("maxReplicas"), 1), least)}


def wanted_pods(spec: ObjectView, status: ObjectView) -> int:
    """The number of pods at the moment: with autoscaling that of the status."""
    wanted = requested_pods(spec)
    return int(wanted["number"] if "number" in wanted else _count(status.get("replicas"), wanted["min"]))


def ready_pods(spec: ObjectView, status: ObjectView) -> int:
    """Pods of the replicas that are ready."""
    return _count(status.get("readyReplicas"), 0) * group_size(spec)


def requested_resources(spec: ObjectView, pods: int = 1) -> KubeObject:
    """`gpu`, `gpuMemory`, `cpu` and `cpuMemory` of so many pods, each with `request` and `limit` if they are given."""
    compute = mapping(spec.get("compute"))
    kind = word(compute.get("gpuRequestType"))
    found = {
        "gpu": _gpus(compute, kind, pods),
        "gpuMemory": _bounds(_bytes, compute, "gpuMemory", pods) if kind == "memory" else {},
        "cpu": _bounds(_cores, compute, "cpuCore", pods),
        "cpuMemory": _bounds(_bytes, compute, "cpuMemory", pods),
    }
    given = {"gpuRequestType": kind} if kind in ("portion", "memory") else {}
    return given | {resource: bounds for resource, bounds in found.items() if bounds}


def allocated_resources(status: ObjectView) -> KubeObject:
    """`gpu` or `gpuMemory` of the pods that have a node, by the status; empty without."""
    text = word(status.get("gpusInUse"))
    if _GPUS.fullmatch(text):
        return {"gpu": json_number(float(text))}
    memory = quantity.bytes_or_none(text)
    return {} if memory is None else {"gpuMemory": str(memory)}


def _fixed_pods(spec: ObjectView) -> int:
    return 0 if desired_phase.is_stopped(spec) else _count(spec.get("replicas"), 1) * group_size(spec)


def _gpus(compute: ObjectView, kind: str, pods: int) -> KubeObject:
    """Devices, and portions of devices."""
    if kind == "portion":
        devices = max(_count(compute.get("gpuDevicesRequest"), 1), 1)
        return _bounds(_cores, compute, "gpuPortion", devices * pods)
    devices = _count(compute.get("gpuDevicesRequest"), -1)
    return {} if kind or devices < 0 else {"request": devices * pods, "limit": devices * pods}


def _bounds(read: Any, compute: ObjectView, field: str, times: int) -> KubeObject:
    found = {bound.lower(): read(compute.get(f"{field}{bound}"), times) for bound in ("Request", "Limit")}
    return {bound: value for bound, value in found.items() if value is not None}


def _cores(value: Any, times: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        return None
    return json_number(round(value * times, 9))


def _bytes(value: Any, times: int) -> str | None:
    found = quantity.bytes_or_none(word(value))
    return None if found is None else str(quantity.Quantity(found.nanos * times, found.binary))


def _count(value: Any, default: int) -> int:
    found = number(value, default)
    return found if 0 <= found <= _MOST else default
