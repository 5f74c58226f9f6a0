"""spec.compute → NIMService resources and the GPU annotations of Run:ai and KAI. Expects a valid spec.

A GPU share is an annotation without any nvidia.com/gpu key: KAI's admission rejects both together, even with the value
0. An empty map of resources is omitted: the NIM Operator's first write drops it, and it would always look changed.
"""

from decimal import Decimal
from typing import Literal

from runai_nim.api import quantity, well_known
from runai_nim.api.v1alpha1 import Compute
from runai_nim.domain import names
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource, pod_annotation_fragment

Bound = Literal["requests", "limits"]


def whole_gpus(compute: Compute) -> int | None:
    """The value of nvidia.com/gpu; None leaves the key out. A portion of 1 is a whole device, a portion of 0 none."""
    if compute.gpu_request_type is None:
        return compute.gpu_devices_request
    if compute.gpu_portion_request == 0:
        return 0
    if compute.gpu_portion_request == 1:
        return compute.gpu_devices_request or 1
    return None


def is_gpu_fraction(compute: Compute) -> bool:
    """Whether the spec requests a GPU share, by portion or by memory."""
    return compute.gpu_request_type is not None and whole_gpus(compute) is None


def gpu_text(compute: Compute) -> str:
    """The GPU column: `2`, `0.5`, `2x0.5` for half of two devices, `20Gi`; empty without a request."""
    whole = whole_gpus(compute)
    if whole is not None:
        return str(whole)
    if compute.gpu_memory_request is not None:
        memory = quantity.parse_bytes(compute.gpu_memory_request)
        # Without a unit it would read as a number of devices.
        return f"{quantity.mebibytes(memory)}Mi" if str(memory).isdecimal() else str(memory)
    if compute.gpu_portion_request is not None:
        devices = compute.gpu_devices_request or 1
        return f"{devices}x" * (devices > 1) + _decimal_text(compute.gpu_portion_request)
    return ""


def _amount(bound: Bound, resource: str, amount: str) -> Fragment:
    return {"spec": {"resources": {bound: {resource: amount}}}}


def _cores(bound: Bound, cores: Decimal | None) -> Fragment:
    return {} if cores is None else _amount(bound, "cpu", quantity.cpu_text(cores))


def _memory(bound: Bound, memory: str | None) -> Fragment:
    return {} if memory is None else _amount(bound, "memory", str(quantity.parse_bytes(memory)))


def _gpus(count: int) -> Fragment:
    amounts = {well_known.NVIDIA_GPU: str(count)}
    return {"spec": {"resources": {"requests": amounts, "limits": amounts}}}


def _devices_fragment(source: TranslationSource) -> Fragment:
    compute = source.compute
    devices = source.compute.gpu_devices_request
    if devices is None:
        return {}
    if compute.gpu_request_type is None:
        return _gpus(devices)
    several = compute.gpu_portion_request is not None and is_gpu_fraction(compute) and devices > 1
    return pod_annotation_fragment(source.settings.gpu_devices_annotation, str(devices)) if several else {}


def _portion_fragment(source: TranslationSource) -> Fragment:
    compute = source.compute
    portion = source.compute.gpu_portion_request
    if portion is None:
        return {}
    whole = whole_gpus(compute)
    if whole is not None:
        return _gpus(whole)
    return pod_annotation_fragment(source.settings.gpu_fraction_annotation, _decimal_text(portion))


def _portion_limit_fragment(source: TranslationSource) -> Fragment:
    limit = source.compute.gpu_portion_limit
    if limit is None or limit == source.compute.gpu_portion_request or not is_gpu_fraction(source.compute):
        return {}
    return pod_annotation_fragment(source.settings.gpu_fraction_limit_annotation, _decimal_text(limit))


def _type_fragment(source: TranslationSource) -> Fragment:
    if not is_gpu_fraction(source.compute):
        return {}
    return pod_annotation_fragment(source.settings.gpu_container_annotation, names.container_name(source.name))


def _gpu_memory(key: str | None, memory: str | None) -> Fragment:
    return {} if memory is None else pod_annotation_fragment(key, str(quantity.mebibytes(quantity.parse_bytes(memory))))


def _memory_limit_fragment(source: TranslationSource) -> Fragment:
    request, limit = source.compute.gpu_memory_request, source.compute.gpu_memory_limit
    if request is None or limit is None or quantity.parse_bytes(request).nanos == quantity.parse_bytes(limit).nanos:
        return {}
    return _gpu_memory(source.settings.gpu_memory_limit_annotation, limit)


def _decimal_text(portion: Decimal) -> str:
    return format(portion.normalize(), "f")


ROWS = (
    MappingRow(
        "spec.compute.cpuCoreRequest",
        "`spec.resources.requests.cpu`, exactly: 0.5 is `500m`, 2 is `2`",
        lambda s: _cores("requests", s.compute.cpu_core_request),
    ),
    MappingRow(
        "spec.compute.cpuMemoryRequest",
        "`spec.resources.requests.memory`; `10GB` is `10G`, `1TiB` is `1Ti`",
        lambda s: _memory("requests", s.compute.cpu_memory_request),
    ),
    MappingRow(
        "spec.compute.cpuCoreLimit",
        "`spec.resources.limits.cpu`",
        lambda s: _cores("limits", s.compute.cpu_core_limit),
    ),
    MappingRow(
        "spec.compute.cpuMemoryLimit",
        "`spec.resources.limits.memory`",
        lambda s: _memory("limits", s.compute.cpu_memory_limit),
    ),
    MappingRow(
        "spec.compute.gpuDevicesRequest",
        "without gpuRequestType `nvidia.com/gpu` in `spec.resources.requests` and `limits`; with a portion of several"
        " devices the pod annotation `gpu-fraction-num-devices`",
        _devices_fragment,
        "0 is also written, because it prevents the NIM Operator from adding GPUs for a profile.",
    ),
    MappingRow(
        "spec.compute.gpuRequestType",
        "with a GPU share the pod annotation `gpu-fraction-container-name`",
        _type_fragment,
        "Without the container's name the scheduler takes container 0, and an injected container may be first.",
    ),
    MappingRow(
        "spec.compute.gpuPortionRequest",
        "between 0 and 1 the pod annotation `gpu-fraction`; 1 is whole GPUs and 0 none, as `nvidia.com/gpu`",
        _portion_fragment,
        "KAI rejects the annotation together with an `nvidia.com/gpu` limit, even with 0.",
    ),
    MappingRow(
        "spec.compute.gpuPortionLimit",
        "the pod annotation `gpu-fraction-limit` (setting `gpu_fraction_limit_annotation`)",
        _portion_limit_fragment,
        "KAI alone has no limit for a portion. A limit equal to the request is left out: it changes nothing.",
    ),
    MappingRow(
        "spec.compute.gpuMemoryRequest",
        "the pod annotation `gpu-memory` in MiB, rounded up",
        lambda s: _gpu_memory(s.settings.gpu_memory_annotation, s.compute.gpu_memory_request),
    ),
    MappingRow(
        "spec.compute.gpuMemoryLimit",
        "the pod annotation that the setting `gpu_memory_limit_annotation` names, in MiB, rounded up",
        _memory_limit_fragment,
        "No scheduler documents such an annotation. Without the setting, a limit above the request is rejected. A limit"
        " equal to the request is left out.",
    ),
)
