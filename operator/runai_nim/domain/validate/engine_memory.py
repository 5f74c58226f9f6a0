"""Rule for the GPU memory of a NIM with a GPU share, which its engine doesn't know of."""

import re
from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Final

from runai_nim.api import image_reference
from runai_nim.api.v1alpha1 import Compute
from runai_nim.domain.finding import Finding
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.compute import is_gpu_share
from runai_nim.domain.validate.gpu_limits import written_portion_limit
from runai_nim.domain.validate.subject import ValidationSubject

_FRACTIONS: Final = ("NIM_KVCACHE_PERCENT", "NIM_GPU_MEM_FRACTION")
"""Variables of NIM 1.x: the engine's part of the whole GPU's memory."""
_ARGUMENTS: Final = "NIM_PASSTHROUGH_ARGS"
"""Variable of NIM 2.x: arguments of its engine, vLLM or SGLang."""
_BOUND: Final = re.compile(
    r"--(gpu[-_]memory[-_]utilization|mem[-_]fraction[-_]static)[= ]+[\"']?(?P<fraction>[0-9.]{1,20})"
    r"|--(kv[-_]cache[-_]memory([-_]bytes)?|num[-_]gpu[-_]blocks[-_]override)[= ]"
)
_WITHOUT_KV_CACHE: Final = re.compile(
    r"(^|[-_])(embed|rerank|nvclip|ocr|parse|elements|table|paddleocr|asr|tts|parakeet|canary|fastpitch|riva|maxine)"
)
"""Images of models that take the memory they need: they embed, rerank, detect, hear or speak."""
_USUAL_PART: Final = Decimal("0.9")


def check_engine_memory(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: the engine of a language model takes 0.9 of the whole GPU unless a variable bounds it."""
    compute = candidate.spec.compute or Compute()
    if not is_gpu_share(compute) or candidate.spec.multi_node is not None:  # which excludes shares
        return
    if _WITHOUT_KV_CACHE.search(_image_name(candidate.spec.image or "")):
        return
    share = written_portion_limit(compute, candidate.context.settings) or compute.gpu_portion_request
    bounds = list(_bounds(candidate))
    if not bounds:
        field = "gpuPortionRequest" if compute.gpu_request_type == "portion" else "gpuMemoryRequest"
        rule = "go with a bound on the engine's memory, which is 0.9 of the whole GPU by default, whatever its share"
        yield Finding(
            reason=Reason.GPU_MEMORY_UNBOUNDED,
            path=f"spec.compute.{field}",
            must=rule,
            remedy=_remedy(candidate.spec.image or "", compute.gpu_portion_request),
            severity="warning",
        )
    for path, fraction in bounds:
        if fraction is not None and share is not None and share < fraction <= 1:
            rule = f"keep the engine within its share of the GPU ({share}), and it allows {fraction}"
            yield Finding(
                reason=Reason.GPU_MEMORY_UNBOUNDED, path=path, must=rule, remedy="lower it", severity="warning"
            )


def _bounds(candidate: ValidationSubject) -> Iterator[tuple[str, Decimal | None]]:
    """Path of each variable with a bound, and the bound as a part of the GPU where it is one that can be read."""
    for index, item in enumerate(candidate.spec.environment_variables or ()):
        path = f"spec.environmentVariables[{index}]"
        if item.exclude or item.name not in (*_FRACTIONS, _ARGUMENTS):
            continue
        if item.value is None:  # a Secret or ConfigMap has it
            yield path, None
        elif item.name != _ARGUMENTS:
            yield f"{path}.value", _fraction(item.value)
        elif bound := _BOUND.search(item.value):
            yield f"{path}.value", _fraction(bound["fraction"])


def _fraction(text: str | None) -> Decimal | None:
    try:
        number = Decimal(text or "NaN")
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _image_name(image: str) -> str:
    """The last component of the repository: `llama-3.1-8b-instruct`."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _remedy(image: str, portion: Decimal | None) -> str:
    """Names the variables of the image's generation."""
    part = None if portion is None else (portion * _USUAL_PART).quantize(Decimal("0.01"), rounding=ROUND_DOWN)
    value = part or "<part of the GPU>"
    arguments = f'{_ARGUMENTS}: "--gpu-memory-utilization {value}"'
    fractions = f'{_FRACTIONS[0]}: "{value}" ({_FRACTIONS[1]} in some images)'
    generation = _generation(image)
    if generation is None:
        return f"add the variable {arguments} (NIM 2.x), or {fractions} (NIM 1.x)"
    return f"add the variable {fractions if generation < 2 else arguments}"


def _generation(image: str) -> int | None:
    """The major version in the tag: 2 for `2.0.10`; None for `latest` or a digest."""
    try:
        tag = image_reference.parse(image).tag or ""
    except image_reference.ImageError:
        return None
    version = re.match(r"v?([0-9]{1,4})\.", tag)
    return int(version[1]) if version else None
