"""NIMService → spec.compute: resources, and the annotations of GPU shares of every generation."""

import re
from typing import Any, Final

from runai_nim.api import gpu_share_keys, quantity, well_known
from runai_nim.domain.importing.rows import BackwardRow, ImportSource, set_fields, spec_fragment
from runai_nim.domain.translate.rules import Fragment

_NANO: Final = 10**9
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_PORTION: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?")
_BOUNDS: Final = {"requests": "Request", "limits": "Limit"}


def _resources_fragment(source: ImportSource) -> Fragment:
    fields: dict[str, Any] = {}
    for bound, suffix in _BOUNDS.items():
        place = ("resources", bound)
        if (cores := _cores(source.peek(*place, "cpu"))) is not None:
            source.remainder.drop("spec", *place, "cpu")
            fields[f"cpuCore{suffix}"] = cores
        memory = source.take(str, *place, "memory") or source.take(int, *place, "memory")
        if memory is not None:
            fields[f"cpuMemory{suffix}"] = str(memory)
    return spec_fragment(compute=fields)


def _cores(value: Any) -> int | float | None:
    """`500m` is 0.5; None for what is no quantity."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        nanos = quantity.parse(str(value)).nanos
    except quantity.QuantityError:
        return None
    return nanos / _NANO if nanos % _NANO else nanos // _NANO


def _gpu_fragment(source: ImportSource) -> Fragment:
    """A share by portion or by memory, or whole devices. A hand-written NIMService may have them in limits alone."""
    fields = _portion(source) or _memory(source) or _devices(source)
    if "gpuRequestType" in fields and (mode := source.take_annotation("gpu_compute_mode_annotation")):
        fields["gpuComputeMode"] = mode[1]
    return spec_fragment(compute=fields)


def _portion(source: ImportSource) -> dict[str, Any]:
    request = _number(source.take_annotation("gpu_fraction_annotation"))
    if request is None:
        return {}
    devices = _number(source.take_annotation("gpu_devices_annotation"))
    limit = _number(source.take_annotation("gpu_fraction_limit_annotation"))
    return set_fields(
        gpuDevicesRequest=devices, gpuRequestType="portion", gpuPortionRequest=request, gpuPortionLimit=limit
    )


def _number(found: tuple[str, str] | None) -> Any:
    """The number in an annotation. Other text is kept: the field's own rule rejects it, with the value."""
    if found is None:
        return None
    text = found[1]
    if _COUNT.fullmatch(text):
        return int(text)
    return float(text) if _PORTION.fullmatch(text) else text


def _memory(source: ImportSource) -> dict[str, Any]:
    request = source.take_annotation("gpu_memory_annotation")
    if request is None:
        return {}
    limit = source.take_annotation("gpu_memory_limit_annotation")
    return set_fields(
        gpuRequestType="memory",
        gpuMemoryRequest=f"{request[1]}Mi",
        gpuMemoryLimit=limit and _memory_limit(source, key=limit[0], text=limit[1]),
    )


def _memory_limit(source: ImportSource, *, key: str, text: str) -> str:
    """A quantity under the keys of newer schedulers, MiB under any other."""
    is_quantity = source.settings.limits_are_bounded(key) or gpu_share_keys.MEMORY_LIMIT in key
    return text if is_quantity else f"{text}Mi"


def _devices(source: ImportSource) -> dict[str, Any]:
    values = [source.peek("resources", bound, well_known.NVIDIA_GPU) for bound in _BOUNDS]
    counts = {str(value) for value in values if value is not None}
    count = counts.pop() if len(counts) == 1 else ""
    if not _COUNT.fullmatch(count):
        return {}
    for bound in _BOUNDS:
        source.remainder.drop("spec", "resources", bound, well_known.NVIDIA_GPU)
    return {"gpuDevicesRequest": int(count)}


ROWS: Final = (
    BackwardRow(
        (
            "spec.compute.cpuCoreRequest",
            "spec.compute.cpuCoreLimit",
            "spec.compute.cpuMemoryRequest",
            "spec.compute.cpuMemoryLimit",
        ),
        _resources_fragment,
    ),
    BackwardRow(
        (
            "spec.compute.gpuDevicesRequest",
            "spec.compute.gpuRequestType",
            "spec.compute.gpuPortionRequest",
            "spec.compute.gpuPortionLimit",
            "spec.compute.gpuMemoryRequest",
            "spec.compute.gpuMemoryLimit",
            "spec.compute.gpuComputeMode",
        ),
        _gpu_fragment,
    ),
)
