"""Ownership of children: the operator's, a predecessor's, adoptable or foreign."""

from collections.abc import Iterator, Mapping
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping, word
from runai_nim.domain.observed import ObservedClaim, controller_of
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding


def is_ours(cr: Mapping[str, Any], live: Mapping[str, Any] | None) -> bool:
    """Whether this RunaiNimService controls `live`, by uid."""
    return live is not None and controller_of(live).get("uid") == cr["metadata"]["uid"]


def is_predecessor(cr: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether a deleted RunaiNimService of this name controls `live`, so that the garbage collector will delete it."""
    controller = controller_of(live)
    same = (controller.get("kind"), controller.get("name")) == (well_known.KIND, cr["metadata"]["name"])
    return same and not is_ours(cr, live)


def previous_instance(cr: Mapping[str, Any], live: Mapping[str, Any] | None) -> str:
    """Why an old NIMService of this name must be gone before the new one is written; empty if nothing prevents it."""
    if live is None or not (is_predecessor(cr, live) or "deletionTimestamp" in live["metadata"]):
        return ""
    return f"NIMService {live['metadata']['name']} is being deleted; the operator creates the new one after that"


def check_owner(cr: Mapping[str, Any], live: Mapping[str, Any] | None, claim: ObservedClaim | None) -> Finding | None:
    """The finding for a foreign NIMService with this name, which the operator never writes. `claim`: the claim in the
    spec.

    The remedy is not to delete it, because that would delete the claims that the NIM Operator created for it.
    """
    if live is None or is_ours(cr, live) or is_predecessor(cr, live) or _may_be_adopted(cr, live):
        return None
    name = cr["metadata"]["name"]
    controller = controller_of(live)
    owner = f", owned by {word(controller.get('kind'))} {word(controller.get('name'))}" if controller else ""
    claims_held = " and ".join(f"claim {held}" for held in sorted(_blocking_claims(live, claim)))
    remedy = "give this RunaiNimService another name"
    if controller:
        remedy += f" ({claims_held} would be deleted with that NIMService)" if claims_held else ""
    else:
        kept = f" (the operator first releases {claims_held} and keeps the data)" if claims_held else ""
        remedy = f'set the annotation {well_known.ADOPT}: "true" on that NIMService to adopt it{kept}, or {remedy}'
    return Finding(
        reason=Reason.NAME_CONFLICT,
        path="metadata.name",
        value=name,
        must=f"not be the name of an existing NIMService that this RunaiNimService did not create{owner}",
        remedy=remedy,
    )


def is_handed_over(live: Mapping[str, Any]) -> bool:
    """Whether the annotation `runai-nim.io/adopt: "true"` allows the RunaiNimService of this name to adopt the
    NIMService."""
    return mapping(live["metadata"].get("annotations")).get(well_known.ADOPT) == "true"


def _may_be_adopted(cr: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Without a controller, and with the annotation, or ours before it was orphaned or restored."""
    metadata = live["metadata"]
    service_label = mapping(metadata.get("labels")).get(well_known.SERVICE_LABEL) == cr["metadata"]["name"]
    was_ours = service_label and well_known.SPEC_HASH in mapping(metadata.get("annotations"))
    return (is_handed_over(live) or was_ours) and not controller_of(live)


def _blocking_claims(live: Mapping[str, Any], claim: ObservedClaim | None) -> Iterator[str]:
    """Names of claims that would be deleted with the NIMService: the claim that it created, and the claim in the
    spec."""
    pvc = mapping(mapping(mapping(live.get("spec")).get("storage")).get("pvc"))
    made = (word(pvc.get("name")) or f"{live['metadata']['name']}-pvc") if pvc.get("create") else ""
    if made:
        yield made
    if claim is not None and claim.name != made and claim.is_owned_by(live["metadata"]["uid"]):
        yield claim.name
