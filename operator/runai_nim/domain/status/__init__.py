"""Computes the status of a RunaiNimService from facts; the current time is an argument.

`phase` has the table for phase and Ready; each further condition has one function, `<condition>_condition`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import word
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.compliance import applied_policies, compliance_condition
from runai_nim.domain.status.condition import ConditionDraft, add_timestamps
from runai_nim.domain.status.deadlines import Deadlines
from runai_nim.domain.status.event_queries import EventQuery, event_queries
from runai_nim.domain.status.event_transitions import transitions
from runai_nim.domain.status.exposure import exposed_condition
from runai_nim.domain.status.facts import Facts, Outcome
from runai_nim.domain.status.facts_builder import facts_of
from runai_nim.domain.status.gpu_usage import GpuAmount, amount_in, gpus_in_use, placed_pods
from runai_nim.domain.status.model_store import storage_ready_condition
from runai_nim.domain.status.phase import ROWS, row_for
from runai_nim.domain.status.phase_row import PhaseRow
from runai_nim.domain.status.progress import is_progress
from runai_nim.domain.status.scaling import scaling_condition
from runai_nim.domain.status.silence import has_image_pull_failure
from runai_nim.domain.status.status_patch import status_changes
from runai_nim.domain.status.time_to_ready import TimeToReady, time_to_ready
from runai_nim.domain.translate import Desired

__all__ = [
    "ROWS",
    "Deadlines",
    "EventQuery",
    "Facts",
    "GpuAmount",
    "Outcome",
    "PhaseRow",
    "TimeToReady",
    "amount_in",
    "event_queries",
    "facts_of",
    "has_image_pull_failure",
    "is_progress",
    "nimservice_ready_condition",
    "row_for",
    "status_changes",
    "status_of",
    "time_to_ready",
    "transitions",
]


def status_of(cr: Mapping[str, Any], desired: Desired, facts: Facts, now: str) -> dict[str, Any]:
    """The whole status of `cr`; `now` (RFC 3339) becomes the transition time of conditions whose status changed."""
    before: Mapping[str, Any] = cr.get("status") or {}
    row = row_for(facts)
    # A paused operator doesn't act on a new generation; reporting it as observed would mislead `kubectl wait`.
    generation = before.get("observedGeneration", -1) if facts.is_paused else cr["metadata"]["generation"]
    workload = facts.workload
    gpu = _gpu_of_each_pod(facts, before)
    status = {
        "observedGeneration": generation,
        "phase": row.phase_for(facts),
        "conditions": add_timestamps(_conditions(facts, row), before.get("conditions") or (), max(generation, 0), now),
        "replicas": workload.current_replicas if workload else 0,
        "readyReplicas": facts.ready_replicas,
        "selector": _selector(facts),
        "project": desired.project,
        "policies": applied_policies(desired.compliance),
        "nimServiceName": facts.name if facts.is_nimservice_written else None,
        "claimName": desired.claim_name,
        "internalUrl": desired.internal_url,
        "url": facts.exposure.url if facts.exposure and exposed_condition(facts).status == "True" else None,
        "gpu": gpu or None,
        "gpusInUse": gpus_in_use(gpu, placed_pods(facts.observed)) or None,
    }
    return {field: value for field, value in status.items() if value is not None}


def _gpu_of_each_pod(f: Facts, before: Mapping[str, Any]) -> str:
    """By the spec; while that is rejected, by the last good one, whose pods keep running."""
    return f.desired.gpu or (word(before.get("gpu")) if f.errors and f.is_nimservice_written else "")


def _selector(f: Facts) -> str:
    """Label selector of the pods that serve requests: with multiNode the leaders."""
    if f.workload and f.workload.kind == well_known.LWS_KIND:
        return f"app={f.workload.name},nim-llm-role=leader"
    return f"app={f.name}"


def _conditions(f: Facts, row: PhaseRow) -> Iterator[ConditionDraft]:
    reason = row.reason_for(f)
    message = _with_restarts(row.message(f), reason, f)
    yield ConditionDraft(type="Ready", status=row.ready, reason=reason, message=message)
    yield translated_condition(f)
    yield storage_ready_condition(f)
    yield nimservice_ready_condition(f)
    yield exposed_condition(f)
    if f.scaling_metric:
        yield scaling_condition(f)
    if f.desired.compliance is not None:
        yield compliance_condition(f.desired.compliance)
    if row.progress:
        yield ConditionDraft(type=row.progress, status="True", reason=reason, message=message)


_RESTART_REASONS = frozenset(
    {
        Reason.RUNNING,
        Reason.ROLLING_OUT,
        Reason.SCALING_REPLICAS,
        Reason.REPLICAS_NOT_READY,
        Reason.PODS_NOT_READY,
        Reason.PROBE_FAILING,
    }
)
"""Reasons of Ready that don't tell of restarts themselves."""


def _with_restarts(message: str, reason: Reason, f: Facts) -> str:
    return f"{message}; {f.restarts}" if f.restarts and reason in _RESTART_REASONS else message


def translated_condition(f: Facts) -> ConditionDraft:
    """Condition Translated: whether every field of the spec could be translated."""
    type_ = "Translated"
    if f.errors:
        return ConditionDraft(
            type=type_,
            status="False",
            reason=f.errors[0].reason,
            message="; ".join(finding.message for finding in f.errors),
        )
    warnings = [warning.message for warning in f.warnings]
    if f.is_paused:
        told = f"the annotation {well_known.PAUSED} keeps the operator from changing the NIMService"
        return ConditionDraft(type=type_, status="True", reason=Reason.PAUSED, message="; ".join([told, *warnings]))
    if warnings:
        return ConditionDraft(
            type=type_, status="True", reason=Reason.TRANSLATED_WITH_WARNINGS, message="; ".join(warnings)
        )
    return ConditionDraft(type=type_, status="True", reason=Reason.TRANSLATED, message="every field is translated")


def nimservice_ready_condition(f: Facts) -> ConditionDraft:
    """Condition NIMServiceReady: whether the NIM Operator runs the current spec."""
    type_ = "NIMServiceReady"
    if f.is_serving:
        return ConditionDraft(
            type=type_, status="True", reason=Reason.READY, message=f"NIMService {f.name} runs this spec and answers"
        )
    if not f.is_nimservice_written:
        return ConditionDraft(
            type=type_,
            status="False",
            reason=Reason.NOT_WRITTEN,
            message=f"this RunaiNimService has no NIMService {f.name}",
        )
    if not f.is_spec_written:
        return ConditionDraft(type=type_, status="False", reason=Reason.NOT_WRITTEN, message=_unwritten_message(f))
    if f.nim_state == "Failed":
        return ConditionDraft(
            type=type_,
            status="False",
            reason=Reason.FAILED,
            message=f"the NIM Operator reports: {f.nim_message or 'Failed'}",
        )
    if not f.is_spec_applied:
        message = f"the NIM Operator has not acted on this spec of NIMService {f.name} yet"
        return ConditionDraft(type=type_, status="False", reason=Reason.NOT_SEEN, message=message)
    return ConditionDraft(
        type=type_,
        status="False",
        reason=Reason.NOT_READY,
        message=f"the NIM Operator runs this spec of NIMService {f.name}, which is not ready yet",
    )


def _unwritten_message(f: Facts) -> str:
    """Why the NIMService doesn't carry the current spec, and what becomes of the one that it has."""
    if f.errors:
        cause = "the spec is rejected"
    elif f.is_paused:
        cause = f"the annotation {well_known.PAUSED} keeps the operator from writing it"
    else:
        cause = "the condition Ready says why"
    kept = "the last good spec keeps running" if f.ready_replicas > 0 else "the NIMService keeps the last good spec"
    return f"this spec is not written to NIMService {f.name}: {cause}; {kept}"
