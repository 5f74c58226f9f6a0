"""Condition StorageReady: is the place that the model is kept in there and usable? Pure."""

from runai_nim.api import well_known
from runai_nim.domain.status.condition import Condition
from runai_nim.domain.status.facts import Facts

TYPE = "StorageReady"


def storage_from(f: Facts) -> Condition:
    """Of the NIMCache or of the claim, whichever the spec names; Unknown while the spec is refused."""
    if f.cache_name:
        return _of_cache(f)
    if f.claim_name:
        return _of_claim(f)
    return Condition(TYPE, "Unknown", "NotTranslated", "the spec is refused, so nothing is known of its storage")


def _of_cache(f: Facts) -> Condition:
    name = f"NIMCache {f.cache_name}"
    if f.cache is None:
        remedy = "create it, or correct spec.modelStore.nimCache.name; the service starts by itself then"
        return Condition(TYPE, "False", "NIMCacheNotFound", f"{name} does not exist in this namespace; {remedy}")
    said = f": {f.cache.message}" if f.cache.message else ""
    if f.cache.state == "Ready":
        return Condition(TYPE, "True", "NIMCacheReady", f"{name} is ready")
    if f.cache.state == "Failed":
        return Condition(TYPE, "False", "NIMCacheFailed", f"{name} has failed{said}")
    state = f.cache.state or "no state"
    return Condition(TYPE, "False", "NIMCacheNotReady", f"{name} is not ready yet ({state}){said}")


def _of_claim(f: Facts) -> Condition:
    name = f"PersistentVolumeClaim {f.claim_name}"
    if f.claim is None and f.claim_is_made:
        return Condition(TYPE, "False", "ClaimNotMade", f"{name} is not made yet: {_obstacle(f)}")
    if f.claim is None:
        remedy = "create it, or leave spec.modelStore.pvc.existingPvc out and give claimInfo to have it made"
        return Condition(TYPE, "False", "ClaimNotFound", f"{name} does not exist in this namespace; {remedy}")
    if f.claim.deleting:
        return Condition(TYPE, "False", "ClaimTerminating", f"{name} is being deleted and goes with its last pod")
    if f.claim.phase == "Lost":
        remedy = "restore the volume, or name another claim in spec.modelStore.pvc.claimName"
        return Condition(TYPE, "False", "ClaimLost", f"{name} has lost its volume; {remedy}")
    differs = f"; it was there before and is used as it is: {f.claim_differs}" if f.claim_differs else ""
    if f.claim.phase == "Bound":
        return Condition(TYPE, "True", "ClaimBound", f"{name} is bound{differs}")
    return Condition(TYPE, "Unknown", "ClaimPending", f"{name} waits for a volume, or for its first pod{differs}")


def _obstacle(f: Facts) -> str:
    """Why a claim that the operator makes is not there: whatever stops the NIMService stops it too."""
    if f.conflict:
        return f"NIMService {f.name} belongs to somebody else, and nothing is written until that is resolved"
    if f.paused:
        return f"the annotation {well_known.PAUSED} keeps the operator from making it"
    return "the condition Ready says why"
