"""Resources that a pod requests, in the terms of Run:ai's API. A GPU share is in annotations, as settings name them."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, Literal

from runai_nim.api import gpu_share_keys, well_known
from runai_nim.api.quantity import Quantity, QuantityError, parse
from runai_nim.api.resources import ObjectView
from runai_nim.api.short_numbers import json_number
from runai_nim.api.untrusted_values import mapping, mappings, word
from runai_nim.config.settings import Settings

_NUMBER: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
_NANOS: Final = 10**9
_PLACED_PHASES: Final = ("Pending", "Running")
Bound = Literal["requests", "limits"]


def requested_resources(pod: ObjectView, settings: Settings) -> dict[str, Any]:
    """`requestedResources`: the sum over the containers. A limit is left out if a container has none."""
    containers = mappings(mapping(pod.get("spec")).get("containers"))
    fields = {
        **_gpu(pod, containers, settings),
        "cpu": _bounds(_cores(_sum(containers, bound, "cpu")) for bound in _BOUNDS),
        "cpuMemory": _bounds(_text(_sum(containers, bound, "memory")) for bound in _BOUNDS),
    }
    return {name: value for name, value in fields.items() if value}


def allocated_resources(pod: ObjectView, requested: ObjectView) -> dict[str, Any]:
    """`allocatedResources`: what a pod requests is reserved for it while it has a node; empty without one."""
    phase = word(mapping(pod.get("status")).get("phase"))
    if not mapping(pod.get("spec")).get("nodeName") or phase not in _PLACED_PHASES:
        return {}
    names = ("gpu", "gpuMemory", "cpu", "cpuMemory")
    return {name: bounds["request"] for name in names if "request" in (bounds := mapping(requested.get(name)))}


_BOUNDS: Final[tuple[Bound, Bound]] = ("requests", "limits")


def _gpu(pod: ObjectView, containers: list[ObjectView], settings: Settings) -> dict[str, Any]:
    annotations = mapping(mapping(pod.get("metadata")).get("annotations"))
    container = word(annotations.get(settings.gpu_container_annotation))

    def limit(key: str | None) -> str:
        return word(annotations.get(gpu_share_keys.with_container(key, container))) if key else ""

    if portion := _number(word(annotations.get(settings.gpu_fraction_annotation))):
        devices = _number(word(annotations.get(settings.gpu_devices_annotation))) or 1
        of_limit = _number(limit(settings.gpu_fraction_limit_annotation))
        amounts = (json_number(one * devices) if one else None for one in (portion, of_limit))
        return {"gpuRequestType": "portion", "gpu": _bounds(amounts)}
    if memory := _memory(word(annotations.get(settings.gpu_memory_annotation))):
        return {
            "gpuRequestType": "memory",
            "gpuMemory": _bounds((memory, _memory(limit(settings.gpu_memory_limit_annotation)))),
        }
    # A device is a limit, and the request is the same.
    devices_limit = _cores(_sum(containers, "limits", well_known.NVIDIA_GPU, of_all=False))
    return {"gpu": _bounds((devices_limit, devices_limit))}


def _bounds(amounts: Iterable[Any]) -> dict[str, Any]:
    """`request` and `limit`, as far as there are any."""
    return {name: amount for name, amount in zip(("request", "limit"), amounts, strict=True) if amount is not None}


def _sum(containers: list[ObjectView], bound: Bound, resource: str, *, of_all: bool = True) -> Quantity | None:
    """The sum; None without any, and if a container has no limit unless `of_all` is false."""
    found = [_quantity(mapping(mapping(one.get("resources")).get(bound)).get(resource)) for one in containers]
    known = [quantity for quantity in found if quantity is not None]
    if not known or (of_all and bound == "limits" and len(known) < len(found)):
        return None
    return Quantity(sum(quantity.nanos for quantity in known), binary=known[0].binary)


def _quantity(value: Any) -> Quantity | None:
    try:
        return parse(word(value))
    except QuantityError:
        return None


def _cores(quantity: Quantity | None) -> float | None:
    return None if quantity is None else json_number(Decimal(quantity.nanos) / _NANOS)


def _text(quantity: Quantity | None) -> str | None:
    return None if quantity is None else str(quantity)


def _number(value: str) -> Decimal | None:
    return Decimal(value) if _NUMBER.fullmatch(value) else None


def _memory(value: str) -> str | None:
    """A quantity of GPU memory; a number alone is MiB, as the schedulers read it."""
    value = f"{value}Mi" if value.isdecimal() else value
    return _text(_quantity(value))
