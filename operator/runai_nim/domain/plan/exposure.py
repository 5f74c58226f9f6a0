"""The route of our own: when it is written, and which ones go. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runai_nim.domain.diff import differences, without_owners
from runai_nim.domain.observed import Observed
from runai_nim.domain.plan.ownership import is_ours, is_previous
from runai_nim.domain.plan.write import Deletion, Write


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """`in_the_way` says why no route can be written, as a reason and a sentence; it hinders nothing else."""

    write: Write | None = None
    deletions: tuple[Deletion, ...] = ()
    in_the_way: tuple[str, str] | None = None


def route_plan(cr: Mapping[str, Any], wanted: dict[str, Any] | None, observed: Observed) -> RoutePlan:
    """The plan for the one route that is wanted, or none; what was made for this CR of another kind goes."""
    kind = None if wanted is None else str(wanted["kind"])
    going = tuple(
        Deletion.of(other, live)
        for other, live in observed.routes.items()
        if other != kind and is_ours(cr, live) and "deletionTimestamp" not in live["metadata"]
    )
    if wanted is None or kind is None:
        return RoutePlan(deletions=going)
    if kind in observed.absent_kinds:
        message = f"this cluster has no {kind} (gateway.networking.k8s.io/v1); install the Gateway API"
        return RoutePlan(deletions=going, in_the_way=("KindNotInstalled", message))
    live = observed.routes.get(kind)
    if live is None:
        return RoutePlan(Write(wanted, None), going)
    name = live["metadata"]["name"]
    if is_previous(cr, live) or "deletionTimestamp" in live["metadata"]:
        return RoutePlan(deletions=going, in_the_way=("PreviousInstanceTerminating", f"{kind} {name} is being deleted"))
    if not is_ours(cr, live):
        message = f"{kind} {name} was not made for this RunaiNimService; delete it, or remove servingPort.exposedUrl"
        return RoutePlan(deletions=going, in_the_way=("NameConflict", message))
    same = not any(differences(without_owners(wanted), {**live, "apiVersion": wanted["apiVersion"], "kind": kind}))
    return RoutePlan(None if same else Write(wanted, live["metadata"]["resourceVersion"]), going)
