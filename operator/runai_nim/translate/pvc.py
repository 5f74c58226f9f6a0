"""spec.modelStore.pvc → the PersistentVolumeClaim that the operator makes. Expects a spec without errors."""

from typing import Any

from runai_nim import keys, quantity
from runai_nim.api.v1alpha1 import ClaimInfo
from runai_nim.translate.row import Fragment, Row, Source, made, nothing
from runai_nim.validate.model_store import access_modes


def make_claim(source: Source) -> dict[str, Any] | None:
    """The claim's manifest; None when none is ours to make, or no size says how."""
    pvc = source.store.pvc
    if pvc is None or pvc.existing_pvc or _info(source).size is None:
        return None
    head = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    return head | made(ROWS, source)


def _info(source: Source) -> ClaimInfo:
    pvc = source.store.pvc
    return ClaimInfo() if pvc is None else pvc.claim_info or ClaimInfo()


def _identity(source: Source) -> Fragment:
    return {"metadata": {"namespace": source.owner.namespace, "labels": {keys.SERVICE_LABEL: source.name}}}


def _annotations(source: Source) -> Fragment:
    items = _info(source).added_attr_values or ()
    return {"metadata": {"annotations": {item.key: item.value or "" for item in items}}} if items else {}


def _owner(source: Source) -> Fragment:
    pvc = source.store.pvc
    owned = pvc is not None and pvc.retention_policy == "Delete"
    return {"metadata": {"ownerReferences": [source.owner.reference]}} if owned else {}


def _size(source: Source) -> Fragment:
    size = str(quantity.parse_bytes(_info(source).size or ""))
    return {"spec": {"resources": {"requests": {"storage": size}}}}


def _storage_class(source: Source) -> Fragment:
    storage_class = _info(source).storage_class
    return {} if storage_class is None else {"spec": {"storageClassName": storage_class}}


def _volume_mode(source: Source) -> Fragment:
    volume_mode = _info(source).volume_mode
    return {} if volume_mode is None else {"spec": {"volumeMode": volume_mode}}


ROWS = (
    Row(
        "spec.modelStore.pvc.claimName",
        "the claim's name; absent: `<name>-model-store`, shortened with a hash to 63 characters",
        lambda s: {"metadata": {"name": s.claim_name}},
        "A claim of that name that is there already is used as it is.",
    ),
    Row("", "its namespace, and the label that says whose it is", _identity),
    Row(
        "spec.modelStore.pvc.existingPvc",
        "`true`: no claim is made, it has to be there",
        nothing,
    ),
    Row(
        "spec.modelStore.pvc.claimInfo.addedAttrValues",
        "annotations of the claim",
        _annotations,
        "For provisioners; keys under kubernetes.io and k8s.io are refused.",
    ),
    Row(
        "spec.modelStore.pvc.retentionPolicy",
        "`Delete`: an owner reference, so that the claim goes with the RunaiNimService; `Retain` (default): none",
        _owner,
        "Weights are large and claims are shared. A claim that was found is never owned.",
    ),
    Row(
        "spec.modelStore.pvc.claimInfo.accessModes",
        "`spec.accessModes`: all that are true; default ReadWriteOnce",
        lambda s: {"spec": {"accessModes": access_modes(_info(s).access_modes)}},
    ),
    Row(
        "spec.modelStore.pvc.claimInfo.size",
        "`spec.resources.requests.storage`; growing is patched, shrinking refused",
        _size,
    ),
    Row(
        "spec.modelStore.pvc.claimInfo.storageClass",
        "`spec.storageClassName`, left out when absent",
        _storage_class,
        "An empty text would mean no class, rather than the cluster's default one.",
    ),
    Row("spec.modelStore.pvc.claimInfo.volumeMode", "`spec.volumeMode`", _volume_mode),
)
