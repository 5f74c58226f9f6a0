"""Condition StorageReady: whether the NIMCache or claim exists and is usable."""

from runai_nim.api import well_known
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.condition import ConditionDraft
from runai_nim.domain.status.facts import Facts
from runai_nim.domain.status.pending_claim import pending_claim

STORAGE_READY = "StorageReady"


def storage_ready_condition(f: Facts) -> ConditionDraft:
    """Condition StorageReady, for the NIMCache or claim in the spec; Unknown for a rejected spec."""
    if f.cache_name:
        return _cache_condition(f)
    if f.claim_name:
        return _claim_condition(f)
    return ConditionDraft(
        type=STORAGE_READY,
        status="Unknown",
        reason=Reason.NOT_TRANSLATED,
        message="the spec is rejected, so the state of its storage is unknown",
    )


def _cache_condition(f: Facts) -> ConditionDraft:
    name = f"NIMCache {f.cache_name}"
    if f.cache is None:
        remedy = "create it, or correct spec.modelStore.nimCache.name"
        return ConditionDraft(
            type=STORAGE_READY,
            status="False",
            reason=Reason.NIM_CACHE_NOT_FOUND,
            message=f"{name} does not exist in this namespace; {remedy}",
        )
    said = f": {f.cache.message}" if f.cache.message else ""
    if f.cache.state == "Ready":
        return ConditionDraft(
            type=STORAGE_READY, status="True", reason=Reason.NIM_CACHE_READY, message=f"{name} is ready"
        )
    if f.cache.state == "Failed":
        return ConditionDraft(
            type=STORAGE_READY, status="False", reason=Reason.NIM_CACHE_FAILED, message=f"{name} has failed{said}"
        )
    state = f.cache.state or "no state"
    return ConditionDraft(
        type=STORAGE_READY,
        status="False",
        reason=Reason.NIM_CACHE_NOT_READY,
        message=f"{name} is not ready yet ({state}){said}",
    )


def _claim_condition(f: Facts) -> ConditionDraft:
    if f.claim is None:
        return _missing_claim_condition(f)
    name = f"PersistentVolumeClaim {f.claim_name}"
    if f.claim.is_deleting:
        return ConditionDraft(
            type=STORAGE_READY,
            status="False",
            reason=Reason.CLAIM_TERMINATING,
            message=f"Kubernetes deletes {name} as soon as no pod uses it; let the pods end, or name another claim in"
            " spec.modelStore.pvc.claimName",
        )
    if f.claim.phase == "Lost":
        remedy = "restore the volume, or name another claim in spec.modelStore.pvc.claimName"
        return ConditionDraft(
            type=STORAGE_READY,
            status="False",
            reason=Reason.CLAIM_LOST,
            message=f"{name} has lost its volume; {remedy}",
        )
    differs = f"; it existed before and is used as it is: {f.claim_difference}" if f.claim_difference else ""
    if f.claim.phase == "Bound":
        return ConditionDraft(
            type=STORAGE_READY, status="True", reason=Reason.CLAIM_BOUND, message=f"{name} is bound{differs}"
        )
    status, reason, message = pending_claim(f.claim, f.claim_events)
    return ConditionDraft(type=STORAGE_READY, status=status, reason=reason, message=f"{message}{differs}")


def _missing_claim_condition(f: Facts) -> ConditionDraft:
    name = f"PersistentVolumeClaim {f.claim_name}"
    if f.is_claim_ours:
        return ConditionDraft(
            type=STORAGE_READY,
            status="False",
            reason=Reason.CLAIM_NOT_MADE,
            message=f"the operator has not created {name} yet: {_obstacle(f)}",
        )
    remedy = (
        "create it, or remove spec.modelStore.pvc.existingPvc and set spec.modelStore.pvc.claimInfo, and the operator"
        " creates it"
    )
    return ConditionDraft(
        type=STORAGE_READY,
        status="False",
        reason=Reason.CLAIM_NOT_FOUND,
        message=f"{name} does not exist in this namespace; {remedy}",
    )


def _obstacle(f: Facts) -> str:
    """Why the operator has not created its claim: the same as for the NIMService."""
    if f.has_name_conflict:
        return "it writes nothing until the name conflict is resolved, for which the condition Ready has the remedy"
    if f.is_paused:
        return f"the annotation {well_known.PAUSED} keeps it from writing"
    return "the condition Ready says why"
