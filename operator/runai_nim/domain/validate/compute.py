"""Rules for spec.compute: valid quantities, limits above requests, and one way to request GPUs."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from runai_nim.api import quantity
from runai_nim.api.quantity import Quantity
from runai_nim.api.v1alpha1 import Compute
from runai_nim.config.settings import Settings
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.finding import Finding
from runai_nim.domain.validate.subject import ValidationSubject

_SMALLEST_PORTION: Final = Decimal("0.01")
_AMOUNTS: Final = ("cpu_memory_request", "cpu_memory_limit", "gpu_memory_request", "gpu_memory_limit")


def check_cpu(candidate: ValidationSubject) -> Iterator[Finding]:
    """CPU has at most three decimals: Kubernetes schedules thousandths of a core."""
    compute = _compute(candidate)
    for name in ("cpu_core_request", "cpu_core_limit"):
        cores: Decimal | None = getattr(compute, name)
        if cores is not None and not _is_in_thousandths(cores):
            rule = "be a number of CPU cores in steps of 0.001, such as 0.5 or 2"
            yield Finding(
                reason=Reason.INVALID_QUANTITY, path=_field_path(name), value=str(cores), must=rule, remedy="round it"
            )
    yield from _check_order(compute, "cpu_core", compute.cpu_core_request, compute.cpu_core_limit)


def check_amounts(candidate: ValidationSubject) -> Iterator[Finding]:
    """Every memory quantity is valid."""
    compute = _compute(candidate)
    for name in _AMOUNTS:
        text: str | None = getattr(compute, name)
        if text is not None and _parse_amount(text) is None:
            suggestion = quantity.suggested_spelling(text)
            remedy = f"did you mean {suggestion}?" if suggestion else "correct it"
            yield Finding(
                reason=Reason.INVALID_QUANTITY,
                path=_field_path(name),
                value=text,
                must=f"be {quantity.BYTES_RULE}",
                remedy=remedy,
            )


def check_memory_limit(candidate: ValidationSubject) -> Iterator[Finding]:
    """cpuMemoryLimit is not below cpuMemoryRequest."""
    compute = _compute(candidate)
    yield from _check_order(
        compute, "cpu_memory", _parse_amount(compute.cpu_memory_request), _parse_amount(compute.cpu_memory_limit)
    )


def check_gpu_request_type(candidate: ValidationSubject) -> Iterator[Finding]:
    """Each way to share a GPU has its own fields: its request is required, fields of the other are rejected."""
    compute = _compute(candidate)
    for kind in ("portion", "memory"):
        request, limit = f"gpu_{kind}_request", f"gpu_{kind}_limit"
        if compute.gpu_request_type == kind:
            if getattr(compute, request) is None:
                rule, remedy = f"be set with gpuRequestType {kind}", "add it, or remove gpuRequestType for whole GPUs"
                yield Finding(reason=Reason.REQUIRED_FIELD, path=_field_path(request), must=rule, remedy=remedy)
            continue
        for name in (request, limit):
            value = getattr(compute, name)
            if value is not None:
                rule, remedy = f"only be set with gpuRequestType {kind}", f"remove it, or set gpuRequestType: {kind}"
                yield Finding(
                    reason=Reason.CONFLICTING_FIELDS, path=_field_path(name), value=str(value), must=rule, remedy=remedy
                )


def check_gpu_devices(candidate: ValidationSubject) -> Iterator[Finding]:
    """A share needs at least one device; memory shares exactly one."""
    compute = _compute(candidate)
    devices = compute.gpu_devices_request
    if devices is None or compute.gpu_request_type is None:
        return
    if devices > 1 and compute.gpu_request_type == "memory":
        rule, remedy = "be portion when gpuDevicesRequest is above 1", "use portion, or one device"
        yield Finding(
            reason=Reason.CONFLICTING_FIELDS,
            path=_field_path("gpu_request_type"),
            value="memory",
            must=rule,
            remedy=remedy,
        )
    if devices == 0 and compute.gpu_portion_request != 0:
        rule, remedy = (
            "be at least 1 with gpuRequestType",
            "raise it, or remove gpuRequestType and its fields for no GPU",
        )
        yield Finding(
            reason=Reason.CONFLICTING_FIELDS,
            path=_field_path("gpu_devices_request"),
            value="0",
            must=rule,
            remedy=remedy,
        )


def check_gpu_portion_limit(candidate: ValidationSubject) -> Iterator[Finding]:
    """Not below the request; above it only with a GPU share and if the settings name an annotation for limits."""
    compute, settings = _compute(candidate), candidate.context.settings
    request, limit = compute.gpu_portion_request, compute.gpu_portion_limit
    if request is None or limit is None:
        return
    yield from _check_order(compute, "gpu_portion", request, limit)
    if compute.gpu_request_type != "portion":
        return  # check_gpu_request_type says so
    if limit > request == 0:
        rule, remedy = "be 0 when gpuPortionRequest is 0", "remove it, or ask for a portion"
        yield Finding(
            reason=Reason.CONFLICTING_FIELDS,
            path=_field_path("gpu_portion_limit"),
            value=str(limit),
            must=rule,
            remedy=remedy,
        )
    elif limit > request:
        yield from _check_limit_key("gpu_portion", str(limit), settings, settings.gpu_fraction_limit_annotation)


def check_gpu_memory(candidate: ValidationSubject) -> Iterator[Finding]:
    """The request is above 0; the limit has the same rule as for a portion."""
    compute, settings = _compute(candidate), candidate.context.settings
    request, limit = _parse_amount(compute.gpu_memory_request), _parse_amount(compute.gpu_memory_limit)
    if request is None:
        return
    if request.nanos == 0:
        rule, remedy = "be above 0", "ask for some memory, or remove gpuRequestType and its fields for no GPU"
        yield Finding(
            reason=Reason.INVALID_QUANTITY,
            path=_field_path("gpu_memory_request"),
            value=compute.gpu_memory_request,
            must=rule,
            remedy=remedy,
        )
    yield from _check_order(compute, "gpu_memory", request, limit)
    if limit is not None and limit > request:
        limit_text = str(compute.gpu_memory_limit)
        yield from _check_limit_key("gpu_memory", limit_text, settings, settings.gpu_memory_limit_annotation)


def check_equal_limits(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: a limit of a GPU share that equals the request says nothing, so no annotation is written."""
    compute = _compute(candidate)
    if not is_gpu_share(compute):
        return
    memory = _parse_amount(compute.gpu_memory_request), _parse_amount(compute.gpu_memory_limit)
    pairs = {"gpu_portion": (compute.gpu_portion_request, compute.gpu_portion_limit), "gpu_memory": memory}
    for prefix, (request, limit) in pairs.items():
        if request is not None and limit is not None and _exact_number(request) == _exact_number(limit):
            rule = f"be above {_field_name(f'{prefix}_request')} or absent, an equal limit changes nothing"
            yield Finding(
                reason=Reason.IGNORED_FIELD,
                path=_field_path(f"{prefix}_limit"),
                value=str(getattr(compute, f"{prefix}_limit")),
                must=rule,
                remedy="remove it",
                severity="warning",
            )


def check_portion_counts(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: the scheduler counts a portion below 0.01 as 0 in the quota."""
    compute = _compute(candidate)
    portion = compute.gpu_portion_request
    if is_gpu_share(compute) and portion is not None and portion < _SMALLEST_PORTION:
        rule = f"be at least {_SMALLEST_PORTION}, the scheduler counts less as 0 in the quota"
        yield Finding(
            reason=Reason.PORTION_TOO_SMALL,
            path=_field_path("gpu_portion_request"),
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


def _check_limit_key(prefix: str, value: str, settings: Settings, key: str | None) -> Iterator[Finding]:
    if key is None:
        setting = "gpu_fraction_limit_annotation" if prefix == "gpu_portion" else "gpu_memory_limit_annotation"
        rule = f"equal {_field_name(f'{prefix}_request')}, no annotation for limits is configured ({settings.dialect})"
        remedy = f"remove it, or set {setting} in the operator's settings"
        yield Finding(
            reason=Reason.NOT_CONFIGURED, path=_field_path(f"{prefix}_limit"), value=value, must=rule, remedy=remedy
        )


def _check_order(
    compute: Compute, prefix: str, request: Decimal | Quantity | None, limit: Decimal | Quantity | None
) -> Iterator[Finding]:
    if request is None or limit is None or _exact_number(limit) >= _exact_number(request):
        return
    request_text, limit_text = (str(getattr(compute, f"{prefix}_{bound}")) for bound in ("request", "limit"))
    rule = f"not be below {_field_name(f'{prefix}_request')} ({request_text})"
    yield Finding(
        reason=Reason.LIMIT_BELOW_REQUEST,
        path=_field_path(f"{prefix}_limit"),
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


def _parse_amount(text: str | None) -> Quantity | None:
    try:
        return None if text is None else quantity.parse_bytes(text)
    except quantity.QuantityError:
        return None  # reported by check_amounts


def _compute(candidate: ValidationSubject) -> Compute:
    return candidate.spec.compute or Compute()


def _field_name(name: str) -> str:
    return str(Compute.model_fields[name].alias)


def _field_path(name: str) -> str:
    return f"spec.compute.{_field_name(name)}"
