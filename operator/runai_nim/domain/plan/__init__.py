"""What to write: decided from what is wanted and what is there. Pure; `reconcile` carries it out.

The claim is decided with the NIMService, since either both are written or neither is: a CR that is refused leaves
everything as it was. Only a claim that could be lost is released even then.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping
from runai_nim.domain.diff import differences, other_stores, with_kept_leaves, without_owners
from runai_nim.domain.observed import Observed
from runai_nim.domain.plan.autoscaling import woken
from runai_nim.domain.plan.exposure import RoutePlan, route_plan
from runai_nim.domain.plan.field_ownership import taken_over
from runai_nim.domain.plan.model_store import check_claim, claim_write, held_by, held_by_us, made_for_it, previous_claim
from runai_nim.domain.plan.multi_node import check_multi_node, with_groups
from runai_nim.domain.plan.name_conflicts import check_names, host_is_taken, host_to_ask_for, names_to_ask_for
from runai_nim.domain.plan.ownership import check_owner, is_handed_over, is_ours, previous_instance
from runai_nim.domain.plan.write import Deletion, Release, Write
from runai_nim.domain.translate import Desired
from runai_nim.domain.validate import Finding

__all__ = [
    "PREVIOUS_INSTANCE_TERMINATING",
    "Deletion",
    "Plan",
    "Release",
    "RoutePlan",
    "Write",
    "check_names",
    "held_by",
    "host_is_taken",
    "host_to_ask_for",
    "is_ours",
    "is_paused",
    "made_for_it",
    "names_to_ask_for",
    "plan",
    "taken_over",
]

PREVIOUS_INSTANCE_TERMINATING = "PreviousInstanceTerminating"


@dataclass(frozen=True, slots=True)
class Plan:
    """The writes of one reconciliation, in this order, or what stands in their way.

    `releases` come before all else, and also where something stands in the way. `refused` is for a person to heal, by
    the CR or by the object it names; `waiting` heals itself.
    """

    releases: tuple[Release, ...] = ()
    claim: Write | None = None
    nimservice: Write | None = None
    route: RoutePlan = field(default_factory=RoutePlan)
    refused: Finding | None = None
    waiting: str = ""

    @property
    def writes(self) -> tuple[Write, ...]:
        """All of them, in their order."""
        return tuple(write for write in (self.claim, self.nimservice, self.route.write) if write)

    @property
    def confirm(self) -> bool:
        """Must the resource be seen to be there before the first write? Nothing is made for one that is gone."""
        return any(write.confirm or write.resource_version is None for write in self.writes)


def plan(cr: Mapping[str, Any], desired: Desired, observed: Observed) -> Plan:
    """The plan for `cr`. Nothing is written for a CR that is refused, paused or going."""
    if is_paused(cr) or "deletionTimestamp" in cr["metadata"] or observed.namespace_deleting:
        return Plan()
    live, releases = observed.nimservice, tuple(_releases(cr, desired, observed))
    if desired.nimservice is None:
        return Plan(releases)
    if refused := check_owner(cr, live, observed.claim) or check_claim(cr, desired, observed.claim):
        return Plan(releases, refused=refused)
    if waiting := previous_instance(cr, live) or previous_claim(cr, observed.claim):
        return Plan(releases, waiting=waiting)
    if refused := check_multi_node(desired.nimservice, live):
        return Plan(releases, refused=refused)
    return Plan(
        releases,
        claim=claim_write(cr, desired.claim, observed.claim),
        nimservice=_nimservice_write(cr, with_groups(woken(desired.nimservice, observed), live), observed),
        route=route_plan(cr, desired.route, observed),
    )


def is_paused(cr: Mapping[str, Any]) -> bool:
    """Does the annotation `runai-nim.io/paused: "true"` keep us from writing children?"""
    return (cr["metadata"].get("annotations") or {}).get(well_known.PAUSED) == "true"


def _releases(cr: Mapping[str, Any], desired: Desired, observed: Observed) -> Iterator[Release]:
    """Of the claim that is used, from the CR and from its NIMService.

    All claims of a NIMService that is adopted now are released by its write (`Write.adopts`).
    """
    claim, live = observed.claim, observed.nimservice
    if claim is None:
        return
    yield from held_by_us(cr, desired, claim)
    if live is not None and is_ours(cr, live):
        yield from held_by(live, (claim,))


def _nimservice_write(cr: Mapping[str, Any], wanted: dict[str, Any], observed: Observed) -> Write | None:
    live = observed.nimservice
    if not observed.nimservice_installed:
        return None
    if live is None:
        return Write(wanted, None)
    version = live["metadata"]["resourceVersion"]
    stores = tuple(other_stores(wanted, live))
    takes = ("spec", "storage") if stores else ()
    if not is_ours(cr, live):
        if is_handed_over(live):
            return Write(wanted, version, confirm=True, adopts=True, takes=("spec",))
        return Write(with_kept_leaves(wanted, live), version, confirm=True, adopts=True, takes=takes)
    differing = (*differences(without_owners(wanted), live), *stores)
    if not differing:
        return None
    hashes = [mapping(obj["metadata"].get("annotations")).get(well_known.SPEC_HASH) for obj in (wanted, live)]
    reverted = differing if hashes[0] == hashes[1] else ()
    return Write(with_kept_leaves(wanted, live), version, reverted, takes=takes)
