from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from runai_nim import keys
from runai_nim.observed import Claim, NimCache, Observed, Pod, Service, Workload
from runai_nim.plan import plan
from runai_nim.settings import settings_from
from runai_nim.status import ROWS, Deadlines, Facts, Outcome, facts_of, row_for, status_of, transitions
from runai_nim.status.exposed import exposed_from
from runai_nim.status.storage import storage_from
from runai_nim.translate import Context, Desired, translate

NOW = "2026-01-01T00:00:00Z"
LATER = "2026-01-02T00:00:00Z"
AT = datetime.fromisoformat(NOW)
DEADLINES = Deadlines(AT, 60, 30)
CONTEXT = Context(settings_from(None, {}), {"runai/queue": "team-a"})


def a_cr(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    store = {"pvc": {"claimInfo": {"size": "10Gi"}}}
    base = {"image": "r/nim:1", "ngcAuthSecret": "ngc", "servingPort": {"port": 8000}, "modelStore": store}
    return {
        "metadata": {"name": "nim", "namespace": "ns", "uid": "u1", "generation": 3, **metadata},
        "spec": base | (spec or {}),
        "status": status or {},
    }


def a_workload(**changes: Any) -> Workload:
    whole = Workload(
        "Deployment",
        "nim",
        "1",
        "n1",
        "",
        generation=1,
        observed_generation=1,
        wanted=1,
        replicas=1,
        updated=1,
        ready=1,
        available=1,
    )
    return replace(whole, **changes)


CLAIM = Claim("1", "c1", "Bound", "10Gi", "", ("ReadWriteOnce",), "Filesystem", "nim", (), {}, False)


def observed(desired: Desired, nim: dict[str, Any] | None = None, **changes: Any) -> Observed:
    """Everything as wanted and running; `nim` is the NIMService's status."""
    manifest = desired.nimservice or {"metadata": {"annotations": {}}, "spec": {"annotations": {}}}
    live = {
        **manifest,
        "metadata": {
            **manifest["metadata"],
            "name": "nim",
            "uid": "n1",
            "resourceVersion": "5",
            "ownerReferences": [OWNER],
        },
        "status": {"state": "Ready"} if nim is None else nim,
    }
    running = Observed(
        nimservice=live,
        service=Service("1", "n1", manifest["metadata"]["annotations"].get(keys.SPEC_HASH, "")),
        workload=a_workload(
            pod_hash=manifest["spec"]["annotations"].get(keys.POD_HASH, ""),
            wanted=desired.replicas,
            replicas=desired.replicas,
            updated=desired.replicas,
            ready=desired.replicas,
            available=desired.replicas,
        ),
        claim=CLAIM,
    )
    return replace(running, **changes)


OWNER = {"kind": keys.KIND, "name": "nim", "uid": "u1", "controller": True}
FAILED = {"state": "Failed", "conditions": [{"type": "Failed", "status": "True", "message": "boom\n"}]}


def facts(cr: dict[str, Any] | None = None, outcome: Outcome | None = None, at: datetime = AT, **changes: Any) -> Facts:
    cr = cr or a_cr()
    desired = translate(cr, CONTEXT)
    seen = observed(desired, **changes)
    return facts_of(cr, desired, plan(cr, desired, seen), seen, outcome or Outcome(), Deadlines(at, 60, 30))


BEFORE = {"phase": "Running"}
BAD = {"compute": {"cpuMemoryRequest": "10 GB"}}
STOPPED = {"desiredPhase": "Stopped"}
FOREIGN = {"metadata": {"name": "nim", "uid": "n0", "resourceVersion": "1"}}
POD_HASH = (translate(a_cr(), CONTEXT).nimservice or {})["spec"]["annotations"][keys.POD_HASH]
POD = Pod("1", "nim-1", "nim", POD_HASH, NOW, "runai-scheduler", "", ("", ""), "", "")


def a_pod(**changes: Any) -> Pod:
    return replace(POD, **changes)


def not_ready(pod: Pod, status: dict[str, Any] | None = None, at: datetime = AT) -> Facts:
    return facts(a_cr(status=status), nim={"state": "NotReady"}, pods=(pod,), at=at)


LEFT_BEHIND = replace(observed(translate(a_cr(), CONTEXT)).service or Service("", "", ""), owner_uid="n0")
ROW_CASES: list[tuple[Callable[[], Facts], str, str]] = [
    (lambda: facts(a_cr(deletionTimestamp=NOW)), "Deleting", "Deleting"),
    (lambda: facts(nimservice=FOREIGN), "Failed", "NameConflict"),
    (lambda: facts(a_cr(BAD), workload=a_workload()), "Degraded", "InvalidQuantity"),
    (lambda: facts(a_cr(BAD), workload=None), "Failed", "InvalidQuantity"),
    (lambda: facts(outcome=Outcome(refusal="no")), "Failed", "WriteRefused"),
    (lambda: facts(nimservice=None, nimservice_installed=False), "Creating", "NIMOperatorNotInstalled"),
    (
        lambda: facts(nimservice={"metadata": {**FOREIGN["metadata"], "ownerReferences": [OWNER | {"uid": "u0"}]}}),
        "Creating",
        "PreviousInstanceTerminating",
    ),
    (lambda: facts(a_cr(STOPPED)), "Stopped", "Stopped"),
    (lambda: facts(a_cr(STOPPED), workload=a_workload(wanted=0)), "Stopping", "Stopping"),
    (lambda: facts(), "Running", "Running"),
    (lambda: facts(nim=FAILED), "Failed", "NIMServiceFailed"),
    (lambda: facts(claim=None, workload=None), "Pending", "ClaimNotFound"),
    (lambda: facts(a_cr(status=BEFORE), service=None), "Updating", "NIMServiceNotSeen"),
    (lambda: facts(service=None), "Creating", "NIMServiceNotSeen"),
    (lambda: facts(service=LEFT_BEHIND), "Creating", "NIMServiceNotSeen"),
    (lambda: facts(service=None, applied_at=NOW, at=AT + timedelta(seconds=61)), "Unknown", "NIMOperatorNotResponding"),
    (lambda: facts(outcome=Outcome(field_conflict="argocd keeps changing it")), "Degraded", "FieldConflict"),
    (lambda: facts(namespace_deleting=True), "Deleting", "NamespaceTerminating"),
    (lambda: not_ready(a_pod(waiting=("CrashLoopBackOff", ""))), "Failed", "CrashLooping"),
    (lambda: not_ready(a_pod(unscheduled="over quota")), "Pending", "Unschedulable"),
    (lambda: not_ready(a_pod(waiting=("ErrImagePull", "")), BEFORE), "Degraded", "ImagePullFailed"),
    (lambda: not_ready(a_pod(waiting=("ErrImagePull", ""))), "Initializing", "ImagePullFailed"),
    (lambda: _changed(BEFORE, updated=0), "Updating", "RollingOut"),
    (lambda: _changed(BEFORE, available=0), "Degraded", "ReplicasNotReady"),
    (lambda: facts(nim={"state": "NotReady"}), "Initializing", "PodsNotReady"),
]


def _changed(status: dict[str, Any], **workload: Any) -> Facts:
    found = facts(a_cr(status=status))
    assert found.workload is not None
    return replace(found, workload=replace(found.workload, **workload))


@pytest.mark.parametrize(("make", "phase", "reason"), ROW_CASES, ids=[reason for *_, reason in ROW_CASES])
def test_a_row_of_the_table(make: Callable[[], Facts], phase: str, reason: str) -> None:
    found = make()
    row = row_for(found)
    assert (row.phase, row.reason if isinstance(row.reason, str) else row.reason(found)) == (phase, reason)
    assert row.message(found)


def test_every_row_has_a_case() -> None:
    assert {id(row_for(make())) for make, *_ in ROW_CASES} == {id(row) for row in ROWS}


CACHE = {"modelStore": {"nimCache": {"name": "cache"}}}


@pytest.mark.parametrize(
    ("spec", "changes", "status", "reason"),
    [
        ({}, {}, "True", "ClaimBound"),
        ({}, {"claim": None}, "False", "ClaimNotFound"),
        ({}, {"claim": replace(CLAIM, deleting=True)}, "False", "ClaimTerminating"),
        ({}, {"claim": replace(CLAIM, phase="Lost")}, "False", "ClaimLost"),
        ({}, {"claim": replace(CLAIM, phase="Pending")}, "Unknown", "ClaimPending"),
        (CACHE, {}, "False", "NIMCacheNotFound"),
        (CACHE, {"nim_cache": NimCache("1", "Ready", "")}, "True", "NIMCacheReady"),
        (CACHE, {"nim_cache": NimCache("1", "Failed", "no such model")}, "False", "NIMCacheFailed"),
        (CACHE, {"nim_cache": NimCache("1", "", "")}, "False", "NIMCacheNotReady"),
        (BAD, {}, "Unknown", "NotTranslated"),
    ],
)
def test_storage(spec: dict[str, Any], changes: dict[str, Any], status: str, reason: str) -> None:
    condition = storage_from(facts(a_cr(spec), **changes))
    assert (condition.status, condition.reason) == (status, reason)


def test_a_missing_cache_is_named_rather_than_the_nim_operator_s_failure() -> None:
    found = facts(a_cr(CACHE), nim=FAILED)
    assert row_for(found).phase == "Pending"
    assert "NIMCache cache does not exist" in row_for(found).message(found)


def test_a_claim_that_was_there_before_is_used_and_its_difference_told() -> None:
    there = replace(CLAIM, made_for="", storage="5Gi", storage_class="fast")
    message = storage_from(facts(claim=there)).message
    assert "5Gi instead of 10Gi" in message


def conditions(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {condition["type"]: condition for condition in status["conditions"]}


def written(cr: dict[str, Any], now: str = NOW, **changes: Any) -> dict[str, Any]:
    desired = translate(cr, CONTEXT)
    return status_of(cr, desired, facts(cr, **changes), now)


def test_a_transition_is_dated_and_nothing_else() -> None:
    first = written(a_cr(), nim={"state": "NotReady"})
    then = written(a_cr(status=first), LATER)
    assert conditions(then)["Ready"]["lastTransitionTime"] == LATER
    assert conditions(then)["Translated"]["lastTransitionTime"] == NOW
    assert written(a_cr(status=then), "2027-01-01T00:00:00Z") == then


def test_reconciling_and_stalled_are_there_only_while_true() -> None:
    assert {"Reconciling", "Stalled"} & conditions(written(a_cr())).keys() == set()
    assert "Reconciling" in conditions(written(a_cr(), nim={}))
    assert "Stalled" in conditions(written(a_cr(BAD), workload=None))


def test_a_paused_generation_is_not_observed() -> None:
    paused = a_cr(status={"observedGeneration": 2}, annotations={keys.PAUSED: "true"})
    status = written(paused)
    assert status["observedGeneration"] == 2
    assert conditions(status)["Translated"]["reason"] == "Paused"


def test_warnings_leave_translated_true() -> None:
    store = {"pvc": {"existingPvc": True, "claimName": "nim-model-store", "claimInfo": {"size": "10Gi"}}}
    assert conditions(written(a_cr({"modelStore": store})))["Translated"]["reason"] == "TranslatedWithWarnings"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "Ready"),
        ({"nimservice": None}, "NotWritten"),
        ({"nim": FAILED}, "Failed"),
        ({"service": None}, "NotSeen"),
        ({"nim": {"state": "NotReady"}}, "NotReady"),
    ],
)
def test_nimservice_ready(changes: dict[str, Any], reason: str) -> None:
    assert conditions(written(a_cr(), **changes))["NIMServiceReady"]["reason"] == reason


def test_a_missing_workload_is_said_so() -> None:
    assert "has not made the pods' Deployment" in ROWS[-1].message(facts(workload=None))


GATEWAY = {
    "external_mode": "gateway",
    "external_domain": "example.com",
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
    cr, context = a_cr(spec), Context(settings_from(settings, {}))
    desired = translate(cr, context)
    seen = observed(desired, **changes)
    found = facts_of(cr, desired, plan(cr, desired, seen), seen, Outcome(), DEADLINES)
    condition = exposed_from(found)
    assert (condition.status, condition.reason) == (status, reason)
    assert ("url" in status_of(cr, desired, found, NOW)) == (status == "True")


def test_the_leaders_are_the_pods_that_serve_with_several_nodes() -> None:
    cr = a_cr()
    desired = translate(cr, CONTEXT)
    group = a_workload(kind=keys.LWS_KIND, name="nim-lws")
    seen = observed(desired, workload=group)
    found = facts_of(cr, desired, plan(cr, desired, seen), seen, Outcome(), DEADLINES)
    assert status_of(cr, desired, found, NOW)["selector"] == "app=nim-lws,nim-llm-role=leader"


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        ({"waiting": ("CrashLoopBackOff", ""), "exited": "OOMKilled, exit code 137"}, "CrashLooping", "exit code 137"),
        ({"waiting": ("CrashLoopBackOff", "back-off")}, "CrashLooping", "logs nim-1 --previous"),
        ({"waiting": ("ImagePullBackOff", "no such tag")}, "ImagePullFailed", "no such tag"),
        ({"waiting": ("CreateContainerConfigError", 'secret "x" not found')}, "ContainerNotCreated", 'secret "x"'),
        ({"waiting": ("Odd", "")}, "ContainerWaiting", "waits (Odd)"),
        ({"unscheduled": "2 pods over quota"}, "Unschedulable", "runai-scheduler can't place pod nim-1: 2 pods over"),
        ({"unscheduled": None}, "SchedulerNotResponding", "scheduler runai-scheduler"),
        ({"unready": "nim-ctr"}, "ProbeFailing", "container nim-ctr of pod nim-1"),
    ],
)
def test_what_pods_say(changes: dict[str, Any], reason: str, says: str) -> None:
    found = not_ready(a_pod(**changes), at=AT + timedelta(seconds=31)).trouble
    assert found is not None
    assert found.reason == reason
    assert says in found.message


def test_the_worst_trouble_is_told_whatever_the_order() -> None:
    pods = (a_pod(name="a", unready="c"), a_pod(name="b", waiting=("ErrImagePull", "")))
    told = [facts(nim={"state": "NotReady"}, pods=order).trouble for order in (pods, pods[::-1])]
    assert told[0] == told[1]
    assert told[0] is not None
    assert told[0].reason == "ImagePullFailed"


def test_pods_of_an_older_spec_say_nothing_of_this_one() -> None:
    old = a_pod(pod_hash="old", waiting=("ErrImagePull", ""))
    assert not_ready(old).trouble is None
    unseen = facts(service=None, pods=(old,), applied_at=NOW, at=AT + timedelta(seconds=61))
    assert "nim-1" in row_for(unseen).message(unseen)


def test_a_deadline_says_when_to_look_again() -> None:
    assert facts().due is None
    assert facts(service=None, applied_at=NOW, at=AT + timedelta(seconds=10)).due == 50
    assert facts(service=None, applied_at=NOW, at=AT + timedelta(seconds=70)).due is None
    assert not_ready(a_pod(unscheduled=None), at=AT + timedelta(seconds=10)).due == 20
    assert facts(service=None).due == 60


def test_running_is_running_whatever_a_single_pod_says() -> None:
    assert row_for(facts(pods=(a_pod(unready="c"),))).reason == "Running"


def a_status(phase: str, *found: tuple[str, str, str]) -> dict[str, Any]:
    listed = [{"type": type_, "reason": reason, "message": message} for type_, reason, message in found]
    return {"phase": phase, "conditions": listed}


FINE = ("Translated", "Translated", "")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, a_status("Creating", ("Ready", "NIMServiceNotSeen", ""), FINE), []),
        ({}, a_status("Failed", ("Ready", "InvalidName", ""), FINE), [("Warning", "InvalidName")]),
        (
            a_status("Creating", ("Ready", "NIMServiceNotSeen", ""), FINE),
            a_status("Running", ("Ready", "Running", ""), FINE),
            [("Normal", "Running")],
        ),
        (
            a_status("Running", ("Ready", "Running", ""), FINE),
            a_status("Running", ("Ready", "Running", "other words"), FINE),
            [],
        ),
        (
            a_status("Running", ("Ready", "Running", ""), FINE),
            a_status("Running", ("Ready", "Running", ""), ("Translated", "TranslatedWithWarnings", "odd")),
            [("Warning", "TranslatedWithWarnings")],
        ),
    ],
)
def test_transitions(before: dict[str, Any], after: dict[str, Any], told: list[tuple[str, str]]) -> None:
    assert [(transition.type, transition.reason) for transition in transitions(before, after)] == told
