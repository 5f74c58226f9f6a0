"""spec.compute → NIMService resources and the GPU annotations of Run:ai and KAI. Expects a valid spec.

A GPU share is an annotation without any nvidia.com/gpu key: KAI's admission rejects both together, even with the value
0. An empty map of resources is omitted: the NIM Operator's first write drops it, and it would always look changed.
"""

from decimal import Decimal
from typing import Literal

from runai_nim.api import gpu_share_keys, quantity, well_known
from runai_nim.api.short_numbers import decimal_text
from runai_nim.api.v1alpha1 import Compute
from runai_nim.domain import names
from runai_nim.domain.translate.rules import (
    Fragment,
    MappingRow,
    TranslationSource,
    deep_merge,
    pod_annotation_fragment,
)
from runai_nim.domain.validate.gpu_limits import written_memory_limit, written_portion_limit

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
        return f"{devices}x" * (devices > 1) + decimal_text(compute.gpu_portion_request)
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
    return pod_annotation_fragment(source.settings.gpu_fraction_annotation, decimal_text(portion))


def _portion_limit_fragment(source: TranslationSource) -> Fragment:
    limit = written_portion_limit(source.compute, source.settings)
    if limit is None:
        return {}
    return _container_annotation(source, source.settings.gpu_fraction_limit_annotation, decimal_text(limit))


def _type_fragment(source: TranslationSource) -> Fragment:
    if not is_gpu_fraction(source.compute):
        return {}
    return pod_annotation_fragment(source.settings.gpu_container_annotation, names.container_name(source.name))


def _memory_request_fragment(source: TranslationSource) -> Fragment:
    request = source.compute.gpu_memory_request
    if request is None:
        return {}
    mebibytes = quantity.mebibytes(quantity.parse_bytes(request))
    return pod_annotation_fragment(source.settings.gpu_memory_annotation, str(mebibytes))


def _memory_limit_fragment(source: TranslationSource) -> Fragment:
    limit = written_memory_limit(source.compute)
    key = source.settings.gpu_memory_limit_annotation
    if limit is None or key is None:
        return {}
    value = str(quantity.of_mebibytes(limit)) if source.settings.limits_are_bounded(key) else str(limit)
    fragment = _container_annotation(source, key, value)
    if gpu_share_keys.CONTAINER in key:
        # KAI's admission refuses a container's limit beside gpu-memory, unless the shorthand says the same.
        deep_merge(fragment, pod_annotation_fragment(gpu_share_keys.MEMORY_LIMIT, value))
    return fragment


def _mode_fragment(source: TranslationSource) -> Fragment:
    return _container_annotation(source, source.settings.gpu_compute_mode_annotation, source.compute.gpu_compute_mode)


def _container_annotation(source: TranslationSource, key: str | None, value: str | None) -> Fragment:
    """An annotation of the pods whose key may have the container's name in it."""
    return pod_annotation_fragment(key and gpu_share_keys.with_container(key, names.container_name(source.name)), value)


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
        "a pod annotation, by the setting `gpu_fraction_keys`: `gpu-fraction-limit` (annotations; with the dialect kai"
        " none), `gpu-fraction.limit` (shorthand) or `kai.scheduler/container.<name>-ctr.gpu-memory.portion.limit`"
        " (nvfractions)",
        _portion_limit_fragment,
        "Run:ai 2.x documents `gpu-fraction-limit`; Run:ai 3.0 and KAI 0.18.2 ignore it. A limit equal to the request"
        " is left out, because it changes nothing, and one of 1 where the scheduler refuses 1. A warning says so.",
    ),
    MappingRow(
        "spec.compute.gpuMemoryRequest",
        "the pod annotation `gpu-memory` in MiB, rounded up",
        _memory_request_fragment,
    ),
    MappingRow(
        "spec.compute.gpuMemoryLimit",
        "a pod annotation with a quantity in whole MiB, such as `40Gi`, by the setting `gpu_fraction_keys`: none"
        " (annotations), `gpu-memory.limit` (shorthand), or that and"
        " `nvidia.com/container.<name>-ctr.gpu-memory.limit` (nvfractions)",
        _memory_limit_fragment,
        "Before Run:ai 3.0 and KAI 0.18.2 no scheduler reads one: a limit above the request is rejected. KAI refuses"
        " the container's limit beside `gpu-memory` unless `gpu-memory.limit` says the same. A limit equal to the"
        " request is left out.",
    ),
    MappingRow(
        "spec.compute.gpuComputeMode",
        "the pod annotation `nvidia.com/container.<name>-ctr.gpu-compute.mode`, with the setting"
        " `gpu_fraction_keys: nvfractions`",
        _mode_fragment,
        "Only KAI's GPU sharing mode NvFractions has compute modes.",
    ),
)
