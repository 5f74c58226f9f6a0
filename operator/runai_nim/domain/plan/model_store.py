"""Plans the claim: who created it, what is immutable, when it is written, and which owner references are released."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from runai_nim.api import quantity, well_known
from runai_nim.domain.diff import differences
from runai_nim.domain.observed import ObservedClaim, digest_annotations
from runai_nim.domain.plan.write import Release, Write
from runai_nim.domain.reasons import Reason
from runai_nim.domain.translate import Desired
from runai_nim.domain.validate import Finding

_CLAIM_INFO = "spec.modelStore.pvc.claimInfo"


def is_made_for(cr: Mapping[str, Any], claim: ObservedClaim) -> bool:
    """Whether the operator created the claim for this RunaiNimService, not for a predecessor with the same name."""
    uid = claim.annotations.get(well_known.SERVICE_UID)
    return _is_made_by_0_1_0(cr, claim) if uid is None else bool(uid) and uid == cr["metadata"].get("uid")


def _is_made_by_0_1_0(cr: Mapping[str, Any], claim: ObservedClaim) -> bool:
    """Version 0.1.0 wrote no uid. Claims that it created after the RunaiNimService belong to this RunaiNimService.

    Owner references prove nothing, because 0.1.0 also set them on claims of a predecessor. Both times count: a claim
    restored from a backup is new, but its managedFields keep their old times. Times have a resolution of seconds: a
    claim that a predecessor left in the second in which this RunaiNimService was created counts as this one's, and has
    no data yet.
    """
    since = cr["metadata"].get("creationTimestamp", "")
    return _is_named_after(cr, claim) and bool(since) and min(claim.created_at, claim.applied_at) >= since


def _is_named_after(cr: Mapping[str, Any], claim: ObservedClaim) -> bool:
    return claim.service_label == str(cr["metadata"]["name"])


def check_claim(cr: Mapping[str, Any], desired: Desired, claim: ObservedClaim | None) -> Finding | None:
    """Class, access modes and shrinking: what can't change on a claim that the operator created."""
    if desired.claim is None or claim is None or not is_made_for(cr, claim):
        return None
    spec = desired.claim["spec"]
    name = desired.claim["metadata"]["name"]
    size = spec["resources"]["requests"]["storage"]
    remedy = f"restore it, or set a new claim in spec.modelStore.pvc.claimName ({name} keeps its data)"
    if _is_less(size, claim.storage):
        rule = f"not be below the {claim.storage} of claim {name}, because a claim can't shrink"
        return Finding(
            reason=Reason.CLAIM_CANNOT_SHRINK, path=f"{_CLAIM_INFO}.size", value=size, must=rule, remedy=remedy
        )
    storage_class = spec.get("storageClassName", claim.storage_class)
    if storage_class != claim.storage_class:
        rule = f"be {claim.storage_class or '(none)'}, the immutable class of the existing claim {name}"
        path = f"{_CLAIM_INFO}.storageClass"
        return Finding(reason=Reason.CLAIM_IMMUTABLE, path=path, value=storage_class, must=rule, remedy=remedy)
    if set(spec["accessModes"]) != set(claim.access_modes):
        rule = f"be {', '.join(claim.access_modes)}, the immutable access modes of the existing claim {name}"
        value = ", ".join(spec["accessModes"])
        return Finding(
            reason=Reason.CLAIM_IMMUTABLE, path=f"{_CLAIM_INFO}.accessModes", value=value, must=rule, remedy=remedy
        )
    return None


def _is_less(size: str, than: str) -> bool:
    try:
        return quantity.parse(size) < quantity.parse(than)
    except quantity.QuantityError:  # the API server never returns such a size of a claim
        return False


def claim_write(cr: Mapping[str, Any], manifest: dict[str, Any] | None, claim: ObservedClaim | None) -> Write | None:
    """The write of the claim, if needed; the operator leaves foreign and terminating claims alone."""
    if manifest is None:
        return None
    if claim is None:
        return Write(manifest, None)
    metadata = manifest["metadata"]
    spec = manifest["spec"]
    if not is_made_for(cr, claim) or claim.is_deleting:
        return None
    owns = bool(metadata.get("ownerReferences"))
    is_owned = claim.is_owned_by(cr["metadata"]["uid"])
    same = (
        quantity.is_equal(spec["resources"]["requests"]["storage"], claim.storage)
        and not any(differences(digest_annotations(metadata["annotations"]), claim.annotations))
        and _is_named_after(cr, claim)
        and (is_owned or not owns)
    )
    # Server-side apply would remove the omitted class of a claim, which the API server rejects.
    kept = {"storageClassName": claim.storage_class} if claim.storage_class else {}
    # A claim without its owner may just have been orphaned: with the owner restored, it would be deleted after all.
    confirm = owns and not is_owned
    return (
        None
        if same
        else Write({**manifest, "spec": {**spec, **kept}}, claim.resource_version, needs_confirmation=confirm)
    )


def previous_claim_reason(cr: Mapping[str, Any], claim: ObservedClaim | None) -> str:
    """Why the claim must be gone before any write: it is deleted together with a predecessor of this name."""
    if claim is None or not any(_is_previous(cr, *owner) for owner in claim.owners):
        return ""
    return (
        f"PersistentVolumeClaim {claim.name} is being deleted with the previous RunaiNimService"
        f" {cr['metadata']['name']} (retentionPolicy Delete)"
    )


def _is_previous(cr: Mapping[str, Any], kind: str, name: str, uid: str) -> bool:
    return (kind, name) == (well_known.KIND, cr["metadata"]["name"]) and uid != cr["metadata"].get("uid")


def releases_from_cr(cr: Mapping[str, Any], desired: Desired, claim: ObservedClaim) -> Iterator[Release]:
    """Release claims that must outlive the RunaiNimService: those without retentionPolicy Delete, and those of a
    predecessor that version 0.1.0 adopted. Owner references on foreign claims are left alone."""
    uid = cr["metadata"].get("uid", "")
    if not claim.is_owned_by(uid):
        return
    if is_made_for(cr, claim):
        # Unknown while the spec is rejected.
        stays = desired.nimservice is not None and not (desired.claim or {}).get("metadata", {}).get("ownerReferences")
    else:
        stays = _is_named_after(cr, claim)
    if stays:
        yield Release(claim.name, claim.uid, f"{well_known.KIND} {cr['metadata']['name']}", uid)


def releases_from(nimservice: Mapping[str, Any], claims: Iterable[ObservedClaim]) -> Iterator[Release]:
    """Release claims that would be deleted with an adopted NIMService."""
    name = nimservice["metadata"]["name"]
    uid = nimservice["metadata"]["uid"]
    for claim in claims:
        if claim.is_owned_by(uid):
            yield Release(claim.name, claim.uid, f"{well_known.NIMSERVICE_KIND} {name}", uid)
