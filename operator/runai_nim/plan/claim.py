"""The claim: what may not change on one that we made, and when it is written. Pure."""

from collections.abc import Mapping
from typing import Any

from runai_nim import keys, quantity
from runai_nim.compare import differences
from runai_nim.observed import Claim
from runai_nim.plan.write import Write
from runai_nim.translate import Desired
from runai_nim.validate import Finding

_INFO = "spec.modelStore.pvc.claimInfo"


def made_for_it(wanted: Mapping[str, Any], found: Claim) -> bool:
    """Did we make the claim `found` for the RunaiNimService that `wanted` is rendered from?"""
    return bool(found.made_for == wanted["metadata"]["labels"][keys.SERVICE_LABEL])


def check_claim(desired: Desired, found: Claim | None) -> Finding | None:
    """What may not change on a claim that we made: its class, access modes, and its size downwards."""
    if desired.claim is None or found is None or not made_for_it(desired.claim, found):
        return None
    spec, name = desired.claim["spec"], desired.claim["metadata"]["name"]
    size = spec["resources"]["requests"]["storage"]
    remedy = f"set it back, or name a new claim in spec.modelStore.pvc.claimName ({name} keeps its data)"
    if quantity.parse(size) < quantity.parse(found.storage):
        rule = f"not be below the {found.storage} of claim {name}, since a claim can't shrink"
        return Finding(reason="ClaimCannotShrink", path=f"{_INFO}.size", value=size, rule=rule, remedy=remedy)
    storage_class = spec.get("storageClassName", found.storage_class)
    if storage_class != found.storage_class:
        rule = f"stay {found.storage_class or '(none)'}, the class that claim {name} was made with"
        path = f"{_INFO}.storageClass"
        return Finding(reason="ClaimImmutable", path=path, value=storage_class, rule=rule, remedy=remedy)
    if set(spec["accessModes"]) != set(found.access_modes):
        rule = f"stay {', '.join(found.access_modes)}, what claim {name} was made with"
        value = ", ".join(spec["accessModes"])
        return Finding(reason="ClaimImmutable", path=f"{_INFO}.accessModes", value=value, rule=rule, remedy=remedy)
    return None


def claim_write(cr: Mapping[str, Any], wanted: dict[str, Any] | None, found: Claim | None) -> Write | None:
    """What makes the claim as wanted; one that we did not make, or that is going, is left alone."""
    if wanted is None:
        return None
    if found is None:
        return Write(wanted, None)
    metadata = wanted["metadata"]
    if not made_for_it(wanted, found) or found.deleting:
        return None
    owned = cr["metadata"]["uid"] in found.owner_uids
    same = (
        quantity.equal(wanted["spec"]["resources"]["requests"]["storage"], found.storage)
        and not any(differences(metadata.get("annotations") or {}, found.annotations))
        and owned == bool(metadata.get("ownerReferences"))
    )
    return None if same else Write(wanted, found.resource_version)
