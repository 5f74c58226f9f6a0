"""Rules for limits and compute mode of a GPU share, by the generation of keys in the settings (`gpu_fraction_keys`).

A limit is written only where it says something: above the request and, where the scheduler's admission refuses 1 as the
limit of a portion, below 1.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from runai_nim.api import gpu_share_keys, quantity, well_known
from runai_nim.api.v1alpha1 import Compute
from runai_nim.config.settings import Settings
from runai_nim.domain import names
from runai_nim.domain.finding import Finding
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.compute import (
    check_order,
    compute_of,
    field_name,
    field_path,
    is_gpu_share,
)
from runai_nim.domain.validate.subject import ValidationSubject

_MAX_DECIMALS: Final = 5
_MAX_KEY_NAME: Final = 63
"""Maximum length of a key's name part, behind the slash."""


def written_portion_limit(compute: Compute, settings: Settings) -> Decimal | None:
    """The limit of a portion that is written for the scheduler; None if none is.

    A key for limits is assumed: without one, a limit above the request is an error.
    """
    request = compute.gpu_portion_request
    limit = compute.gpu_portion_limit
    if compute.gpu_request_type != "portion" or request is None or limit is None or not 0 < request < limit:
        return None
    return None if limit == 1 and _are_bounded(settings, settings.gpu_fraction_limit_annotation) else limit


def written_memory_limit(compute: Compute) -> int | None:
    """The limit of GPU memory that is written for the scheduler, in MiB, rounded up as the request; None if none is."""
    request = _mebibytes(compute.gpu_memory_request)
    limit = _mebibytes(compute.gpu_memory_limit)
    if compute.gpu_request_type != "memory" or request is None or limit is None:
        return None
    return limit if limit > request else None


def check_gpu_portion_limit(candidate: ValidationSubject) -> Iterator[Finding]:
    """Not below the request; above it only with a GPU share and if the settings name an annotation for limits."""
    compute = compute_of(candidate)
    settings = candidate.context.settings
    request = compute.gpu_portion_request
    limit = compute.gpu_portion_limit
    if request is None or limit is None:
        return
    yield from check_order(compute, "gpu_portion", request, limit)
    if compute.gpu_request_type != "portion":
        return  # check_gpu_request_type says so
    if limit > request == 0:
        rule = "be 0 when gpuPortionRequest is 0"
        remedy = "remove it, or ask for a portion"
        yield Finding(
            reason=Reason.CONFLICTING_FIELDS,
            path=field_path("gpu_portion_limit"),
            value=str(limit),
            must=rule,
            remedy=remedy,
        )
    elif limit > request:
        yield from _check_limit_key("gpu_portion", str(limit), settings, settings.gpu_fraction_limit_annotation)


def check_gpu_memory(candidate: ValidationSubject) -> Iterator[Finding]:
    """The request is above 0; the limit has the same rule as for a portion."""
    compute = compute_of(candidate)
    settings = candidate.context.settings
    request = quantity.bytes_or_none(compute.gpu_memory_request)
    limit = quantity.bytes_or_none(compute.gpu_memory_limit)
    if request is None:
        return
    if request.nanos == 0:
        rule = "be above 0"
        remedy = "ask for some memory, or remove gpuRequestType and its fields for no GPU"
        yield Finding(
            reason=Reason.INVALID_QUANTITY,
            path=field_path("gpu_memory_request"),
            value=compute.gpu_memory_request,
            must=rule,
            remedy=remedy,
        )
    yield from check_order(compute, "gpu_memory", request, limit)
    if limit is not None and quantity.mebibytes(limit) > quantity.mebibytes(request):
        limit_text = str(compute.gpu_memory_limit)
        yield from _check_limit_key("gpu_memory", limit_text, settings, settings.gpu_memory_limit_annotation)


def check_equal_limits(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: a limit of a GPU share that equals the request says nothing, so no annotation is written."""
    compute = compute_of(candidate)
    if not is_gpu_share(compute):
        return
    portion = compute.gpu_portion_request is not None and compute.gpu_portion_request == compute.gpu_portion_limit
    for prefix, is_equal in (("gpu_portion", portion), ("gpu_memory", _memory_is_equal(compute))):
        if is_equal:
            rule = f"be above {field_name(f'{prefix}_request')} or absent, an equal limit changes nothing"
            yield _ignored_limit(prefix, compute, rule, "remove it")


def check_bounded_portion_limit(candidate: ValidationSubject) -> Iterator[Finding]:
    """Run:ai 3.0 and KAI 0.18.2 refuse a portion's limit of 1 and one of more than five decimals."""
    compute = compute_of(candidate)
    settings = candidate.context.settings
    limit = compute.gpu_portion_limit
    if limit is None or not is_gpu_share(compute) or not _are_bounded(settings, settings.gpu_fraction_limit_annotation):
        return
    if limit == 1:
        rule = "be below 1 or absent, the scheduler refuses a limit of 1 and the operator writes none"
        yield _ignored_limit("gpu_portion", compute, rule, "lower it, such as to 0.99, or remove it")
    elif written_portion_limit(compute, settings) is not None and not _has_few_decimals(limit):
        yield Finding(
            reason=Reason.INVALID_QUANTITY,
            path=field_path("gpu_portion_limit"),
            value=str(limit),
            must=f"have at most {_MAX_DECIMALS} decimals",
            remedy="round it",
        )


def check_obsolete_limit_key(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: Run:ai 3.0 and KAI 0.18.2 ignore gpu-fraction-limit, so nobody may keep a limit under it."""
    compute = compute_of(candidate)
    settings = candidate.context.settings
    if settings.gpu_fraction_limit_annotation != well_known.GPU_FRACTION_LIMIT:
        return
    if written_portion_limit(compute, settings) is None:
        return
    rule = (
        f"not be relied on, Run:ai 2.x alone reads its annotation {well_known.GPU_FRACTION_LIMIT}; Run:ai 3.0 and KAI"
        f" 0.18.2 read {gpu_share_keys.PORTION_LIMIT}"
    )
    if settings.gpu_fraction_keys == "annotations":
        remedy = "set gpu_fraction_keys: shorthand in the operator's settings when the scheduler is upgraded"
    else:
        remedy = "leave gpu_fraction_limit_annotation out of the operator's settings"
    yield Finding(
        reason=Reason.OBSOLETE_LIMIT_KEY,
        path=field_path("gpu_portion_limit"),
        value=str(compute.gpu_portion_limit),
        must=rule,
        remedy=remedy,
        severity="warning",
    )


def check_gpu_compute_mode(candidate: ValidationSubject) -> Iterator[Finding]:
    """A compute mode is that of a GPU share, and only KAI's GPU sharing mode NvFractions has one."""
    compute = compute_of(candidate)
    settings = candidate.context.settings
    if compute.gpu_compute_mode is None:
        return
    if not is_gpu_share(compute):
        yield Finding(
            reason=Reason.CONFLICTING_FIELDS,
            path=field_path("gpu_compute_mode"),
            value=compute.gpu_compute_mode,
            must="only be set with a share of a GPU",
            remedy="remove it, or request a share by gpuRequestType",
        )
    elif settings.gpu_compute_mode_annotation is None:
        rule = f"be absent, there is no annotation for it with gpu_fraction_keys: {settings.gpu_fraction_keys}"
        remedy = "remove it, or set gpu_fraction_keys: nvfractions in the operator's settings where KAI has that mode"
        yield Finding(
            reason=Reason.NOT_CONFIGURED,
            path=field_path("gpu_compute_mode"),
            value=compute.gpu_compute_mode,
            must=rule,
            remedy=remedy,
        )


def check_gpu_share_name(candidate: ValidationSubject) -> Iterator[Finding]:
    """Keys that have the container's name in them leave less room for the resource's name."""
    keys = _container_keys(compute_of(candidate), candidate.context.settings)
    length = len(candidate.name)
    too_long = [key for key in keys if length > _max_name_length(key)]
    if not too_long:
        return
    key = min(too_long, key=_max_name_length)
    shown = gpu_share_keys.with_container(key, names.container_name("<name>"))
    rule = f"have at most {_max_name_length(key)} characters (it has {length}) with {keys[key]}, written as {shown}"
    needs_no_share = gpu_share_keys.CONTAINER_MEMORY_REQUEST in too_long
    way_out = "request whole GPUs" if needs_no_share else f"remove {keys[key]}"
    yield Finding(
        reason=Reason.INVALID_NAME,
        path="metadata.name",
        value=candidate.name,
        must=rule,
        remedy=f"choose a shorter name and create the RunaiNimService again, or {way_out}",
    )


def _container_keys(compute: Compute, settings: Settings) -> Mapping[str, str]:
    """Key that has a container's name in it → the field that it is written for."""
    if not is_gpu_share(compute):
        return {}
    portion = written_portion_limit(compute, settings) is not None
    written = {
        settings.gpu_fraction_limit_annotation: "gpuPortionLimit" if portion else "",
        settings.gpu_memory_limit_annotation: "gpuMemoryLimit" if written_memory_limit(compute) is not None else "",
        settings.gpu_compute_mode_annotation: "gpuComputeMode" if compute.gpu_compute_mode else "",
    }
    if settings.gpu_fraction_keys == "nvfractions":
        written[gpu_share_keys.CONTAINER_MEMORY_REQUEST] = "a GPU share"
    return {key: field for key, field in written.items() if field and key and gpu_share_keys.CONTAINER in key}


def _max_name_length(key: str) -> int:
    """The longest name of a RunaiNimService whose container's name fits into the key."""
    name = gpu_share_keys.with_container(key, names.container_name("")).rpartition("/")[2]
    return _MAX_KEY_NAME - len(name)


def _check_limit_key(prefix: str, value: str, settings: Settings, key: str | None) -> Iterator[Finding]:
    if key is None:
        setting = "gpu_fraction_limit_annotation" if prefix == "gpu_portion" else "gpu_memory_limit_annotation"
        rule = f"equal {field_name(f'{prefix}_request')}, no annotation for limits is configured ({settings.dialect})"
        if settings.gpu_fraction_keys == "annotations":
            setting = "gpu_fraction_keys: shorthand (Run:ai 3.0, KAI 0.18.2)"
        remedy = f"remove it, or set {setting} in the operator's settings"
        yield Finding(
            reason=Reason.NOT_CONFIGURED, path=field_path(f"{prefix}_limit"), value=value, must=rule, remedy=remedy
        )


def _ignored_limit(prefix: str, compute: Compute, rule: str, remedy: str) -> Finding:
    return Finding(
        reason=Reason.IGNORED_FIELD,
        path=field_path(f"{prefix}_limit"),
        value=str(getattr(compute, f"{prefix}_limit")),
        must=rule,
        remedy=remedy,
        severity="warning",
    )


def _are_bounded(settings: Settings, key: str | None) -> bool:
    return key is not None and settings.limits_are_bounded(key)


def _has_few_decimals(limit: Decimal) -> bool:
    return round(limit, _MAX_DECIMALS) == limit


def _memory_is_equal(compute: Compute) -> bool:
    """Whether request and limit are the same number of MiB, and not in the wrong order."""
    request = quantity.bytes_or_none(compute.gpu_memory_request)
    limit = quantity.bytes_or_none(compute.gpu_memory_limit)
    if request is None or limit is None:
        return False
    return request.nanos <= limit.nanos and quantity.mebibytes(request) == quantity.mebibytes(limit)


def _mebibytes(text: str | None) -> int | None:
    amount = quantity.bytes_or_none(text)
    return None if amount is None else quantity.mebibytes(amount)
