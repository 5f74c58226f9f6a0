"""Whose is an object that has a name of ours? Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping, word
from runai_nim.domain.observed import ObservedClaim, controller_of
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding


def is_ours(cr: Mapping[str, Any], live: Mapping[str, Any] | None) -> bool:
    """Is `live` made for this very CR, by its controller's uid?"""
    return live is not None and controller_of(live).get("uid") == cr["metadata"]["uid"]


def is_predecessor(cr: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Was it made for a deleted CR of this name? The garbage collector takes it."""
    controller = controller_of(live)
    same = (controller.get("kind"), controller.get("name")) == (well_known.KIND, cr["metadata"]["name"])
    return same and not is_ours(cr, live)


def previous_instance(cr: Mapping[str, Any], live: Mapping[str, Any] | None) -> str:
    """Why a NIMService of our name must be gone before ours can be written; empty when nothing stands in the way."""
    if live is None or not (is_predecessor(cr, live) or "deletionTimestamp" in live["metadata"]):
        return ""
    return f"NIMService {live['metadata']['name']} is being deleted; it is made anew as soon as it is gone"


def check_owner(cr: Mapping[str, Any], live: Mapping[str, Any] | None, claim: ObservedClaim | None) -> Finding | None:
    """A NIMService of our name that somebody else made is never written. `claim` is the one that the CR names.

    To delete it is no remedy: the claims that the NIM Operator made for it would go with it.
    """
    if live is None or is_ours(cr, live) or is_predecessor(cr, live) or _may_be_adopted(cr, live):
        return None
    name, controller = cr["metadata"]["name"], controller_of(live)
    owner = f", owned by {word(controller.get('kind'))} {word(controller.get('name'))}" if controller else ""
    claims_held = " and ".join(f"claim {held}" for held in sorted(_blocking_claims(live, claim)))
    remedy = "give this RunaiNimService another name"
    if controller:
        remedy += f" ({claims_held} would be deleted with that NIMService)" if claims_held else ""
    else:
        kept = f" ({claims_held}, which would be deleted with it, is released first and stays)" if claims_held else ""
        remedy = f'hand that NIMService over with the annotation {well_known.ADOPT}: "true" on it{kept}, or {remedy}'
    return Finding(
        reason=Reason.NAME_CONFLICT,
        path="metadata.name",
        value=name,
        must=f"not be the name of a NIMService that this RunaiNimService did not make{owner}",
        remedy=remedy,
    )


def is_handed_over(live: Mapping[str, Any]) -> bool:
    """Does the annotation `runai-nim.io/adopt: "true"` hand the NIMService to the CR of its name?"""
    return mapping(live["metadata"].get("annotations")).get(well_known.ADOPT) == "true"


def _may_be_adopted(cr: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Nobody controls it, and it is handed over by annotation or was ours before it was orphaned or restored."""
    metadata = live["metadata"]
    service_label = mapping(metadata.get("labels")).get(well_known.SERVICE_LABEL) == cr["metadata"]["name"]
    was_ours = service_label and well_known.SPEC_HASH in mapping(metadata.get("annotations"))
    return (is_handed_over(live) or was_ours) and not controller_of(live)


def _blocking_claims(live: Mapping[str, Any], claim: ObservedClaim | None) -> Iterator[str]:
    """Names of claims that would be deleted with the NIMService: that which its spec has made, and that of the CR."""
    pvc = mapping(mapping(mapping(live.get("spec")).get("storage")).get("pvc"))
    made = (word(pvc.get("name")) or f"{live['metadata']['name']}-pvc") if pvc.get("create") else ""
    if made:
        yield made
    if claim is not None and claim.name != made and claim.is_owned_by(live["metadata"]["uid"]):
        yield claim.name
