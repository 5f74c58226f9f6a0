"""spec.modelStore → NIMService storage, and the environment variable that names a profile where storage must not.

Expects a spec without errors. The claim itself is made by `pvc`.
"""

from typing import Any

from runai_nim import keys
from runai_nim.api.v1alpha1 import Compute, ModelStore, NimCache
from runai_nim.translate.compute import is_share, whole_gpus


def storage_fragment(store: ModelStore, compute: Compute, claim_name: str | None) -> dict[str, Any]:
    """`storage` with the one store that is wanted, and `env` when the profile goes to the NIM directly."""
    if store.nim_cache is not None:
        return _cache_fragment(store.nim_cache, compute)
    # Never create: true. Such a claim is deleted with the NIMService and has one access mode.
    storage: dict[str, Any] = {"pvc": {"create": False, "name": claim_name}}
    if store.pvc is not None and store.pvc.read_only:
        storage["readOnly"] = True
    return {"storage": storage}


def _cache_fragment(cache: NimCache, compute: Compute) -> dict[str, Any]:
    reference = {"name": cache.name}
    if cache.profile is None:
        return {"storage": {"nimCache": reference}}
    if _profile_breaks_resources(compute):
        env = [{"name": keys.NIM_MODEL_PROFILE, "value": cache.profile}]
        return {"storage": {"nimCache": reference}, "env": env}
    return {"storage": {"nimCache": reference | {"profile": cache.profile}}}


def _profile_breaks_resources(compute: Compute) -> bool:
    """For a profile the NIM Operator adds nvidia.com/gpu where it is missing.

    Beside a share of a GPU the scheduler refuses that; and it writes into both maps without looking whether they are
    there, so that a missing one makes it fall over for ever.
    """
    if is_share(compute):
        return True
    asks = compute.cpu_core_request is not None or compute.cpu_memory_request is not None
    limits = compute.cpu_core_limit is not None or compute.cpu_memory_limit is not None
    return whole_gpus(compute) is None and not (asks and limits)
