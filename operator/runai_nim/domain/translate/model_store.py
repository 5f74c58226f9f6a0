"""spec.modelStore → NIMService storage, and the environment variable that names a profile where storage must not.

Expects a spec without errors. The claim itself is made by `pvc`.
"""

from runai_nim.api import well_known
from runai_nim.api.v1alpha1 import Compute
from runai_nim.domain.translate.compute import is_gpu_fraction, whole_gpus
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource


def _cache_fragment(source: TranslationSource) -> Fragment:
    cache = source.store.nim_cache
    return {} if cache is None else {"spec": {"storage": {"nimCache": {"name": cache.name}}}}


def _profile_fragment(source: TranslationSource) -> Fragment:
    cache = source.store.nim_cache
    if cache is None or cache.profile is None:
        return {}
    if not _profile_overrides_resources(source.compute):
        return {"spec": {"storage": {"nimCache": {"profile": cache.profile}}}}
    given = {item.name for item in source.spec.environment_variables or () if not item.exclude}
    if well_known.NIM_MODEL_PROFILE in given:  # with the same value: another is refused
        return {}
    return {"spec": {"env": [{"name": well_known.NIM_MODEL_PROFILE, "value": cache.profile}]}}


def _profile_overrides_resources(compute: Compute) -> bool:
    """For a profile the NIM Operator adds nvidia.com/gpu where it is missing.

    Beside a share of a GPU the scheduler refuses that; and it writes into both maps without looking whether they are
    there, so that a missing one makes it fall over for ever.
    """
    if is_gpu_fraction(compute):
        return True
    asks = compute.cpu_core_request is not None or compute.cpu_memory_request is not None
    limits = compute.cpu_core_limit is not None or compute.cpu_memory_limit is not None
    return whole_gpus(compute) is None and not (asks and limits)


def _claim_fragment(source: TranslationSource) -> Fragment:
    if source.store.pvc is None:
        return {}
    return {"spec": {"storage": {"pvc": {"create": False, "name": source.claim_name}}}}


def _read_only_fragment(source: TranslationSource) -> Fragment:
    pvc = source.store.pvc
    return {"spec": {"storage": {"readOnly": True}}} if pvc is not None and pvc.read_only else {}


ROWS = (
    MappingRow("spec.modelStore.nimCache.name", "`spec.storage.nimCache.name`", _cache_fragment),
    MappingRow(
        "spec.modelStore.nimCache.profile",
        "`spec.storage.nimCache.profile`; beside a share of a GPU, or with a map of resources that is empty, the"
        " environment variable `NIM_MODEL_PROFILE` instead",
        _profile_fragment,
        "For a profile the NIM Operator adds `nvidia.com/gpu`, which the scheduler refuses beside a share, and it falls"
        " over where a map is missing.",
    ),
    MappingRow(
        "spec.modelStore.pvc.claimName",
        "`spec.storage.pvc` with `create: false`; without claimName the claim is `<name>-model-store`",
        _claim_fragment,
        "A claim that the NIM Operator makes is deleted with the NIMService and has one access mode.",
    ),
    MappingRow("spec.modelStore.pvc.readOnly", "`spec.storage.readOnly`", _read_only_fragment),
)
