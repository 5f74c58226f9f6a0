"""Whose is an object that has a name of ours? Pure."""

from collections.abc import Mapping
from typing import Any

from runai_nim import keys
from runai_nim.observed import controller_of
from runai_nim.validate import Finding


def is_ours(cr: Mapping[str, Any], live: Mapping[str, Any] | None) -> bool:
    """Is `live` made for this very CR, by its controller's uid?"""
    return live is not None and controller_of(live).get("uid") == cr["metadata"]["uid"]


def is_previous(cr: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Was it made for a deleted CR of this name? The garbage collector takes it."""
    controller = controller_of(live)
    same = (controller.get("kind"), controller.get("name")) == (keys.KIND, cr["metadata"]["name"])
    return same and not is_ours(cr, live)


def previous_instance(cr: Mapping[str, Any], live: Mapping[str, Any] | None) -> str:
    """Why a NIMService of our name must be gone before ours can be written; empty when nothing stands in the way."""
    if live is None or not (is_previous(cr, live) or "deletionTimestamp" in live["metadata"]):
        return ""
    return f"NIMService {live['metadata']['name']} is being deleted; it is made anew as soon as it is gone"


def check_owner(cr: Mapping[str, Any], live: Mapping[str, Any] | None) -> Finding | None:
    """A NIMService of our name that somebody else made is never written."""
    if live is None or is_ours(cr, live) or is_previous(cr, live) or _may_be_taken(cr, live):
        return None
    name, controller = cr["metadata"]["name"], controller_of(live)
    owner = f", owned by {controller['kind']} {controller['name']}" if controller else ""
    remedy = "delete it or give this RunaiNimService another name"
    if not controller:
        remedy += f', or hand it over with the annotation {keys.ADOPT}: "true" on that NIMService'
    return Finding(
        reason="NameConflict",
        path="metadata.name",
        value=name,
        rule=f"not be the name of a NIMService that this RunaiNimService did not make{owner}",
        remedy=remedy,
    )


def _may_be_taken(cr: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Nobody controls it, and it is handed over by annotation or was ours before it was orphaned or restored."""
    metadata = live["metadata"]
    annotations = metadata.get("annotations") or {}
    was_ours = (metadata.get("labels") or {}).get(keys.SERVICE_LABEL) == cr["metadata"]["name"]
    marked = annotations.get(keys.ADOPT) == "true" or (was_ours and keys.SPEC_HASH in annotations)
    return marked and not controller_of(live)
