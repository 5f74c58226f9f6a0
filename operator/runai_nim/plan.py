"""What to write: decided from what is wanted and what is there. Pure; `reconcile` carries it out.

The claim is decided with the NIMService, since either both are written or neither is: a CR that is refused leaves
everything as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runai_nim import keys, quantity
from runai_nim.compare import differences, with_kept_leaves
from runai_nim.observed import Claim, Observed, controller_of
from runai_nim.translate import Desired
from runai_nim.validate import Finding

PREVIOUS_INSTANCE_TERMINATING = "PreviousInstanceTerminating"


@dataclass(frozen=True, slots=True)
class Write:
    """One server-side apply; `resource_version` None creates, anything else changes just that version."""

    manifest: dict[str, Any]
    resource_version: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The writes of one reconciliation, in this order, or what stands in their way.

    `refused` is for a person to heal, by the CR or by the object it names; `waiting` heals itself.
    """

    claim: Write | None = None
    nimservice: Write | None = None
    refused: Finding | None = None
    waiting: str = ""


def plan(cr: Mapping[str, Any], desired: Desired, observed: Observed) -> Plan:
    """The plan for `cr`. Nothing is written for a CR that is refused, paused or going."""
    if desired.nimservice is None or is_paused(cr) or "deletionTimestamp" in cr["metadata"]:
        return Plan()
    if refused := check_owner(cr, observed.nimservice) or check_claim(desired, observed.claim):
        return Plan(refused=refused)
    if waiting := previous_instance(cr, observed.nimservice):
        return Plan(waiting=waiting)
    return Plan(claim=_claim_write(cr, desired, observed.claim), nimservice=_nimservice_write(cr, desired, observed))


def is_paused(cr: Mapping[str, Any]) -> bool:
    """Does the annotation `runai-nim.io/paused: "true"` keep us from writing children?"""
    return (cr["metadata"].get("annotations") or {}).get(keys.PAUSED) == "true"


def is_ours(cr: Mapping[str, Any], live: Mapping[str, Any] | None) -> bool:
    """Is `live` the NIMService of this very CR, by its controller's uid?"""
    return live is not None and controller_of(live).get("uid") == cr["metadata"]["uid"]


def check_owner(cr: Mapping[str, Any], live: Mapping[str, Any] | None) -> Finding | None:
    """A NIMService of our name that somebody else made is never written."""
    if live is None or is_ours(cr, live) or _is_previous(cr, live) or _may_be_taken(cr, live):
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


def previous_instance(cr: Mapping[str, Any], live: Mapping[str, Any] | None) -> str:
    """Why a NIMService of our name must be gone before ours can be written; empty when nothing stands in the way."""
    if live is None or not (_is_previous(cr, live) or "deletionTimestamp" in live["metadata"]):
        return ""
    return f"NIMService {live['metadata']['name']} is being deleted; it is made anew as soon as it is gone"


def check_claim(desired: Desired, found: Claim | None) -> Finding | None:
    """What may not change on a claim that we made: its class, access modes, and its size downwards."""
    if desired.claim is None or found is None or not made_for_it(desired.claim, found):
        return None
    spec, name = desired.claim["spec"], desired.claim["metadata"]["name"]
    size = spec["resources"]["requests"]["storage"]
    info = "spec.modelStore.pvc.claimInfo"
    remedy = f"set it back, or name a new claim in spec.modelStore.pvc.claimName ({name} keeps its data)"
    if quantity.parse(size) < quantity.parse(found.storage):
        rule = f"not be below the {found.storage} of claim {name}, since a claim can't shrink"
        return Finding(reason="ClaimCannotShrink", path=f"{info}.size", value=size, rule=rule, remedy=remedy)
    storage_class = spec.get("storageClassName", found.storage_class)
    if storage_class != found.storage_class:
        rule = f"stay {found.storage_class or '(none)'}, the class that claim {name} was made with"
        return Finding(
            reason="ClaimImmutable", path=f"{info}.storageClass", value=storage_class, rule=rule, remedy=remedy
        )
    if set(spec["accessModes"]) != set(found.access_modes):
        rule = f"stay {', '.join(found.access_modes)}, what claim {name} was made with"
        value = ", ".join(spec["accessModes"])
        return Finding(reason="ClaimImmutable", path=f"{info}.accessModes", value=value, rule=rule, remedy=remedy)
    return None


def made_for_it(wanted: Mapping[str, Any], found: Claim) -> bool:
    """Did we make the claim `found` for the RunaiNimService that `wanted` is rendered from?"""
    return bool(found.made_for == wanted["metadata"]["labels"][keys.SERVICE_LABEL])


def _is_previous(cr: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Was it made by a deleted CR of this name? The garbage collector takes it."""
    controller = controller_of(live)
    same = (controller.get("kind"), controller.get("name")) == (keys.KIND, cr["metadata"]["name"])
    return same and not is_ours(cr, live)


def _may_be_taken(cr: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Nobody controls it, and it is handed over by annotation or was ours before it was orphaned or restored."""
    metadata = live["metadata"]
    annotations = metadata.get("annotations") or {}
    was_ours = (metadata.get("labels") or {}).get(keys.SERVICE_LABEL) == cr["metadata"]["name"]
    marked = annotations.get(keys.ADOPT) == "true" or (was_ours and keys.SPEC_HASH in annotations)
    return marked and not controller_of(live)


def _nimservice_write(cr: Mapping[str, Any], desired: Desired, observed: Observed) -> Write | None:
    wanted, live = desired.nimservice, observed.nimservice
    if wanted is None or not observed.nimservice_installed:
        return None
    if live is None:
        return Write(wanted, None)
    # Owner references are a list that others may add to; ours being there is what is_ours says.
    comparable = {**wanted, "metadata": {k: v for k, v in wanted["metadata"].items() if k != "ownerReferences"}}
    if is_ours(cr, live) and not any(differences(comparable, live)):
        return None
    return Write(with_kept_leaves(wanted, live), live["metadata"]["resourceVersion"])


def _claim_write(cr: Mapping[str, Any], desired: Desired, found: Claim | None) -> Write | None:
    wanted = desired.claim
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
