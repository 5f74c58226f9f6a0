"""Rules for spec.compute: valid quantities, limits above requests, and one way to request GPUs."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from runai_nim.api import quantity
from runai_nim.api.quantity import Quantity
from runai_nim.api.v1alpha1 import Compute
from runai_nim.domain.finding import Finding
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.subject import ValidationSubject

_SMALLEST_PORTION: Final = Decimal("0.01")
_AMOUNTS: Final = ("cpu_memory_request", "cpu_memory_limit", "gpu_memory_request", "gpu_memory_limit")


def check_cpu(candidate: ValidationSubject) -> Iterator[Finding]:
    """CPU has at most three decimals: Kubernetes schedules thousandths of a core."""
    compute = compute_of(candidate)
    for name in ("cpu_core_request", "cpu_core_limit"):
        cores: Decimal | None = getattr(compute, name)
        if cores is not None and not _is_in_thousandths(cores):
            rule = "be a number of CPU cores in steps of 0.001, such as 0.5 or 2"
            yield Finding(
                reason=Reason.INVALID_QUANTITY, path=field_path(name), value=str(cores), must=rule, remedy="round it"
            )
    yield from check_order(compute, "cpu_core", compute.cpu_core_request, compute.cpu_core_limit)


def check_amounts(candidate: ValidationSubject) -> Iterator[Finding]:
    """Every memory quantity is valid."""
    compute = compute_of(candidate)
    for name in _AMOUNTS:
        text: str | None = getattr(compute, name)
        if text is not None and quantity.bytes_or_none(text) is None:
            suggestion = quantity.suggested_spelling(text)
            remedy = f"did you mean {suggestion}?" if suggestion else "correct it"
            yield Finding(
                reason=Reason.INVALID_QUANTITY,
                path=field_path(name),
                value=text,
                must=f"be {quantity.BYTES_RULE}",
                remedy=remedy,
            )


def check_memory_limit(candidate: ValidationSubject) -> Iterator[Finding]:
    """cpuMemoryLimit is not below cpuMemoryRequest."""
    compute = compute_of(candidate)
    yield from check_order(
        compute,
        "cpu_memory",
        quantity.bytes_or_none(compute.cpu_memory_request),
        quantity.bytes_or_none(compute.cpu_memory_limit),
    )


def check_gpu_request_type(candidate: ValidationSubject) -> Iterator[Finding]:
    """Each way to share a GPU has its own fields: its request is required, fields of the other are rejected."""
    compute = compute_of(candidate)
    for kind in ("portion", "memory"):
        request = f"gpu_{kind}_request"
        limit = f"gpu_{kind}_limit"
        if compute.gpu_request_type == kind:
            if getattr(compute, request) is None:
                rule = f"be set with gpuRequestType {kind}"
                remedy = "add it, or remove gpuRequestType for whole GPUs"
                yield Finding(reason=Reason.REQUIRED_FIELD, path=field_path(request), must=rule, remedy=remedy)
            continue
        for name in (request, limit):
            value = getattr(compute, name)
            if value is not None:
                rule = f"only be set with gpuRequestType {kind}"
                remedy = f"remove it, or set gpuRequestType: {kind}"
                yield Finding(
                    reason=Reason.CONFLICTING_FIELDS, path=field_path(name), value=str(value), must=rule, remedy=remedy
                )


def check_gpu_devices(candidate: ValidationSubject) -> Iterator[Finding]:
    """A share needs at least one device; memory shares exactly one."""
    compute = compute_of(candidate)
    devices = compute.gpu_devices_request
    if devices is None or compute.gpu_request_type is None:
        return
    if devices > 1 and compute.gpu_request_type == "memory":
        rule = "be portion when gpuDevicesRequest is above 1"
        remedy = "use portion, or one device"
        yield Finding(
            reason=Reason.CONFLICTING_FIELDS,
            path=field_path("gpu_request_type"),
            value="memory",
            must=rule,
            remedy=remedy,
        )
    if devices == 0 and compute.gpu_portion_request != 0:
        rule = "be at least 1 with gpuRequestType"
        remedy = "raise it, or remove gpuRequestType and its fields for no GPU"
        yield Finding(
            reason=Reason.CONFLICTING_FIELDS,
            path=field_path("gpu_devices_request"),
            value="0",
            must=rule,
            remedy=remedy,
        )


def check_portion_counts(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: the scheduler counts a portion below 0.01 as 0 in the quota."""
    compute = compute_of(candidate)
    portion = compute.gpu_portion_request
    if is_gpu_share(compute) and portion is not None and portion < _SMALLEST_PORTION:
        rule = f"be at least {_SMALLEST_PORTION}, the scheduler counts less as 0 in the quota"
        yield Finding(
            reason=Reason.PORTION_TOO_SMALL,
            path=field_path("gpu_portion_request"),
            value=str(portion),
            must=rule,
            remedy="raise it, or use gpuRequestType: memory",
            severity="warning",
        )


def is_gpu_share(compute: Compute) -> bool:
    """Whether a share of a GPU is requested: a portion of 0 or 1 is none."""
    if compute.gpu_request_type == "portion":
        return compute.gpu_portion_request is not None and 0 < compute.gpu_portion_request < 1
    return compute.gpu_request_type == "memory" and compute.gpu_memory_request is not None


def check_order(
    compute: Compute, prefix: str, request: Decimal | Quantity | None, limit: Decimal | Quantity | None
) -> Iterator[Finding]:
    """The finding for the limit of `prefix` (`gpu_memory`) that is below its request."""
    if request is None or limit is None or _exact_number(limit) >= _exact_number(request):
        return
    request_text, limit_text = (str(getattr(compute, f"{prefix}_{bound}")) for bound in ("request", "limit"))
    rule = f"not be below {field_name(f'{prefix}_request')} ({request_text})"
    yield Finding(
        reason=Reason.LIMIT_BELOW_REQUEST,
        path=field_path(f"{prefix}_limit"),
        value=limit_text,
        must=rule,
        remedy="raise the limit or lower the request",
    )


def _is_in_thousandths(cores: Decimal) -> bool:
    numerator, denominator = cores.as_integer_ratio()
    thousandths, rest = divmod(numerator * 1000, denominator)
    return not rest and thousandths <= quantity.MAX


def _exact_number(amount: Decimal | Quantity) -> Decimal | int:
    return amount.nanos if isinstance(amount, Quantity) else amount


def compute_of(candidate: ValidationSubject) -> Compute:
    """spec.compute, empty if absent."""
    return candidate.spec.compute or Compute()


def field_name(name: str) -> str:
    """The name of a field in the API: `gpuMemoryLimit`."""
    return str(Compute.model_fields[name].alias)


def field_path(name: str) -> str:
    """`spec.compute.gpuMemoryLimit`."""
    return f"spec.compute.{field_name(name)}"
