"""Condition Exposed: is the service reachable from outside the cluster? Ready does not depend on it. Pure."""

from runai_nim.domain.status.condition import ConditionDraft
from runai_nim.domain.status.facts import ROUTE_REFUSED, Facts

EXPOSED = "Exposed"


def exposed_condition(f: Facts) -> ConditionDraft:
    """By the NIM Operator's router or a route of our own; Unknown while the spec is refused."""
    if f.exposure is None:
        return ConditionDraft(
            EXPOSED, "Unknown", "NotTranslated", "the spec is refused, so it is not known how it is exposed"
        )
    if f.route_deletion_refusal:
        return ConditionDraft(EXPOSED, "Unknown", ROUTE_REFUSED, f.route_deletion_refusal)
    if f.exposure.url is None:
        return ConditionDraft(EXPOSED, "False", f.exposure.reason, f.exposure.message)
    if f.route_blocker is not None:
        return ConditionDraft(EXPOSED, "False", *f.route_blocker)
    if not f.is_nimservice_written:
        return ConditionDraft(
            EXPOSED, "False", "NotWritten", f"there is no NIMService {f.name} of this RunaiNimService"
        )
    if f.exposure.by == "route":
        return ConditionDraft(
            EXPOSED, "True", "RouteWritten", f"a route of our own leads {f.exposure.url} to the Service"
        )
    return ConditionDraft(EXPOSED, "True", "RouterWritten", f"the NIM Operator is asked to route {f.exposure.url}")
