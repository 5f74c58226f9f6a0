"""Condition Exposed: is the service reachable from outside the cluster? Ready does not depend on it. Pure."""

from runai_nim.domain.status.condition import Condition
from runai_nim.domain.status.facts import ROUTE_REFUSED, Facts

TYPE = "Exposed"


def exposed_from(f: Facts) -> Condition:
    """By the NIM Operator's router or a route of our own; Unknown while the spec is refused."""
    if f.exposure is None:
        return Condition(TYPE, "Unknown", "NotTranslated", "the spec is refused, so it is not known how it is exposed")
    if f.route_kept:
        return Condition(TYPE, "Unknown", ROUTE_REFUSED, f.route_kept)
    if f.exposure.url is None:
        return Condition(TYPE, "False", f.exposure.reason, f.exposure.message)
    if f.route_in_the_way is not None:
        return Condition(TYPE, "False", *f.route_in_the_way)
    if not f.written:
        return Condition(TYPE, "False", "NotWritten", f"there is no NIMService {f.name} of this RunaiNimService")
    if f.exposure.by == "route":
        return Condition(TYPE, "True", "RouteWritten", f"a route of our own leads {f.exposure.url} to the Service")
    return Condition(TYPE, "True", "RouterWritten", f"the NIM Operator is asked to route {f.exposure.url}")
