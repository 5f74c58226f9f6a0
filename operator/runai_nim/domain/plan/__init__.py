"""Plans the writes of a reconciliation from desired and observed state; `reconciler` executes them.

Claim and NIMService are planned together, because either both are written or neither: a rejected RunaiNimService leaves
everything unchanged. Only owner references that could delete a claim are released even then.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping
from runai_nim.domain.diff import differences, keep_irremovable_fields, removed_stores, without_owners
from runai_nim.domain.observed import ObservedState
from runai_nim.domain.plan.autoscaling import start_before_autoscaling
from runai_nim.domain.plan.exposure import RoutePlan, route_plan
from runai_nim.domain.plan.field_ownership import take_over_fields
from runai_nim.domain.plan.model_store import (
    check_claim,
    claim_write,
    is_made_for,
    previous_claim_reason,
    releases_from,
    releases_from_cr,
)
from runai_nim.domain.plan.multi_node import check_multi_node, with_multi_node_replicas
from runai_nim.domain.plan.name_conflicts import check_names, host_taken_finding, host_to_check, names_to_check
from runai_nim.domain.plan.ownership import check_owner, is_handed_over, is_ours, previous_instance
from runai_nim.domain.plan.policy_revision import obsolete_policy_revisions, policy_revision_write
from runai_nim.domain.plan.write import Deletion, Release, Write
from runai_nim.domain.translate import Desired
from runai_nim.domain.validate import Finding

__all__ = [
    "Deletion",
    "Plan",
    "Release",
    "RoutePlan",
    "Write",
    "check_names",
    "host_taken_finding",
    "host_to_check",
    "is_made_for",
    "is_ours",
    "is_paused",
    "names_to_check",
    "plan",
    "releases_from",
    "take_over_fields",
]


@dataclass(frozen=True, slots=True)
class Plan:
    """The writes of one reconciliation in order, or what prevents them.

    `releases` come first, even if something prevents the other writes. `obsolete_revisions` are deleted last. `refusal`
    requires a change of the RunaiNimService or of the object that it names; `waiting_for` resolves without help.
    """

    releases: tuple[Release, ...] = ()
    policy_revision: Write | None = None
    claim: Write | None = None
    nimservice: Write | None = None
    route: RoutePlan = field(default_factory=RoutePlan)
    obsolete_revisions: tuple[Deletion, ...] = ()
    refusal: Finding | None = None
    waiting_for: str = ""

    @property
    def writes(self) -> tuple[Write, ...]:
        """All writes in order."""
        writes = (self.policy_revision, self.claim, self.nimservice, self.route.write)
        return tuple(write for write in writes if write)

    @property
    def changes_anything(self) -> bool:
        """Whether executing it sends any write."""
        return bool(self.writes or self.releases or self.route.deletions or self.obsolete_revisions)

    @property
    def confirm(self) -> bool:
        """Whether the resource's existence must be confirmed before the first write, so that nothing is created for
        a deleted one."""
        return any(write.needs_confirmation or write.resource_version is None for write in self.writes)


def plan(cr: Mapping[str, Any], desired: Desired, observed: ObservedState) -> Plan:
    """The plan for `cr`. It writes nothing for a resource that is rejected, paused or being deleted."""
    if "deletionTimestamp" in cr["metadata"] or observed.is_namespace_deleting:
        return Plan()
    live = observed.nimservice
    if is_paused(cr):  # a foreign NIMService is no less in the way
        return Plan(refusal=check_owner(cr, live, observed.claim) if desired.nimservice else None)
    releases = tuple(_claim_releases(cr, desired, observed))
    if desired.nimservice is None:
        return Plan(releases, policy_revision_write(desired.policy_revision, observed))
    if refusal := check_owner(cr, live, observed.claim) or check_claim(cr, desired, observed.claim):
        return Plan(releases, refusal=refusal)
    if waiting := previous_instance(cr, live) or previous_claim_reason(cr, observed.claim):
        return Plan(releases, waiting_for=waiting)
    if refusal := check_multi_node(desired.nimservice, live):
        return Plan(releases, refusal=refusal)
    return Plan(
        releases,
        policy_revision=policy_revision_write(desired.policy_revision, observed),
        claim=claim_write(cr, desired.claim, observed.claim),
        nimservice=_nimservice_write(
            cr, with_multi_node_replicas(start_before_autoscaling(desired.nimservice, observed), live), observed
        ),
        route=route_plan(cr, desired.route, observed),
        obsolete_revisions=obsolete_policy_revisions(cr["metadata"]["namespace"], desired.policy_revision, observed),
    )


def is_paused(cr: Mapping[str, Any]) -> bool:
    """Whether the annotation `runai-nim.io/paused: "true"` prevents writes of children."""
    return (cr["metadata"].get("annotations") or {}).get(well_known.PAUSED) == "true"


def _claim_releases(cr: Mapping[str, Any], desired: Desired, observed: ObservedState) -> Iterator[Release]:
    """Releases of the used claim, from the RunaiNimService and from its NIMService.

    If a NIMService is being adopted, its write (`Write.is_adoption`) releases all of its claims.
    """
    claim = observed.claim
    live = observed.nimservice
    if claim is None:
        return
    yield from releases_from_cr(cr, desired, claim)
    if live is not None and is_ours(cr, live):
        yield from releases_from(live, (claim,))


def _nimservice_write(cr: Mapping[str, Any], manifest: dict[str, Any], observed: ObservedState) -> Write | None:
    live = observed.nimservice
    if not observed.is_nimservice_installed:
        return None
    if live is None:
        return Write(manifest, None)
    version = live["metadata"]["resourceVersion"]
    stores = tuple(removed_stores(manifest, live))
    takes = ("spec", "storage") if stores else ()
    if not is_ours(cr, live):
        if is_handed_over(live):
            return Write(manifest, version, needs_confirmation=True, is_adoption=True, taken_fields=("spec",))
        return Write(
            keep_irremovable_fields(manifest, live),
            version,
            needs_confirmation=True,
            is_adoption=True,
            taken_fields=takes,
        )
    differing = (*differences(without_owners(manifest), live), *stores)
    if not differing:
        return None
    hashes = [mapping(obj["metadata"].get("annotations")).get(well_known.SPEC_HASH) for obj in (manifest, live)]
    reverted = differing if hashes[0] == hashes[1] else ()
    return Write(keep_irremovable_fields(manifest, live), version, reverted, taken_fields=takes)
