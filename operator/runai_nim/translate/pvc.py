"""spec.modelStore.pvc → the claim that the operator makes. Expects a spec without errors."""

from typing import Any

from runai_nim import keys, quantity
from runai_nim.api.v1alpha1 import ClaimInfo, Pvc
from runai_nim.translate.owner import Owner
from runai_nim.validate.model_store import access_modes


def make_claim(owner: Owner, claim_name: str, pvc: Pvc | None) -> dict[str, Any] | None:
    """The claim's manifest; None when none is ours to make, or no size says how.

    The owner reference, which has the claim deleted with its RunaiNimService, is there for retentionPolicy Delete only.
    """
    info = ClaimInfo() if pvc is None else pvc.claim_info or ClaimInfo()
    if pvc is None or pvc.existing_pvc or info.size is None:
        return None
    metadata: dict[str, Any] = {
        "name": claim_name,
        "namespace": owner.namespace,
        "labels": {keys.SERVICE_LABEL: owner.name},
    }
    if info.added_attr_values:
        metadata["annotations"] = {item.key: item.value or "" for item in info.added_attr_values}
    if pvc.retention_policy == "Delete":
        metadata["ownerReferences"] = [owner.reference]
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": _claim_spec(info)}


def _claim_spec(info: ClaimInfo) -> dict[str, Any]:
    size = str(quantity.parse_bytes(info.size or ""))
    spec: dict[str, Any] = {
        "accessModes": access_modes(info.access_modes),
        "resources": {"requests": {"storage": size}},
    }
    if info.storage_class is not None:  # "" would mean: no class, rather than the default one
        spec["storageClassName"] = info.storage_class
    if info.volume_mode is not None:
        spec["volumeMode"] = info.volume_mode
    return spec
