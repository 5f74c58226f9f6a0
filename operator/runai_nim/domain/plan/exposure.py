"""Plans the operator's own route: when it is written, and which routes are deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runai_nim.domain.diff import differences, without_owners
from runai_nim.domain.observed import ObservedState
from runai_nim.domain.plan.ownership import is_ours, is_predecessor
from runai_nim.domain.plan.write import Deletion, Write
from runai_nim.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """Writes and deletions of routes. `blocker` is why no route can be written, as reason and message; the rest
    proceeds."""

    write: Write | None = None
    deletions: tuple[Deletion, ...] = ()
    blocker: tuple[Reason, str] | None = None


def route_plan(cr: Mapping[str, Any], manifest: dict[str, Any] | None, observed: ObservedState) -> RoutePlan:
    """The plan for the desired route, if any; routes of other kinds that belong to this RunaiNimService are deleted."""
    kind = None if manifest is None else str(manifest["kind"])
    going = tuple(
        Deletion.of(other, live)
        for other, live in observed.routes.items()
        if other != kind and is_ours(cr, live) and "deletionTimestamp" not in live["metadata"]
    )
    if manifest is None or kind is None:
        return RoutePlan(deletions=going)
    if kind in observed.absent_kinds:
        message = f"this cluster has no {kind} (gateway.networking.k8s.io/v1); install the Gateway API"
        return RoutePlan(deletions=going, blocker=(Reason.KIND_NOT_INSTALLED, message))
    live = observed.routes.get(kind)
    if live is None:
        return RoutePlan(Write(manifest, None), going)
    name = live["metadata"]["name"]
    if is_predecessor(cr, live) or "deletionTimestamp" in live["metadata"]:
        return RoutePlan(
            deletions=going, blocker=(Reason.PREVIOUS_INSTANCE_TERMINATING, f"{kind} {name} is being deleted")
        )
    if not is_ours(cr, live):
        message = f"{kind} {name} belongs to another owner; delete it, or remove spec.servingPort.exposedUrl"
        return RoutePlan(deletions=going, blocker=(Reason.NAME_CONFLICT, message))
    same = not any(differences(without_owners(manifest), {**live, "apiVersion": manifest["apiVersion"], "kind": kind}))
    return RoutePlan(None if same else Write(manifest, live["metadata"]["resourceVersion"]), going)
