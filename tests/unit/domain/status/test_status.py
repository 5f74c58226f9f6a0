from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from runai_nim.api import well_known
from runai_nim.domain.observed import ObservedEvent, ObservedNimCache, ObservedPod, ObservedService, StartupKill
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status import ROWS, Facts, Outcome, PhaseRow, has_image_pull_failure, row_for
from runai_nim.domain.status.facts_builder import PLACEMENT_GRACE_SECONDS
from runai_nim.domain.translate import translate
from tests.support.decisions import input_of
from tests.support.observations import (
    AT,
    BAD,
    BEFORE,
    CONTEXT,
    FAILED,
    FOREIGN,
    LATER,
    NOW,
    OWNER,
    STOPPED,
    a_pod,
    a_workload,
    facts,
    not_ready,
    observed,
)
from tests.support.resources import a_cr

LEFT_BEHIND = replace(
    observed(translate(input_of(a_cr(), CONTEXT))).service or ObservedService("", "", ""), owner_uid="n0"
)
STARTING = a_workload(ready_replicas=0, available_replicas=0)
PAUSED = {well_known.PAUSED: "true"}
CACHE = {"modelStore": {"nimCache": {"name": "cache"}}}
OF_ANOTHER_SPEC = {"metadata": {**FOREIGN["metadata"], "ownerReferences": [OWNER]}, "status": {"state": "Ready"}}
KILL = StartupKill("nim-ctr", 120, 10)
ROW_CASES: list[tuple[Callable[[], Facts], str, str]] = [
    (lambda: facts(a_cr(deletionTimestamp=NOW)), "Deleting", "Deleting"),
    (lambda: facts(nimservice=FOREIGN), "Failed", "NameConflict"),
    (lambda: facts(a_cr(BAD), workload=a_workload()), "Degraded", "InvalidQuantity"),
    (lambda: facts(a_cr(BAD), workload=None), "Failed", "InvalidQuantity"),
    (lambda: facts(outcome=Outcome(refusal="no"), workload=None), "Failed", "WriteRefused"),
    (lambda: facts(outcome=Outcome(refusal="no")), "Degraded", "WriteRefused"),
    (lambda: facts(nimservice=None, is_nimservice_installed=False), "Creating", "NIMOperatorNotInstalled"),
    (
        lambda: facts(nimservice={"metadata": {**FOREIGN["metadata"], "ownerReferences": [OWNER | {"uid": "u0"}]}}),
        "Creating",
        "PreviousInstanceTerminating",
    ),
    (lambda: facts(a_cr(STOPPED)), "Stopped", "Stopped"),
    (lambda: facts(a_cr(STOPPED), workload=a_workload(spec_replicas=0)), "Stopping", "Stopping"),
    (lambda: scaled(0), "Running", "ScaledToZero"),
    (lambda: facts(), "Running", "Running"),
    (lambda: facts(nim=FAILED, workload=STARTING), "Failed", "NIMServiceFailed"),
    (lambda: facts(nim=FAILED), "Degraded", "NIMServiceFailed"),
    (
        lambda: facts(a_cr(annotations=PAUSED, status=BEFORE), nimservice=OF_ANOTHER_SPEC, service=None),
        "Updating",
        "Paused",
    ),
    (lambda: facts(a_cr(annotations=PAUSED), nimservice=None), "Creating", "Paused"),
    (lambda: facts(a_cr(annotations=PAUSED), nimservice=FOREIGN), "Failed", "NameConflict"),
    (
        lambda: facts(a_cr(CACHE), nim=FAILED, nim_cache=ObservedNimCache("1", "Failed", "")),
        "Degraded",
        "NIMCacheFailed",
    ),
    (lambda: facts(claim=None, workload=None), "Pending", "ClaimNotMade"),
    (lambda: facts(a_cr(status=BEFORE), service=None), "Updating", "NIMServiceNotSeen"),
    (lambda: facts(service=None), "Creating", "NIMServiceNotSeen"),
    (lambda: facts(service=LEFT_BEHIND), "Creating", "NIMServiceNotSeen"),
    (lambda: facts(service=None, applied_at=NOW, at=AT + timedelta(seconds=61)), "Unknown", "NIMOperatorNotResponding"),
    (lambda: facts(outcome=Outcome(field_conflict="argocd keeps changing it")), "Degraded", "FieldConflict"),
    (lambda: facts(is_namespace_deleting=True), "Deleting", "NamespaceTerminating"),
    (lambda: starting(a_pod(waiting_state=("CrashLoopBackOff", ""))), "Failed", "CrashLooping"),
    (lambda: not_ready(a_pod(waiting_state=("CrashLoopBackOff", ""))), "Degraded", "CrashLooping"),
    (lambda: starting(a_pod(startup_kill=KILL, restarts=2)), "Failed", "StartupProbeFailing"),
    (lambda: refused(ready_replicas=0), "Pending", "PodsRefused"),
    (lambda: refused(), "Degraded", "PodsRefused"),
    (lambda: starting(a_pod(unschedulable_message="QueueDoesNotExist")), "Pending", "QueueNotFound"),
    (lambda: starting(a_pod(unschedulable_message="over quota")), "Pending", "Unschedulable"),
    (lambda: not_ready(a_pod(unschedulable_message="over quota")), "Degraded", "Unschedulable"),
    (lambda: not_ready(a_pod(waiting_state=("ErrImagePull", "")), BEFORE), "Degraded", "ImagePullFailed"),
    (lambda: not_ready(a_pod(waiting_state=("ErrImagePull", ""))), "Initializing", "ImagePullFailed"),
    (lambda: _changed(BEFORE, updated_replicas=0), "Updating", "RollingOut"),
    (lambda: _changed(BEFORE, ready_replicas=0, available_replicas=0), "Degraded", "ReplicasNotReady"),
    (lambda: _changed(BEFORE | {"readyReplicas": 1}, spec_replicas=2), "Updating", "ScalingReplicas"),
    (lambda: facts(nim={"state": "NotReady"}), "Initializing", "PodsNotReady"),
]


def scaled(fewest: int, state: str = "NotReady", **workload: Any) -> Facts:
    """Its autoscaler has taken away all replicas of a service."""
    scaling = {"metric": "queue", "metricType": "External", "metricThreshold": 5, "minReplicas": fewest}
    cr = a_cr({"autoscaling": scaling}, status=BEFORE | {"readyReplicas": 0})
    found = observed(translate(input_of(cr, CONTEXT))).workload
    assert found is not None
    counts = dict.fromkeys(
        ("spec_replicas", "current_replicas", "updated_replicas", "ready_replicas", "available_replicas"), 0
    )
    return facts(cr, nim={"state": state}, workload=replace(found, **{**counts, **workload}))


def test_only_an_autoscaler_that_may_takes_away_all_replicas() -> None:
    def said(found: Facts) -> tuple[str, str]:
        return row_for(found).phase_for(found), row_for(found).reason_for(found)

    assert row_for(scaled(0)).ready == "True"
    assert said(scaled(0, current_replicas=1)) == ("Running", "ScaledToZero")
    assert said(scaled(0, state="Failed")) == ("Failed", "NIMServiceFailed")
    assert said(scaled(0, spec_replicas=1)) == ("Updating", "ScalingReplicas")
    assert said(scaled(0, generation=2)) == ("Updating", "RollingOut")
    assert said(scaled(1)) == ("Updating", "RollingOut")


def starting(pod: ObservedPod) -> Facts:
    found = not_ready(pod)
    assert found.workload is not None
    return replace(found, workload=replace(found.workload, ready_replicas=0))


def refused(**workload: Any) -> Facts:
    """The API server refuses one of two pods."""
    counts: dict[str, Any] = {"spec_replicas": 2, "current_replicas": 1, **workload}
    found = observed(translate(input_of(a_cr({"replicas": 2}), CONTEXT))).workload
    assert found is not None
    said = replace(found, refused_pod="exceeded quota: gpus", **counts)
    return facts(a_cr({"replicas": 2}), nim={"state": "NotReady"}, workload=said)


def test_a_refusal_that_is_over_in_seconds_is_no_problem() -> None:
    found = observed(translate(input_of(a_cr(), CONTEXT))).workload
    assert found is not None
    said = replace(
        found, refused_pod="serviceaccount not found", refused_at=NOW, ready_replicas=0, available_replicas=0
    )

    def at(seconds: float) -> Facts:
        return facts(nim={"state": "NotReady"}, workload=said, at=AT + timedelta(seconds=seconds))

    assert (at(4).pod_problem, at(4).requeue_after) == (None, 1)
    assert row_for(at(5)).reason_for(at(5)) == "PodsRefused"
    assert at(5).requeue_after is None


def test_the_leaders_of_a_multi_node_service_may_be_refused() -> None:
    """A LeaderWorkerSet doesn't say so; the StatefulSet in between posts events."""
    found = observed(translate(input_of(a_cr(), CONTEXT))).workload
    assert found is not None
    group = replace(found, kind=well_known.LWS_KIND, name="nim-lws", ready_replicas=0, available_replicas=0)
    said = 'create Pod nim-lws-0 in StatefulSet nim-lws failed error: pods "nim-lws-0" is forbidden: exceeded quota: q'
    events = {
        "StatefulSet/nim-lws": (
            ObservedEvent("RecreatingFailedPod", "?", NOW),
            ObservedEvent("FailedCreate", said, NOW),
        )
    }
    facts_ = facts(nim={"state": "NotReady"}, workload=group, events=events)
    assert row_for(facts_).reason_for(facts_) == "PodsRefused"
    message = row_for(facts_).message(facts_)
    assert message.startswith(
        f"the API server refuses the pods of LeaderWorkerSet nim-lws: {said}; end other workloads"
    )


def _changed(status: dict[str, Any], **workload: Any) -> Facts:
    found = facts(a_cr(status=status))
    assert found.workload is not None
    return replace(found, workload=replace(found.workload, **workload))


@pytest.mark.parametrize(("make", "phase", "reason"), ROW_CASES, ids=[reason for *_, reason in ROW_CASES])
def test_a_row_of_the_table(make: Callable[[], Facts], phase: str, reason: str) -> None:
    found = make()
    row = row_for(found)
    assert (row.phase_for(found), row.reason_for(found)) == (phase, reason)
    assert row.message(found)


def test_every_row_has_a_case() -> None:
    assert {id(row_for(make())) for make, *_ in ROW_CASES} == {id(row) for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=[row.when for row in ROWS])
def test_a_problem_is_an_event_of_type_warning_and_progress_is_not(row: PhaseRow) -> None:
    if isinstance(row.reason, Reason):
        is_problem = row.phase in {"Failed", "Degraded", "Unknown"} or row.progress == "Stalled"
        assert row.reason.event_type == "Warning" or not is_problem
        assert row.reason.event_type == "Normal" or row.phase not in {"Updating", "Initializing", "Running", "Stopped"}


RAN = {"phase": "Running", "readyReplicas": 2}


def rolling(status: dict[str, Any] = RAN, pods: tuple[ObservedPod, ...] = (), **workload: Any) -> Facts:
    """A service of two replicas after a change: the NIM Operator has acted, the workload is as told."""
    cr = a_cr({"replicas": 2}, status=status)
    found = facts(cr, nim={"state": "NotReady"}, pods=pods)
    assert found.workload is not None
    return replace(found, workload=replace(found.workload, **workload))


def told(found: Facts) -> tuple[str, str, str]:
    row = row_for(found)
    return row.phase_for(found), row.reason_for(found), row.message(found)


def test_counts_of_an_older_generation_are_no_missing_replicas() -> None:
    phase, reason, message = told(rolling(generation=2, observed_generation=1))
    assert (phase, reason) == ("Updating", "RollingOut")
    assert message == "the controller of Deployment nim has not acted on its newest generation yet"
    first = rolling({}, generation=2, observed_generation=1, ready_replicas=0)
    assert told(first) == ("Initializing", "PodsNotReady", message)


def test_the_last_pod_of_a_rollout_is_progress_while_it_starts() -> None:
    last = rolling(ready_replicas=1, available_replicas=1, is_progressing=True)
    assert told(last) == ("Updating", "RollingOut", "1 of 2 replicas are available")
    one = rolling(
        {"phase": "Updating", "readyReplicas": 1}, ready_replicas=1, available_replicas=1, is_progressing=True
    )
    assert told(one)[:2] == ("Updating", "RollingOut")


def test_a_probe_of_a_pod_that_a_rollout_made_is_progress_and_told() -> None:
    phase, reason, message = told(
        rolling(ready_replicas=1, available_replicas=1, is_progressing=True, pods=(a_pod_of_two(unready_reason="c"),))
    )
    assert (phase, reason) == ("Updating", "RollingOut")
    assert message.startswith("1 of 2 replicas are available; container c of pod nim-1 runs")


def a_pod_of_two(**changes: Any) -> ObservedPod:
    desired = translate(input_of(a_cr({"replicas": 2}), CONTEXT)).nimservice or {}
    return a_pod(pod_hash=desired["spec"]["annotations"][well_known.POD_HASH], **changes)


def test_a_pod_that_waits_for_the_one_that_it_replaces_is_progress_and_told() -> None:
    pod = a_pod_of_two(unschedulable_message="0/1 nodes are available")
    short: dict[str, Any] = {"ready_replicas": 1, "available_replicas": 1}
    rolling_out = rolling(pods=(pod,), is_progressing=True, **short)
    assert told(rolling_out)[:2] == ("Updating", "RollingOut")
    assert told(rolling_out)[2].endswith("can't place pod nim-1: 0/1 nodes are available")
    assert rolling_out.requeue_after == PLACEMENT_GRACE_SECONDS
    late = a_pod_of_two(unschedulable_message="0/1 nodes are available", created_at="2025-12-31T23:59:00Z")
    assert told(rolling(pods=(late,), is_progressing=True, **short))[:2] == ("Degraded", "Unschedulable")
    assert told(rolling(pods=(pod,)))[:2] == ("Degraded", "Unschedulable")
    assert told(rolling({}, pods=(pod,), is_progressing=True, **short))[:2] == ("Degraded", "Unschedulable")
    without = rolling(pods=(pod,), is_progressing=True, **short)
    assert told(replace(without, workload=None))[:2] == ("Pending", "Unschedulable")


def test_more_missing_replicas_than_a_rollout_takes_away_are_degraded() -> None:
    none_left = rolling(updated_replicas=1, ready_replicas=0, available_replicas=0, is_progressing=True)
    assert told(none_left)[:2] == ("Degraded", "ReplicasNotReady")


def test_replicas_that_are_added_are_not_missing_while_they_start() -> None:
    added = rolling({"phase": "Running", "readyReplicas": 1}, ready_replicas=1, available_replicas=1)
    assert told(added) == ("Updating", "ScalingReplicas", "1 of 2 replicas are available")
    removed = rolling(
        {"phase": "Running", "readyReplicas": 3}, current_replicas=3, updated_replicas=3, ready_replicas=3
    )
    assert told(removed)[:2] == ("Updating", "ScalingReplicas")


def test_a_lost_replica_is_degraded_until_it_is_back() -> None:
    lost: dict[str, Any] = {"ready_replicas": 1, "available_replicas": 1}
    assert told(rolling(**lost))[:2] == ("Degraded", "ReplicasNotReady")
    ready = {"type": "Ready", "status": "False", "reason": "ReplicasNotReady", "lastTransitionTime": NOW}
    written = {"phase": "Degraded", "readyReplicas": 1, "conditions": [ready]}
    assert told(rolling(written, **lost))[:2] == ("Degraded", "ReplicasNotReady")


@pytest.mark.parametrize(
    "problem",
    [
        {"unready_reason": "c"},
        {"waiting_state": ("CrashLoopBackOff", "")},
        {"waiting_state": ("ErrImagePull", "")},
        {"unschedulable_message": "0/1 nodes are available"},
    ],
    ids=["probe", "crash", "image", "scheduler"],
)
@pytest.mark.parametrize("ready", [0, 1])
def test_a_lost_replica_stays_missing_whatever_its_pod_says(problem: dict[str, Any], ready: int) -> None:
    lost: dict[str, Any] = {"ready_replicas": ready, "available_replicas": ready}
    pods = (a_pod_of_two(**problem),)
    first = told(rolling(pods=pods, **lost))
    conditions = [
        {"type": "Ready", "status": "False", "reason": first[1], "lastTransitionTime": NOW},
        {"type": "Translated", "status": "True", "reason": "Translated", "lastTransitionTime": "2025-12-31T23:00:00Z"},
    ]
    written = {"phase": first[0], "readyReplicas": ready, "conditions": conditions}
    assert first[0] in {"Degraded", "Failed", "Pending"}
    assert told(rolling(written, pods=pods, **lost)) == first
    assert told(rolling(written, **lost))[:2] == ("Degraded", "ReplicasNotReady")


def test_a_corrected_spec_may_add_replicas() -> None:
    conditions = [{"type": kind, "status": "True", "reason": "InvalidValue"} for kind in ("Ready", "Stalled")]
    rejected = {"phase": "Degraded", "readyReplicas": 1, "conditions": conditions}
    assert told(rolling(rejected, ready_replicas=1, available_replicas=1))[:2] == ("Updating", "ScalingReplicas")


def test_a_rolled_out_workload_waits_for_the_model() -> None:
    assert told(rolling())[:2] == ("Updating", "RollingOut")
    assert "the NIM Operator waits until the model answers" in told(rolling())[2]


@pytest.mark.parametrize("phase", ["Unknown", "Pending", "Failed"])
def test_that_it_ran_before_is_known_whatever_phase_came_between(phase: str) -> None:
    first = {"type": "Translated", "status": "True", "reason": "Translated", "lastTransitionTime": NOW}
    ready = {"type": "Ready", "status": "False", "reason": "Any", "lastTransitionTime": LATER}
    assert facts(a_cr(status={"phase": phase, "conditions": [first, ready]})).was_running
    never = {"phase": phase, "conditions": [first, ready | {"lastTransitionTime": NOW}]}
    assert not facts(a_cr(status=never)).was_running


def test_a_stopped_service_whose_workload_is_of_an_older_generation_is_stopping() -> None:
    found = facts(a_cr(STOPPED))
    assert found.workload is not None
    found = replace(found, workload=replace(found.workload, generation=2))
    assert told(found)[:2] == ("Stopping", "Stopping")
    assert "has not acted on its newest generation" in told(found)[2]


def test_a_paused_resource_says_what_its_nimservice_has() -> None:
    kept = facts(a_cr(annotations=PAUSED), nimservice=OF_ANOTHER_SPEC, service=None)
    assert "NIMService nim keeps its previous spec" in told(kept)[2]
    assert "there is no NIMService nim" in told(facts(a_cr(annotations=PAUSED), nimservice=None))[2]
    assert told(facts(a_cr(annotations=PAUSED)))[:2] == ("Running", "Running")


def silent(**changes: Any) -> str:
    found = facts(a_cr(), service=None, applied_at=NOW, at=AT + timedelta(seconds=61), **changes)
    return told(found)[2]


def test_a_silent_nim_operator_is_told_with_its_known_cause() -> None:
    assert "an image whose registry doesn't answer" in silent()
    assert "spec.modelStore.nimCache" in silent()
    assert "NIMService slow can't pull its image" in silent(image_pull_failures=((NAMESPACE, "slow"),))
    elsewhere = silent(image_pull_failures=(("other", "slow"),))
    assert "a NIMService in another namespace can't pull its image" in elsewhere
    assert "slow" not in elsewhere


NAMESPACE = a_cr()["metadata"]["namespace"]


@pytest.mark.parametrize(
    ("reason", "fails"), [("ErrImagePull", True), ("ImagePullBackOff", True), ("CrashLoopBackOff", False), ("", False)]
)
def test_a_pod_that_can_not_pull_its_image_is_known(reason: str, fails: bool) -> None:
    assert has_image_pull_failure(a_pod(waiting_state=(reason, ""))) is fails
