"""From facts to the status of a RunaiNimService. Pure: the time comes in as a value.

`phase` holds the table for phase and Ready; each further condition has one function, `<condition>_from`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from runai_nim.api import well_known
from runai_nim.domain.status.condition import Condition, dated
from runai_nim.domain.status.deadlines import Deadlines
from runai_nim.domain.status.event_transitions import transitions
from runai_nim.domain.status.exposure import exposed_from
from runai_nim.domain.status.facts import Facts, Outcome, facts_of
from runai_nim.domain.status.model_store import storage_from
from runai_nim.domain.status.phase import ROWS, Row, row_for
from runai_nim.domain.status.time_to_ready import Waited, waited
from runai_nim.domain.translate import Desired

__all__ = [
    "ROWS",
    "Deadlines",
    "Facts",
    "Outcome",
    "Row",
    "Waited",
    "facts_of",
    "row_for",
    "status_of",
    "transitions",
    "waited",
]


def status_of(cr: Mapping[str, Any], desired: Desired, facts: Facts, now: str) -> dict[str, Any]:
    """The whole status for `cr`; `now` (RFC 3339) dates the conditions whose status changed."""
    before: Mapping[str, Any] = cr.get("status") or {}
    row = row_for(facts)
    # While paused nothing of a new generation was acted on, and claiming so would make `kubectl wait` believe it.
    generation = before.get("observedGeneration", -1) if facts.paused else cr["metadata"]["generation"]
    workload = facts.workload
    status = {
        "observedGeneration": generation,
        "phase": row.phase,
        "conditions": dated(_conditions(facts, row), before.get("conditions") or (), max(generation, 0), now),
        "replicas": workload.replicas if workload else 0,
        "readyReplicas": facts.ready_replicas,
        "selector": _selector(facts),
        "project": desired.project,
        "nimServiceName": facts.name if facts.written else None,
        "claimName": desired.claim_name,
        "internalUrl": desired.internal_url,
        "url": facts.exposure.url if facts.exposure and exposed_from(facts).status == "True" else None,
        "gpu": desired.gpu or None,
    }
    return {field: value for field, value in status.items() if value is not None}


def _selector(f: Facts) -> str:
    """Of the pods that serve: with several nodes these are the leaders."""
    if f.workload and f.workload.kind == well_known.LWS_KIND:
        return f"app={f.workload.name},nim-llm-role=leader"
    return f"app={f.name}"


def _conditions(f: Facts, row: Row) -> Iterator[Condition]:
    reason = row.reason if isinstance(row.reason, str) else row.reason(f)
    message = row.message(f)
    yield Condition("Ready", row.ready, reason, message)
    yield translated_from(f)
    yield storage_from(f)
    yield nimservice_ready_from(f)
    yield exposed_from(f)
    if row.progress:
        yield Condition(row.progress, "True", reason, message)


def translated_from(f: Facts) -> Condition:
    """Could the spec be translated, all of it?"""
    type_ = "Translated"
    if f.errors:
        return Condition(type_, "False", f.errors[0].reason, "; ".join(finding.message for finding in f.errors))
    warnings = [warning.message for warning in f.warnings]
    if f.paused:
        told = f"the annotation {well_known.PAUSED} keeps the NIMService as it is"
        return Condition(type_, "True", "Paused", "; ".join([told, *warnings]))
    if warnings:
        return Condition(type_, "True", "TranslatedWithWarnings", "; ".join(warnings))
    return Condition(type_, "True", "Translated", "every field has its place in the NIMService")


def nimservice_ready_from(f: Facts) -> Condition:
    """Does the NIM Operator run the spec that we want now?"""
    type_ = "NIMServiceReady"
    if f.serving:
        return Condition(type_, "True", "Ready", f"NIMService {f.name} runs this spec and answers")
    if not f.written:
        return Condition(type_, "False", "NotWritten", f"there is no NIMService {f.name} of this RunaiNimService")
    if f.nim_state == "Failed":
        return Condition(type_, "False", "Failed", f"the NIM Operator says: {f.nim_message or 'Failed'}")
    if not f.seen:
        message = f"the NIM Operator has not acted on this spec of NIMService {f.name} yet"
        return Condition(type_, "False", "NotSeen", message)
    return Condition(
        type_, "False", "NotReady", f"the NIM Operator runs this spec of NIMService {f.name}, not ready yet"
    )
