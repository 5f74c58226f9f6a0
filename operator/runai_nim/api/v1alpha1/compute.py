"""spec.compute: CPU, memory and GPU of each pod."""

from typing import Annotated, Literal

from runai_nim.api.v1alpha1.schema import (
    CelRule,
    NonNegativeInt,
    NonNegativeNumber,
    Ours,
    Portion,
    QuantityString,
    SpecModel,
    cel,
)


class Compute(SpecModel):
    """Resources of each pod."""

    model_config = cel(
        CelRule(
            "!has(self.cpuCoreRequest) || !has(self.cpuCoreLimit) || self.cpuCoreRequest <= self.cpuCoreLimit",
            "cpuCoreLimit must not be below cpuCoreRequest: raise the limit or lower the request",
            ".cpuCoreLimit",
            "'cpuCoreLimit is %s but must not be below cpuCoreRequest (%s): raise the limit or lower the request'"
            ".format([self.cpuCoreLimit, self.cpuCoreRequest])",
        ),
        CelRule(
            "!has(self.gpuDevicesRequest) || self.gpuDevicesRequest <= 1"
            " || !has(self.gpuRequestType) || self.gpuRequestType != 'memory'",
            "gpuRequestType must not be memory when gpuDevicesRequest is above 1: use portion, or one device",
            ".gpuRequestType",
            "'gpuRequestType must not be memory when gpuDevicesRequest is above 1 (it is %s): use portion, or one"
            " device'.format([self.gpuDevicesRequest])",
        ),
        CelRule(
            "!has(self.gpuPortionRequest) || !has(self.gpuRequestType) || self.gpuRequestType == 'portion'",
            "gpuPortionRequest is only allowed with gpuRequestType portion: remove it, or set gpuRequestType: portion",
            ".gpuPortionRequest",
            reason="FieldValueForbidden",
        ),
        CelRule(
            "!has(self.gpuPortionLimit) || !has(self.gpuRequestType) || self.gpuRequestType == 'portion'",
            "gpuPortionLimit is only allowed with gpuRequestType portion: remove it, or set gpuRequestType: portion",
            ".gpuPortionLimit",
            reason="FieldValueForbidden",
        ),
        CelRule(
            "!has(self.gpuMemoryRequest) || !has(self.gpuRequestType) || self.gpuRequestType == 'memory'",
            "gpuMemoryRequest is only allowed with gpuRequestType memory: remove it, or set gpuRequestType: memory",
            ".gpuMemoryRequest",
            reason="FieldValueForbidden",
        ),
        CelRule(
            "!has(self.gpuMemoryLimit) || !has(self.gpuRequestType) || self.gpuRequestType == 'memory'",
            "gpuMemoryLimit is only allowed with gpuRequestType memory: remove it, or set gpuRequestType: memory",
            ".gpuMemoryLimit",
            reason="FieldValueForbidden",
        ),
        CelRule(
            "!has(self.gpuPortionRequest) || !has(self.gpuPortionLimit)"
            " || self.gpuPortionRequest <= self.gpuPortionLimit",
            "gpuPortionLimit must not be below gpuPortionRequest: raise the limit or lower the request",
            ".gpuPortionLimit",
            "'gpuPortionLimit is %s but must not be below gpuPortionRequest (%s): raise the limit or lower the request'"
            ".format([self.gpuPortionLimit, self.gpuPortionRequest])",
        ),
    )

    cpu_core_request: NonNegativeNumber | None = None
    """CPU cores reserved for each pod, e.g. 0.5 or 2. Becomes resources.requests.cpu of the NIMService."""

    cpu_core_limit: NonNegativeNumber | None = None
    """Maximum CPU cores of each pod, e.g. 2; not below cpuCoreRequest. Becomes resources.limits.cpu."""

    cpu_memory_request: QuantityString | None = None
    """Memory reserved for each pod: a Kubernetes quantity or the same with a B, e.g. 8Gi, 8GiB, 500M, 10GB.
    Becomes resources.requests.memory."""

    cpu_memory_limit: QuantityString | None = None
    """Maximum memory of each pod, written as cpuMemoryRequest and not below it. Kubernetes kills a pod that exceeds
    it. Becomes resources.limits.memory."""

    gpu_devices_request: NonNegativeInt | None = None
    """GPU devices of each pod. Without gpuRequestType: whole GPUs (nvidia.com/gpu), and 0 means none. With
    gpuRequestType portion: the number of devices that the pod shares, default 1."""

    gpu_request_type: Literal["portion", "memory"] | None = None
    """Requests a GPU share instead of whole GPUs: portion (requires gpuPortionRequest) or memory (requires
    gpuMemoryRequest, on one device)."""

    gpu_portion_request: Portion | None = None
    """Share of each GPU device between 0 and 1, e.g. 0.5; required with gpuRequestType portion. Becomes the pod
    annotation gpu-fraction; 1 means whole GPUs, 0 none."""

    gpu_portion_limit: Portion | None = None
    """Maximum share of each GPU device, between gpuPortionRequest and 1; below 1 from Run:ai 3.0 and KAI 0.18.2 on.
    Becomes the pod annotation of the scheduler's version (setting gpu_fraction_keys), unless it equals the request."""

    gpu_memory_request: QuantityString | None = None
    """GPU memory on one device, above 0, written as cpuMemoryRequest, e.g. 20Gi or 5GB; required with gpuRequestType
    memory. Becomes the pod annotation gpu-memory in MiB, rounded up."""

    gpu_memory_limit: QuantityString | None = None
    """Maximum GPU memory of a pod, not below gpuMemoryRequest. Becomes the pod annotation of the scheduler's version
    (setting gpu_fraction_keys); Run:ai 2.x and KAI before 0.18.2 have none, and it must equal the request there."""

    gpu_compute_mode: Annotated[Literal["time-slicing", "sm-sharing"] | None, Ours()] = None
    """How pods that share a GPU share its compute: time-slicing (in turns, KAI's default) or sm-sharing (concurrently).
    Only with a GPU share, and with KAI's GPU sharing mode NvFractions (setting gpu_fraction_keys: nvfractions). Not a
    field of Run:ai's API."""
