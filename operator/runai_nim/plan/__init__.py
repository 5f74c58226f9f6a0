"""What to write: decided from what is wanted and what is there. Pure; `reconcile` carries it out.

The claim is decided with the NIMService, since either both are written or neither is: a CR that is refused leaves
everything as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runai_nim import keys
from runai_nim.compare import differences, with_kept_leaves, without_owners
from runai_nim.observed import Observed
from runai_nim.plan.claim import check_claim, claim_write, made_for_it
from runai_nim.plan.multi_node import check_multi_node, with_groups
from runai_nim.plan.ownership import check_owner, is_ours, previous_instance
from runai_nim.plan.route import RoutePlan, route_plan
from runai_nim.plan.waking import woken
from runai_nim.plan.write import Deletion, Write
from runai_nim.translate import Desired
from runai_nim.validate import Finding

__all__ = ["PREVIOUS_INSTANCE_TERMINATING", "Deletion", "Plan", "Write", "is_ours", "is_paused", "made_for_it", "plan"]

PREVIOUS_INSTANCE_TERMINATING = "PreviousInstanceTerminating"


@dataclass(frozen=True, slots=True)
class Plan:
    """The writes of one reconciliation, in this order, or what stands in their way.

    `refused` is for a person to heal, by the CR or by the object it names; `waiting` heals itself.
    """

    claim: Write | None = None
    nimservice: Write | None = None
    route: RoutePlan = field(default_factory=RoutePlan)
    refused: Finding | None = None
    waiting: str = ""

    @property
    def writes(self) -> tuple[Write, ...]:
        """All of them, in their order."""
        return tuple(write for write in (self.claim, self.nimservice, self.route.write) if write)


def plan(cr: Mapping[str, Any], desired: Desired, observed: Observed) -> Plan:
    """The plan for `cr`. Nothing is written for a CR that is refused, paused or going."""
    going = "deletionTimestamp" in cr["metadata"] or observed.namespace_deleting
    if desired.nimservice is None or is_paused(cr) or going:
        return Plan()
    live = observed.nimservice
    if refused := check_owner(cr, live) or check_claim(desired, observed.claim):
        return Plan(refused=refused)
    if waiting := previous_instance(cr, live):
        return Plan(waiting=waiting)
    if refused := check_multi_node(desired.nimservice, live):
        return Plan(refused=refused)
    return Plan(
        claim=claim_write(cr, desired.claim, observed.claim),
        nimservice=_nimservice_write(cr, with_groups(woken(desired.nimservice, observed), live), observed),
        route=route_plan(cr, desired.route, observed),
    )


def is_paused(cr: Mapping[str, Any]) -> bool:
    """Does the annotation `runai-nim.io/paused: "true"` keep us from writing children?"""
    return (cr["metadata"].get("annotations") or {}).get(keys.PAUSED) == "true"


def _nimservice_write(cr: Mapping[str, Any], wanted: dict[str, Any], observed: Observed) -> Write | None:
    live = observed.nimservice
    if not observed.nimservice_installed:
        return None
    if live is None:
        return Write(wanted, None, confirm="nimServiceName" in (cr.get("status") or {}))
    differing = tuple(differences(without_owners(wanted), live))
    if is_ours(cr, live) and not differing:
        return None
    hashes = [(obj["metadata"].get("annotations") or {}).get(keys.SPEC_HASH) for obj in (wanted, live)]
    reverted = differing if hashes[0] == hashes[1] else ()
    version = live["metadata"]["resourceVersion"]
    return Write(with_kept_leaves(wanted, live), version, reverted, confirm=not is_ours(cr, live))
