from dataclasses import replace
from typing import Any

import pytest

from runai_nim.api import well_known
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.observed import ObservedNimCache
from runai_nim.domain.plan import plan
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status import ROWS, Outcome, facts_of, nimservice_ready_condition, row_for, status_of
from runai_nim.domain.status.condition import ConditionDraft, add_timestamps
from runai_nim.domain.status.exposure import exposed_condition
from runai_nim.domain.status.model_store import storage_ready_condition
from runai_nim.domain.translate import translate
from tests.support.decisions import input_of
from tests.support.observations import (
    BAD,
    CLAIM,
    CONTEXT,
    DEADLINES,
    FAILED,
    FOREIGN,
    LATER,
    NOW,
    OWNER,
    a_workload,
    facts,
    observed,
)
from tests.support.resources import a_cr

OF_ANOTHER_SPEC = {
    "metadata": {"name": "nim", "uid": "n1", "resourceVersion": "5", "ownerReferences": [OWNER]},
    "status": {"state": "Ready"},
}
CACHE = {"modelStore": {"nimCache": {"name": "cache"}}}


@pytest.mark.parametrize(
    ("spec", "changes", "status", "reason"),
    [
        ({}, {}, "True", "ClaimBound"),
        ({}, {"claim": None}, "False", "ClaimNotMade"),
        ({}, {"claim": replace(CLAIM, is_deleting=True)}, "False", "ClaimTerminating"),
        ({}, {"claim": replace(CLAIM, phase="Lost")}, "False", "ClaimLost"),
        ({}, {"claim": replace(CLAIM, phase="Pending")}, "Unknown", "ClaimPending"),
        (CACHE, {}, "False", "NIMCacheNotFound"),
        (CACHE, {"nim_cache": ObservedNimCache("1", "Ready", "")}, "True", "NIMCacheReady"),
        (CACHE, {"nim_cache": ObservedNimCache("1", "Failed", "no such model")}, "False", "NIMCacheFailed"),
        (CACHE, {"nim_cache": ObservedNimCache("1", "", "")}, "False", "NIMCacheNotReady"),
        (BAD, {}, "Unknown", "NotTranslated"),
    ],
)
def test_storage(spec: dict[str, Any], changes: dict[str, Any], status: str, reason: str) -> None:
    condition = storage_ready_condition(facts(a_cr(spec), **changes))
    assert (condition.status, condition.reason) == (status, reason)


def test_a_missing_cache_is_named_rather_than_the_nim_operator_s_failure() -> None:
    found = facts(a_cr(CACHE), nim=FAILED)
    assert row_for(found).phase == "Pending"
    assert "NIMCache cache does not exist" in row_for(found).message(found)


def test_a_claim_that_was_there_before_is_used_and_its_difference_told() -> None:
    there = replace(CLAIM, annotations={}, applied_at="", storage="5Gi", storage_class="fast")
    message = storage_ready_condition(facts(claim=there)).message
    assert "5Gi instead of 10Gi" in message


def test_a_claim_that_was_there_before_stays_whatever_the_retention_policy() -> None:
    there = replace(CLAIM, annotations={well_known.SERVICE_UID: "u0"})
    store = {"pvc": {"claimInfo": {"size": "10Gi"}, "retentionPolicy": "Delete"}}
    message = storage_ready_condition(facts(a_cr({"modelStore": store}), claim=there)).message
    assert "used as it is: retention policy Retain instead of Delete" in message


def test_a_claim_that_is_not_made_yet_says_what_it_waits_for() -> None:
    conflict = storage_ready_condition(facts(nimservice=FOREIGN, claim=None))
    paused = storage_ready_condition(facts(a_cr(annotations={well_known.PAUSED: "true"}), claim=None))
    refused = storage_ready_condition(facts(outcome=Outcome(refusal="no"), claim=None))
    assert {condition.reason for condition in (conflict, paused, refused)} == {"ClaimNotMade"}
    assert "until the name conflict is resolved" in conflict.message
    assert well_known.PAUSED in paused.message
    assert "the condition Ready says why" in refused.message


def test_a_claim_that_has_to_exist_is_asked_for() -> None:
    store = {"pvc": {"existingPvc": True, "claimName": "weights"}}
    cr = a_cr({"modelStore": store})
    assert storage_ready_condition(facts(cr, claim=None)).reason == "ClaimNotFound"
    assert storage_ready_condition(facts(cr, claim=None, nimservice=FOREIGN)).reason == "ClaimNotFound"


def conditions(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {condition["type"]: condition for condition in status["conditions"]}


def written(cr: dict[str, Any], now: str = NOW, **changes: Any) -> dict[str, Any]:
    desired = translate(input_of(cr, CONTEXT))
    return status_of(cr, desired, facts(cr, **changes), now)


def test_a_transition_is_dated_and_nothing_else() -> None:
    first = written(a_cr(), nim={"state": "NotReady"})
    then = written(a_cr(status=first), LATER)
    assert conditions(then)["Ready"]["lastTransitionTime"] == LATER
    assert conditions(then)["Translated"]["lastTransitionTime"] == NOW
    assert written(a_cr(status=then), "2027-01-01T00:00:00Z") == then


def test_a_message_that_is_too_long_for_the_api_is_cut() -> None:
    whole, long = (
        ConditionDraft(type="Ready", status="False", reason=Reason.INVALID_VALUE, message="é" * length)
        for length in (32768, 32769)
    )
    told = [condition["message"] for condition in add_timestamps((whole, long), (), 1, "2026-01-01T00:00:00Z")]
    assert told == [whole.message, "é" * 32767 + "…"]


def test_reconciling_and_stalled_are_there_only_while_true() -> None:
    assert {"Reconciling", "Stalled"} & conditions(written(a_cr())).keys() == set()
    assert "Reconciling" in conditions(written(a_cr(), nim={}))
    assert "Stalled" in conditions(written(a_cr(BAD), workload=None))


def test_a_paused_generation_is_not_observed() -> None:
    paused = a_cr(status={"observedGeneration": 2}, annotations={well_known.PAUSED: "true"})
    status = written(paused)
    assert status["observedGeneration"] == 2
    assert conditions(status)["Translated"]["reason"] == "Paused"


def test_warnings_leave_translated_true() -> None:
    store = {"pvc": {"existingPvc": True, "claimName": "nim-model-store", "claimInfo": {"size": "10Gi"}}}
    warned = conditions(written(a_cr({"modelStore": store})))["Translated"]
    assert warned["reason"] == "TranslatedWithWarnings"
    paused = conditions(written(a_cr({"modelStore": store}, annotations={well_known.PAUSED: "true"})))["Translated"]
    assert paused["reason"] == "Paused"
    assert paused["message"].endswith(f"; {warned['message']}")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "Ready"),
        ({"nimservice": None}, "NotWritten"),
        ({"nim": FAILED}, "Failed"),
        ({"service": None}, "NotSeen"),
        ({"nim": {"state": "NotReady"}}, "NotReady"),
        ({"nimservice": OF_ANOTHER_SPEC, "service": None}, "NotWritten"),
    ],
)
def test_nimservice_ready(changes: dict[str, Any], reason: str) -> None:
    assert conditions(written(a_cr(), **changes))["NIMServiceReady"]["reason"] == reason


def said_of_the_nimservice(cr: dict[str, Any], **changes: Any) -> tuple[str, str]:
    condition = nimservice_ready_condition(facts(cr, **changes))
    assert condition.status == "False"
    return condition.reason, condition.message


def test_a_spec_that_is_not_written_leaves_the_last_good_one() -> None:
    reason, message = said_of_the_nimservice(a_cr(BAD), workload=a_workload())
    assert reason == "NotWritten"
    assert message.endswith("the spec is rejected; the last good spec keeps running")
    stopped = said_of_the_nimservice(a_cr(BAD), workload=None)[1]
    assert stopped.endswith("the spec is rejected; the NIMService keeps the last good spec")
    paused = a_cr(annotations={well_known.PAUSED: "true"})
    assert well_known.PAUSED in said_of_the_nimservice(paused, nimservice=OF_ANOTHER_SPEC, service=None)[1]
    refused = said_of_the_nimservice(a_cr(), nimservice=OF_ANOTHER_SPEC, service=None, outcome=Outcome(refusal="no"))
    assert "the condition Ready says why" in refused[1]


def test_a_spec_that_is_about_to_be_written_is_not_said_to_be() -> None:
    found = facts(nimservice=OF_ANOTHER_SPEC, service=None)
    assert "the operator has not written this spec to NIMService nim yet" in row_for(found).message(found)
    unseen = facts(service=None)
    assert "the operator has written NIMService nim" in row_for(unseen).message(unseen)


def test_a_missing_workload_is_said_so() -> None:
    assert "has not created the Deployment" in ROWS[-1].message(facts(workload=None))


GATEWAY = {
    "external_mode": "gateway",
    "external_domain": "example.com",
    "external_hosts": ["nim.example.com"],
    "external_gateway_name": "main",
    "external_gateway_namespace": "gateways",
}
OWN_URL = {"servingPort": {"port": 8000, "exposedUrl": "https://nim.example.com"}}


@pytest.mark.parametrize(
    ("spec", "settings", "changes", "status", "reason"),
    [
        ({}, GATEWAY, {}, "True", "RouterWritten"),
        (OWN_URL, GATEWAY, {}, "True", "RouteWritten"),
        ({}, None, {}, "False", "NotConfigured"),
        ({"servingPort": {"port": 8000, "exposeExternally": False}}, GATEWAY, {}, "False", "NotWanted"),
        ({}, GATEWAY, {"nimservice": None}, "False", "NotWritten"),
        (OWN_URL, GATEWAY, {"absent_kinds": frozenset({"HTTPRoute"})}, "False", "KindNotInstalled"),
        (BAD, GATEWAY, {}, "Unknown", "NotTranslated"),
    ],
)
def test_exposed(
    spec: dict[str, Any], settings: dict[str, Any] | None, changes: dict[str, Any], status: str, reason: str
) -> None:
    cr, context = a_cr(spec), Context(load_settings(settings, {}))
    desired = translate(input_of(cr, context))
    seen = observed(desired, **changes)
    found = facts_of(cr, desired, plan(cr, desired, seen), observed=seen, outcome=Outcome(), deadlines=DEADLINES)
    condition = exposed_condition(found)
    assert (condition.status, condition.reason) == (status, reason)
    assert ("url" in status_of(cr, desired, found, NOW)) == (status == "True")


@pytest.mark.parametrize(
    ("spec", "outcome", "status"),
    [
        (OWN_URL, Outcome(route_refusal="no such host"), "False"),
        ({}, Outcome(route_deletion_refusal="no such host"), "Unknown"),
        (
            {"servingPort": {"port": 8000, "exposeExternally": False}},
            Outcome(route_deletion_refusal="no such host"),
            "Unknown",
        ),
    ],
)
def test_a_route_that_is_refused_hinders_nothing_else(spec: dict[str, Any], outcome: Outcome, status: str) -> None:
    cr, context = a_cr(spec), Context(load_settings(GATEWAY, {}))
    desired = translate(input_of(cr, context))
    seen = observed(desired)
    found = facts_of(cr, desired, plan(cr, desired, seen), observed=seen, outcome=outcome, deadlines=DEADLINES)
    condition = exposed_condition(found)
    assert (condition.status, condition.reason, condition.message) == (status, "RouteRefused", "no such host")
    told = status_of(cr, desired, found, NOW)
    assert "url" not in told
    assert (told["phase"], conditions(told)["Ready"]["status"]) == ("Running", "True")


def test_the_leaders_are_the_pods_that_serve_with_several_nodes() -> None:
    cr = a_cr()
    desired = translate(input_of(cr, CONTEXT))
    group = a_workload(kind=well_known.LWS_KIND, name="nim-lws")
    seen = observed(desired, workload=group)
    found = facts_of(cr, desired, plan(cr, desired, seen), observed=seen, outcome=Outcome(), deadlines=DEADLINES)
    assert status_of(cr, desired, found, NOW)["selector"] == "app=nim-lws,nim-llm-role=leader"


def test_a_reason_of_the_nim_operator_that_flips_changes_nothing() -> None:
    """It alternates between Failed and <Kind>Failed, as recorded; each would cost a write."""
    flips = []
    for reason in ("Failed", "DeploymentFailed"):
        failed = {"type": "Failed", "status": "True", "reason": reason, "message": "boom"}
        flips.append(written(a_cr(), nim={"state": "Failed", "conditions": [failed]}))
    assert flips[0] == flips[1]
