"""The claim: which is ours, what may not change on it, when it is written, and who has to let go of it. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from runai_nim.api import quantity, well_known
from runai_nim.domain.diff import differences
from runai_nim.domain.observed import ObservedClaim, digest_annotations
from runai_nim.domain.plan.write import Release, Write
from runai_nim.domain.translate import Desired
from runai_nim.domain.validate import Finding

_CLAIM_INFO = "spec.modelStore.pvc.claimInfo"


def is_made_for(cr: Mapping[str, Any], found: ObservedClaim) -> bool:
    """Did we make the claim for this very RunaiNimService, and not for an earlier one of its name?"""
    uid = found.annotations.get(well_known.SERVICE_UID)
    return _is_made_by_0_1_0(cr, found) if uid is None else bool(uid) and uid == cr["metadata"].get("uid")


def _is_made_by_0_1_0(cr: Mapping[str, Any], found: ObservedClaim) -> bool:
    """Version 0.1.0 wrote no uid. What it made since the RunaiNimService exists, it made for this one.

    An owner reference proves nothing: 0.1.0 also put it on what an earlier RunaiNimService of the name had left. Both
    times count: a claim that a backup brought back is new, and its managedFields are as old as they were. Times are
    whole seconds: a claim that an earlier RunaiNimService left in the very second in which this one was created is
    taken for this one's, and holds nothing yet.
    """
    since = cr["metadata"].get("creationTimestamp", "")
    return _is_named_after(cr, found) and bool(since) and min(found.created_at, found.applied_at) >= since


def _is_named_after(cr: Mapping[str, Any], found: ObservedClaim) -> bool:
    return found.made_for_uid == str(cr["metadata"]["name"])


def check_claim(cr: Mapping[str, Any], desired: Desired, found: ObservedClaim | None) -> Finding | None:
    """What may not change on a claim that we made: its class, access modes, and its size downwards."""
    if desired.claim is None or found is None or not is_made_for(cr, found):
        return None
    spec, name = desired.claim["spec"], desired.claim["metadata"]["name"]
    size = spec["resources"]["requests"]["storage"]
    remedy = f"set it back, or name a new claim in spec.modelStore.pvc.claimName ({name} keeps its data)"
    if _is_less(size, found.storage):
        rule = f"not be below the {found.storage} of claim {name}, since a claim can't shrink"
        return Finding(reason="ClaimCannotShrink", path=f"{_CLAIM_INFO}.size", value=size, must=rule, remedy=remedy)
    storage_class = spec.get("storageClassName", found.storage_class)
    if storage_class != found.storage_class:
        rule = f"stay {found.storage_class or '(none)'}, the class that claim {name} was made with"
        path = f"{_CLAIM_INFO}.storageClass"
        return Finding(reason="ClaimImmutable", path=path, value=storage_class, must=rule, remedy=remedy)
    if set(spec["accessModes"]) != set(found.access_modes):
        rule = f"stay {', '.join(found.access_modes)}, what claim {name} was made with"
        value = ", ".join(spec["accessModes"])
        return Finding(
            reason="ClaimImmutable", path=f"{_CLAIM_INFO}.accessModes", value=value, must=rule, remedy=remedy
        )
    return None


def _is_less(size: str, than: str) -> bool:
    try:
        return quantity.parse(size) < quantity.parse(than)
    except quantity.QuantityError:  # the API server prints no such amount of a claim
        return False


def claim_write(cr: Mapping[str, Any], wanted: dict[str, Any] | None, found: ObservedClaim | None) -> Write | None:
    """What makes the claim as wanted; one that we did not make, or that is going, is left alone."""
    if wanted is None:
        return None
    if found is None:
        return Write(wanted, None)
    metadata, spec = wanted["metadata"], wanted["spec"]
    if not is_made_for(cr, found) or found.is_deleting:
        return None
    owns, owned = bool(metadata.get("ownerReferences")), found.is_owned_by(cr["metadata"]["uid"])
    same = (
        quantity.is_equal(spec["resources"]["requests"]["storage"], found.storage)
        and not any(differences(digest_annotations(metadata["annotations"]), found.annotations))
        and _is_named_after(cr, found)
        and (owned or not owns)
    )
    # Server-side apply takes away what it no longer finds in a manifest, and of a claim's class that is refused.
    kept = {"storageClassName": found.storage_class} if found.storage_class else {}
    # A claim that has lost its owner may just have been orphaned: owned again, it would go with it after all.
    confirm = owns and not owned
    return (
        None
        if same
        else Write({**wanted, "spec": {**spec, **kept}}, found.resource_version, needs_confirmation=confirm)
    )


def previous_claim_reason(cr: Mapping[str, Any], found: ObservedClaim | None) -> str:
    """Why a claim must be gone before anything is written: it goes with a deleted CR of this name."""
    if found is None or not any(_is_previous(cr, *owner) for owner in found.owners):
        return ""
    return (
        f"PersistentVolumeClaim {found.name} goes with the RunaiNimService {cr['metadata']['name']} that was deleted"
        " before (its retentionPolicy is Delete)"
    )


def _is_previous(cr: Mapping[str, Any], kind: str, name: str, uid: str) -> bool:
    return (kind, name) == (well_known.KIND, cr["metadata"]["name"]) and uid != cr["metadata"].get("uid")


def releases_from_cr(cr: Mapping[str, Any], desired: Desired, found: ObservedClaim) -> Iterator[Release]:
    """From the CR, a claim that stays when it is deleted: one that we made and have no retentionPolicy Delete for, or
    one that an earlier CR of this name left, which version 0.1.0 took for ours. A claim that others made is theirs.
    """
    uid = cr["metadata"].get("uid", "")
    if not found.is_owned_by(uid):
        return
    if is_made_for(cr, found):
        # While the spec is refused nobody knows.
        stays = desired.nimservice is not None and not (desired.claim or {}).get("metadata", {}).get("ownerReferences")
    else:
        stays = _is_named_after(cr, found)
    if stays:
        yield Release(found.name, found.uid, f"{well_known.KIND} {cr['metadata']['name']}", uid)


def releases_from(nimservice: Mapping[str, Any], claims: Iterable[ObservedClaim]) -> Iterator[Release]:
    """From a NIMService, the claims that would be deleted with it: it was somebody's before it was ours."""
    name, uid = nimservice["metadata"]["name"], nimservice["metadata"]["uid"]
    for claim in claims:
        if claim.is_owned_by(uid):
            yield Release(claim.name, claim.uid, f"{well_known.NIMSERVICE_KIND} {name}", uid)
