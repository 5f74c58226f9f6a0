"""What each generation of schedulers admits of a pod with a GPU share, from their documentation and code.

Written from descriptions of Run:ai 2.x, Run:ai 3.0 and KAI, and independent of the operator's own rules, which these
check. Nothing of `runai_nim` is imported here.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

GENERATIONS = ("annotations", "shorthand", "nvfractions")
DIALECTS = ("runai", "kai")
MEBIBYTE = 2**20
_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_UNITS |= {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E)")
_OF_CONTAINER = re.compile(r"(nvidia\.com|kai\.scheduler)/container\.(?P<container>.+?)\.(?P<what>gpu-[a-z.-]+)")
_REQUESTS = ("gpu-fraction", "gpu-memory", "gpu-fraction-num-devices", "gpu-fraction-container-name")
_LIMITS = {"annotations": (), "shorthand": ("gpu-fraction.limit", "gpu-memory.limit")}
_LIMITS["nvfractions"] = _LIMITS["shorthand"]


def violations(generation: str, dialect: str, nimservice: Mapping[str, Any]) -> list[str]:
    """What the admission refuses, or ignores, of the pods of a NIMService."""
    annotations: Mapping[str, str] = nimservice["spec"].get("annotations") or {}
    ours = {key: value for key, value in annotations.items() if _is_of_gpus(key)}
    container = f"{nimservice['metadata']['name']}-ctr"
    found = [*_unknown_keys(generation, dialect, ours), *_requests(ours, container)]
    if {"gpu-fraction", "gpu-memory"} & ours.keys():
        found += ["nvidia.com/gpu beside a share" for bound in _resources(nimservice) if "nvidia.com/gpu" in bound]
    elif ours:
        found.append(f"{sorted(ours)} without a request")
    found += _portion_limits(ours)
    found += _memory_limits(ours)
    if generation == "nvfractions":
        found += _containers(ours, container)
    return found


def has_limit(generation: str, nimservice: Mapping[str, Any]) -> bool:
    """Whether a limit is there that the scheduler of this generation reads."""
    keys = set(nimservice["spec"].get("annotations") or {})
    if generation == "annotations":
        return "gpu-fraction-limit" in keys
    limited = {match["what"] for key in keys if (match := _OF_CONTAINER.fullmatch(key))}
    of_containers = bool(limited & {"gpu-memory.limit", "gpu-memory.portion.limit"})
    return of_containers if generation == "nvfractions" else bool(keys & set(_LIMITS["shorthand"]))


def _is_of_gpus(key: str) -> bool:
    return key.startswith(("gpu-", "nvidia.com/", "kai.scheduler/container."))


def _resources(nimservice: Mapping[str, Any]) -> list[Mapping[str, str]]:
    resources: Mapping[str, Mapping[str, str]] = nimservice["spec"].get("resources") or {}
    return list(resources.values())


def _unknown_keys(generation: str, dialect: str, ours: Mapping[str, str]) -> Iterator[str]:
    known = {*_REQUESTS, *_LIMITS[generation]}
    if (generation, dialect) == ("annotations", "runai"):
        known.add("gpu-fraction-limit")  # Run:ai 2.x documents it
    for key in ours.keys() - known:
        if generation != "nvfractions" or not _OF_CONTAINER.fullmatch(key):
            yield f"nobody reads {key}"


def _requests(ours: Mapping[str, str], container: str) -> Iterator[str]:
    fraction, memory = ours.get("gpu-fraction"), ours.get("gpu-memory")
    if fraction is not None and memory is not None:
        yield "both gpu-fraction and gpu-memory"
    if fraction is not None and not 0 < Decimal(fraction) < 1:
        yield f"gpu-fraction {fraction}"
    if memory is not None and not (memory.isdecimal() and int(memory) > 0):
        yield f"gpu-memory {memory}"
    if ours.get("gpu-fraction-container-name", container) != container:
        yield "the container's name"
    devices = ours.get("gpu-fraction-num-devices", "1")
    if not (devices.isdecimal() and int(devices) > 0):
        yield f"gpu-fraction-num-devices {devices}"


def _portion_limits(ours: Mapping[str, str]) -> Iterator[str]:
    for key, limit in ours.items():
        if key != "gpu-fraction.limit" and not key.endswith(".gpu-memory.portion.limit"):
            continue
        if "gpu-fraction" not in ours:
            yield f"{key} without gpu-fraction"
        elif not Decimal(ours["gpu-fraction"]) < Decimal(limit) < 1:
            yield f"{key} {limit} is not between the request and 1"
        if len(limit.partition(".")[2]) > 5:
            yield f"{key} {limit} has more than five decimals"


def _memory_limits(ours: Mapping[str, str]) -> Iterator[str]:
    for key, limit in ours.items():
        if key != "gpu-memory.limit" and not (key.endswith(".gpu-memory.limit")):
            continue
        quantity = _QUANTITY.fullmatch(limit)
        if quantity is None:
            yield f"{key} {limit} has no unit"
        elif "gpu-memory" not in ours:
            yield f"{key} without gpu-memory"
        elif Decimal(quantity[1]) * _UNITS[quantity[2]] <= int(ours["gpu-memory"]) * MEBIBYTE:
            yield f"{key} {limit} says nothing beside {ours['gpu-memory']} MiB"


def _containers(ours: Mapping[str, str], container: str) -> Iterator[str]:
    if {"gpu-fraction", "gpu-memory"} & ours.keys():
        # The webhook copies the request there.
        yield from _too_long(f"nvidia.com/container.{container}.gpu-memory.request")
    for key, value in ours.items():
        named = _OF_CONTAINER.fullmatch(key)
        if named is None:
            continue
        yield from _too_long(key)
        if named["container"] != container:
            yield f"{key} of another container"
        if named["what"] == "gpu-compute.mode" and value not in ("time-slicing", "sm-sharing"):
            yield f"{key} {value}"
        if named["what"] == "gpu-memory.limit" and ours.get("gpu-memory.limit") != value:
            yield f"{key} beside gpu-memory, and gpu-memory.limit doesn't say the same"


def _too_long(key: str) -> Iterator[str]:
    if len(key.partition("/")[2]) > 63:
        yield f"{key} is too long"
