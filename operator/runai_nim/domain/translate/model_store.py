"""spec.modelStore → NIMService storage, or an environment variable for the profile. Expects a valid spec."""

from typing import Any

from runai_nim.api import quantity, well_known
from runai_nim.api.v1alpha1 import ClaimInfo, Compute
from runai_nim.domain import names
from runai_nim.domain.translate.compute import is_gpu_fraction, whole_gpus
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource, deep_merge, no_output, render_rows
from runai_nim.domain.validate.model_store import access_modes


def _cache_fragment(source: TranslationSource) -> Fragment:
    cache = source.store.nim_cache
    return {} if cache is None else {"spec": {"storage": {"nimCache": {"name": cache.name}}}}


def _profile_fragment(source: TranslationSource) -> Fragment:
    cache = source.store.nim_cache
    if cache is None or cache.profile is None:
        return {}
    if not _profile_overrides_resources(source.compute):
        return {"spec": {"storage": {"nimCache": {"profile": cache.profile}}}}
    variable_names = {item.name for item in source.spec.environment_variables or () if not item.exclude}
    if well_known.NIM_MODEL_PROFILE in variable_names:  # with the same value: another one is rejected
        return {}
    return {"spec": {"env": [{"name": well_known.NIM_MODEL_PROFILE, "value": cache.profile}]}}


def _profile_overrides_resources(compute: Compute) -> bool:
    """Whether a profile in storage would make the NIM Operator break the resources.

    It adds a missing nvidia.com/gpu, which the scheduler rejects together with a GPU share. And it writes into both
    maps of resources without checking that they exist, so it panics repeatedly if one is missing.
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
        "`spec.storage.nimCache.profile`; with a GPU share, or with an empty map of resources, the"
        " environment variable `NIM_MODEL_PROFILE` instead",
        _profile_fragment,
        "For a profile the NIM Operator adds `nvidia.com/gpu`, which the scheduler rejects with a share, and it panics"
        " if a map is missing.",
    ),
    MappingRow(
        "spec.modelStore.pvc.claimName",
        "`spec.storage.pvc` with `create: false`; without claimName the claim is `<name>-model-store`",
        _claim_fragment,
        "A claim that the NIM Operator creates is deleted with the NIMService and has one access mode.",
    ),
    MappingRow("spec.modelStore.pvc.readOnly", "`spec.storage.readOnly`", _read_only_fragment),
)


def make_claim(source: TranslationSource) -> dict[str, Any] | None:
    """The claim's manifest; None if the operator creates no claim, or the size is unknown.

    The hash covers everything but the owner, whose uid is compared separately.
    """
    pvc = source.store.pvc
    if pvc is None or pvc.existing_pvc or not (_claim_info(source).size or source.context.claim_size):
        return None
    manifest = render_rows(CLAIM_ROWS, source)
    marks = {well_known.SERVICE_UID: source.owner.uid} if source.owner.uid else {}
    content = {"annotations": manifest["metadata"].get("annotations", {}), "spec": manifest["spec"]}
    deep_merge(manifest, {"metadata": {"annotations": {**marks, well_known.SPEC_HASH: names.content_hash(content)}}})
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **manifest}


def _claim_info(source: TranslationSource) -> ClaimInfo:
    pvc = source.store.pvc
    return ClaimInfo() if pvc is None else pvc.claim_info or ClaimInfo()


def _identity_fragment(source: TranslationSource) -> Fragment:
    return {"metadata": {"namespace": source.owner.namespace, "labels": {well_known.SERVICE_LABEL: source.name}}}


def _annotations_fragment(source: TranslationSource) -> Fragment:
    items = _claim_info(source).added_attr_values or ()
    return {"metadata": {"annotations": {item.key: item.value or "" for item in items}}} if items else {}


def _owner_fragment(source: TranslationSource) -> Fragment:
    pvc = source.store.pvc
    is_owned = pvc is not None and pvc.retention_policy == "Delete"
    return {"metadata": {"ownerReferences": [source.owner.reference]}} if is_owned else {}


def _size_fragment(source: TranslationSource) -> Fragment:
    size = _claim_info(source).size
    storage = source.context.claim_size if size is None else str(quantity.parse_bytes(size))
    return {"spec": {"resources": {"requests": {"storage": storage}}}}


def _storage_class_fragment(source: TranslationSource) -> Fragment:
    storage_class = _claim_info(source).storage_class
    return {} if storage_class is None else {"spec": {"storageClassName": storage_class}}


def _volume_mode_fragment(source: TranslationSource) -> Fragment:
    volume_mode = _claim_info(source).volume_mode
    return {} if volume_mode is None else {"spec": {"volumeMode": volume_mode}}


CLAIM_ROWS = (
    MappingRow(
        "spec.modelStore.pvc.claimName",
        "the claim's name; default `<name>-model-store`, shortened with a hash to 63 characters",
        lambda s: {"metadata": {"name": s.claim_name}},
        "An existing claim with that name is used unchanged.",
    ),
    MappingRow(
        "",
        "its namespace, the label `runai-nim.io/service`, and the annotations `runai-nim.io/service-uid` and"
        " `runai-nim.io/spec-hash`",
        _identity_fragment,
        "The operator changes a claim only if it has the uid of this RunaiNimService. With the hash, it detects removed"
        " fields.",
    ),
    MappingRow(
        "spec.modelStore.pvc.existingPvc",
        "`true`: the operator creates no claim; it must exist",
        no_output,
    ),
    MappingRow(
        "spec.modelStore.pvc.claimInfo.addedAttrValues",
        "annotations of the claim",
        _annotations_fragment,
        "For provisioners; keys under kubernetes.io and k8s.io are rejected.",
    ),
    MappingRow(
        "spec.modelStore.pvc.retentionPolicy",
        "`Delete`: an owner reference, so that the claim is deleted with the RunaiNimService; `Retain` (default): none",
        _owner_fragment,
        "Weights are large and claims are shared. The operator never owns a claim that existed before, or that an"
        " earlier RunaiNimService with this name left.",
    ),
    MappingRow(
        "spec.modelStore.pvc.claimInfo.accessModes",
        "`spec.accessModes`: all that are true; default ReadWriteOnce",
        lambda s: {"spec": {"accessModes": access_modes(_claim_info(s).access_modes)}},
    ),
    MappingRow(
        "spec.modelStore.pvc.claimInfo.size",
        "`spec.resources.requests.storage`; it may grow, but not shrink; not required if the claim exists",
        _size_fragment,
    ),
    MappingRow(
        "spec.modelStore.pvc.claimInfo.storageClass",
        "`spec.storageClassName`, omitted if absent",
        _storage_class_fragment,
        "An empty string would mean no class instead of the cluster's default class.",
    ),
    MappingRow("spec.modelStore.pvc.claimInfo.volumeMode", "`spec.volumeMode`", _volume_mode_fragment),
)
