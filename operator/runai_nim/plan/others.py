"""What others may have before the first write: the host of a route of ours. Pure."""

from collections.abc import Mapping
from typing import Any

from runai_nim.observed import hosts_of
from runai_nim.plan.ownership import is_ours
from runai_nim.plan.write import Write
from runai_nim.validate import Finding, Reason


def host_to_ask_for(cr: Mapping[str, Any], route: Write | None, routes: Mapping[str, Mapping[str, Any]]) -> str:
    """The host that the planned `route` would have and none of our `routes` has; empty when there is none."""
    if route is None:
        return ""
    ours = [live for live in routes.values() if is_ours(cr, live)]
    new = hosts_of(route.manifest).difference(*(hosts_of(live) for live in ours))
    return next(iter(new), "")


def host_is_taken(host: str, url: str | None, holder: str) -> Finding:
    """Says so of a kind that holds it; which object of another namespace that is is nobody's business."""
    article = "an" if holder[0] in "AEIOH" else "a"
    rule, remedy = f"not have the host {host}, which {article} {holder} of another namespace has", "choose another host"
    return Finding(Reason.HOST_TAKEN, "spec.servingPort.exposedUrl", url, rule, remedy)
