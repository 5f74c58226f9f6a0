"""spec.compute → NIMService resources and the GPU annotations of Run:ai and KAI.

Expects a spec without errors. A share of a GPU is an annotation beside no nvidia.com/gpu key at all: KAI's admission
refuses both together, even with the key at 0.
"""

from decimal import Decimal
from typing import Any

from runai_nim import keys, quantity
from runai_nim.api.v1alpha1 import Compute
from runai_nim.settings import Settings
from runai_nim.translate import names


def compute_fragment(name: str, compute: Compute, settings: Settings) -> dict[str, Any]:
    """`resources` with whichever of its two maps has content, and `annotations` for a share of a GPU.

    An empty map is left out: the NIM Operator's first write drops it, and it would look changed for ever.
    """
    maps = {"requests": _amounts(compute, "request"), "limits": _amounts(compute, "limit")}
    resources = {bound: amounts for bound, amounts in maps.items() if amounts}
    annotations = _share_annotations(name, compute, settings)
    fragment = {"resources": resources, "annotations": annotations}
    return {key: value for key, value in fragment.items() if value}


def whole_gpus(compute: Compute) -> int | None:
    """nvidia.com/gpu; None leaves the key out. A portion of 1 is a whole device, and a portion of 0 is none."""
    if compute.gpu_request_type is None:
        return compute.gpu_devices_request
    if compute.gpu_portion_request == 0:
        return 0
    if compute.gpu_portion_request == 1:
        return compute.gpu_devices_request or 1
    return None


def is_share(compute: Compute) -> bool:
    """Whether a part of a GPU is asked for, by portion or by memory."""
    return compute.gpu_request_type is not None and whole_gpus(compute) is None


def gpu_text(compute: Compute) -> str:
    """GPU of each pod for people: `2`, `0.5`, `2x0.5` for half of two devices, `20Gi`; empty for none asked for."""
    whole = whole_gpus(compute)
    if whole is not None:
        return str(whole)
    if compute.gpu_memory_request is not None:
        return str(quantity.parse_bytes(compute.gpu_memory_request))
    if compute.gpu_portion_request is not None:
        devices = compute.gpu_devices_request or 1
        return f"{devices}x" * (devices > 1) + _plain(compute.gpu_portion_request)
    return ""


def _amounts(compute: Compute, bound: str) -> dict[str, str]:
    cores: Decimal | None = getattr(compute, f"cpu_core_{bound}")
    memory: str | None = getattr(compute, f"cpu_memory_{bound}")
    gpus = whole_gpus(compute)
    amounts = {
        "cpu": None if cores is None else quantity.cpu_text(cores),
        "memory": None if memory is None else str(quantity.parse_bytes(memory)),
        keys.NVIDIA_GPU: None if gpus is None else str(gpus),
    }
    return {name: amount for name, amount in amounts.items() if amount is not None}


def _share_annotations(name: str, compute: Compute, settings: Settings) -> dict[str, str]:
    if not is_share(compute):
        return {}
    # Without the container's name the scheduler takes container 0, and an injected container may be first.
    annotations = {settings.gpu_container_annotation: names.container_name(name)}
    if compute.gpu_portion_request is not None:
        annotations[settings.gpu_fraction_annotation] = _plain(compute.gpu_portion_request)
        if (compute.gpu_devices_request or 1) > 1:
            annotations[settings.gpu_devices_annotation] = str(compute.gpu_devices_request)
        if compute.gpu_portion_limit is not None and settings.gpu_fraction_limit_annotation:
            annotations[settings.gpu_fraction_limit_annotation] = _plain(compute.gpu_portion_limit)
    if compute.gpu_memory_request is not None:
        annotations[settings.gpu_memory_annotation] = _mebibytes(compute.gpu_memory_request)
        if compute.gpu_memory_limit is not None and settings.gpu_memory_limit_annotation:
            annotations[settings.gpu_memory_limit_annotation] = _mebibytes(compute.gpu_memory_limit)
    return annotations


def _mebibytes(text: str) -> str:
    return str(quantity.mebibytes(quantity.parse_bytes(text)))


def _plain(portion: Decimal) -> str:
    return format(portion.normalize(), "f")
