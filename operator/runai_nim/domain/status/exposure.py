"""Condition Exposed: whether the service is reachable from outside the cluster. Ready does not depend on it."""

from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.condition import ConditionDraft
from runai_nim.domain.status.facts import Facts

EXPOSED = "Exposed"


def exposed_condition(f: Facts) -> ConditionDraft:
    """Condition Exposed, for the NIM Operator's router or the operator's own route; Unknown for a rejected spec."""
    if f.exposure is None:
        return ConditionDraft(
            type=EXPOSED,
            status="Unknown",
            reason=Reason.NOT_TRANSLATED,
            message="the spec is rejected, so it is unknown how the service is exposed",
        )
    if f.route_deletion_refusal:
        return ConditionDraft(
            type=EXPOSED, status="Unknown", reason=Reason.ROUTE_REFUSED, message=f.route_deletion_refusal
        )
    if f.exposure.reason is not None:
        return ConditionDraft(type=EXPOSED, status="False", reason=f.exposure.reason, message=f.exposure.message)
    if f.route_blocker is not None:
        reason, message = f.route_blocker
        return ConditionDraft(type=EXPOSED, status="False", reason=reason, message=message)
    if not f.is_nimservice_written:
        return ConditionDraft(
            type=EXPOSED,
            status="False",
            reason=Reason.NOT_WRITTEN,
            message=f"this RunaiNimService has no NIMService {f.name}",
        )
    if f.exposure.by == "route":
        return ConditionDraft(
            type=EXPOSED,
            status="True",
            reason=Reason.ROUTE_WRITTEN,
            message=f"the operator's own route leads {f.exposure.url} to the Service",
        )
    return ConditionDraft(
        type=EXPOSED,
        status="True",
        reason=Reason.ROUTER_WRITTEN,
        message=f"the NIMService asks the NIM Operator to route {f.exposure.url} to the Service",
    )
