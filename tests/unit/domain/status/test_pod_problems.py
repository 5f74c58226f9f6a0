from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from runai_nim.api import well_known
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.observed import Disruption, NotStarted, ObservedEvent, StartupKill
from runai_nim.domain.plan import plan
from runai_nim.domain.status import Deadlines, Outcome, facts_of, row_for, status_of
from runai_nim.domain.status.pod_problems import PodReferences, restarts_of
from runai_nim.domain.translate import translate
from tests.support.decisions import input_of
from tests.support.observations import (
    AT,
    CONTEXT,
    NOW,
    a_pod,
    facts,
    not_ready,
    observed,
)
from tests.support.resources import a_cr

KILL = StartupKill("nim-ctr", 120, 10)
STUCK = NotStarted("p1", "node-a", NOW)


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        (
            {"waiting_state": ("CrashLoopBackOff", ""), "exit_message": "OOMKilled, exit code 137"},
            "CrashLooping",
            "exit code 137",
        ),
        ({"waiting_state": ("CrashLoopBackOff", "back-off")}, "CrashLooping", "logs nim-1 --previous"),
        ({"waiting_state": ("ImagePullBackOff", "no such tag")}, "ImagePullFailed", "no such tag"),
        (
            {"waiting_state": ("CreateContainerConfigError", 'secret "x" not found')},
            "ContainerNotCreated",
            'secret "x"',
        ),
        ({"waiting_state": ("Odd", "")}, "ContainerWaiting", "waits (Odd)"),
        (
            {"unschedulable_message": "2 pods over quota"},
            "Unschedulable",
            "runai-scheduler can't place pod nim-1: 2 pods over",
        ),
        ({"unschedulable_message": None}, "SchedulerNotResponding", "scheduler runai-scheduler"),
        ({"unready_reason": "nim-ctr"}, "ProbeFailing", "container nim-ctr of pod nim-1"),
        (
            {"waiting_state": ("CrashLoopBackOff", ""), "exit_message": "OOMKilled, exit code 137"},
            "CrashLooping",
            "raise spec.compute.cpuMemoryLimit",
        ),
        (
            {"waiting_state": ("CrashLoopBackOff", ""), "exit_message": "Error, exit code 1"},
            "CrashLooping",
            "if it says HTTP 401 or 403, see whether Secret ngc (spec.ngcAuthSecret) exists",
        ),
        (
            {
                "waiting_state": ("CrashLoopBackOff", ""),
                "exit_message": "Error, exit code 1",
                "exit_cause": "unauthorized",
            },
            "CrashLooping",
            "the answer was HTTP 401 or 403: see whether Secret ngc",
        ),
        (
            {
                "waiting_state": ("CrashLoopBackOff", ""),
                "exit_message": "Error, exit code 1",
                "exit_cause": "disk full",
            },
            "CrashLooping",
            "raise spec.modelStore.pvc.claimInfo.size",
        ),
        (
            {"startup_kill": KILL, "restarts": 2, "exit_message": "Error, exit code 137"},
            "StartupProbeFailing",
            "does not answer within 1200 s (failureThreshold 120, periodSeconds 10)",
        ),
        (
            {"startup_kill": KILL, "restarts": 1, "waiting_state": ("CrashLoopBackOff", "")},
            "StartupProbeFailing",
            "spec.modelStore.nimCache",
        ),
        ({"unschedulable_message": "QueueDoesNotExist: Queue 'x' does not exist"}, "QueueNotFound", "its project"),
        ({"unschedulable_message": "queue team-a is not a leaf queue"}, "QueueNotFound", "no queues below it"),
        (
            {"disruption": Disruption("PreemptionByScheduler", "preempted by a/b", NOW)},
            "PodPreempted",
            "(PreemptionByScheduler): preempted by a/b; another pod waits",
        ),
        (
            {"disruption": Disruption("Evicted", "The node was low on resource: ephemeral-storage.", NOW)},
            "PodEvicted",
            "pod nim-1 was evicted (Evicted): The node was low",
        ),
        ({"disruption": Disruption("DeletionByTaintManager", "", NOW)}, "NodeLost", "the node of pod nim-1 is lost"),
        ({"disruption": Disruption("NodeLost", "", "")}, "NodeLost", "(NodeLost); Kubernetes makes another pod"),
    ],
)
def test_what_pods_say(changes: dict[str, Any], reason: str, says: str) -> None:
    found = not_ready(a_pod(**changes), at=AT + timedelta(seconds=31)).pod_problem
    assert found is not None
    assert found.reason == reason
    assert says in found.message


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (
            ObservedEvent("FailedAttachVolume", 'Multi-Attach error for volume "pvc-1" Volume is already used', NOW),
            "accessModes.readWriteMany",
        ),
        (
            ObservedEvent("FailedMount", 'MountVolume.SetUp failed for volume "x" : secret "key" not found', NOW),
            "create what is missing in this namespace",
        ),
        (
            ObservedEvent("FailedMount", 'MountVolume.SetUp failed for volume "x" : configmap "conf" not found', NOW),
            "create what is missing in this namespace",
        ),
        (
            ObservedEvent("FailedCreatePodSandBox", 'no runtime for "nvidia" is configured', NOW),
            "NVIDIA container toolkit",
        ),
        (ObservedEvent("FailedCreatePodSandBox", "plugin type=calico failed", NOW), "see the network plugin"),
        (ObservedEvent("FailedMount", "timed out waiting for the condition", NOW), "see the claim, its volume"),
        (ObservedEvent("Odd", "what a driver says", NOW), "see kubectl describe pod nim-1"),
    ],
)
def test_a_pod_with_a_node_that_does_not_start_says_why(event: ObservedEvent, says: str) -> None:
    early = waiting(event, seconds=29)
    assert (early.pod_problem, early.requeue_after) == (None, 1)
    found = waiting(event, seconds=30).pod_problem
    assert found is not None
    assert found.reason == "PodNotStarted"
    assert f"pod nim-1 has node node-a and is not started: {event.reason}: {event.message}; " in found.message
    assert says in found.message


def test_a_pod_that_does_not_start_is_named_later_without_an_event() -> None:
    """Events may be forbidden, or gone; and those of the scheduler are from before."""
    old = ObservedEvent("FailedScheduling", "0/1 nodes are available", NOW)
    assert (waiting(old, seconds=119).pod_problem, waiting(old, seconds=119).requeue_after) == (None, 1)
    found = waiting(old, seconds=120).pod_problem
    assert found is not None
    assert "for more than 120 s" in found.message
    assert "FailedScheduling" not in found.message
    assert waiting(old, seconds=120).requeue_after is None


def test_a_pod_may_not_tell_its_node() -> None:
    pod = a_pod(not_started=NotStarted("p1", "", NOW))
    found = not_ready(pod, at=AT + timedelta(seconds=120)).pod_problem
    assert found is not None
    assert "pod nim-1 has a node and is not started" in found.message


def waiting(event: ObservedEvent, seconds: float) -> Any:
    at = AT + timedelta(seconds=seconds)
    return facts(nim={"state": "NotReady"}, pods=(a_pod(not_started=STUCK),), events={"p1": (event,)}, at=at)


def test_a_pod_that_is_being_deleted_is_no_problem() -> None:
    assert not_ready(a_pod(unready_reason="c", is_deleting=True)).pod_problem is None


def test_the_end_of_a_pod_explains_nothing_for_ever() -> None:
    ended = a_pod(disruption=Disruption("Evicted", "", NOW))
    assert not_ready(ended, at=AT + timedelta(seconds=590)).requeue_after == 10
    late = not_ready(ended, at=AT + timedelta(seconds=600))
    assert (late.pod_problem, late.requeue_after) == (None, None)


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"restarts": 1}, "pod nim-1 has restarted once"),
        (
            {"restarts": 2, "exit_message": "OOMKilled, exit code 137"},
            "has restarted 2 times (last: OOMKilled, exit code 137); the container used more memory than it may",
        ),
        (
            {"restarts": 1, "exit_message": "Error, exit code 143", "startup_kill": KILL},
            "(last: Error, exit code 143, killed by its startup probe after 1200 s (failureThreshold 120,",
        ),
    ],
)
def test_restarts_are_in_the_message_of_a_service_that_runs_or_starts(changes: dict[str, Any], note: str) -> None:
    for state in ("Ready", "NotReady"):
        assert note in ready_of(state, a_pod(**changes))
    assert "restarted" not in ready_of("Ready", a_pod())


def ready_of(state: str, pod: Any) -> str:
    cr = a_cr()
    desired = translate(input_of(cr, CONTEXT))
    seen = observed(desired, nim={"state": state}, pods=(pod,))
    found = facts_of(
        cr, desired, plan(cr, desired, seen), observed=seen, outcome=Outcome(), deadlines=Deadlines(AT, 60, 30)
    )
    return str(status_of(cr, desired, found, NOW)["conditions"][0]["message"])


@pytest.mark.parametrize(
    ("pod", "says"),
    [
        (
            a_pod(unschedulable_message="QueueDoesNotExist"),
            "because of queue team-a: QueueDoesNotExist; create the queue",
        ),
        (a_pod(unschedulable_message=None), "see whether it runs, whether queue team-a exists, and scheduler_name"),
    ],
)
def test_the_queue_that_was_asked_for_is_named(pod: Any, says: str) -> None:
    cr, context = a_cr(), Context(load_settings({"dialect": "kai", "queue": "team-a"}, {}), {})
    desired = translate(input_of(cr, context))
    assert desired.nimservice is not None
    own = replace(pod, pod_hash=desired.nimservice["spec"]["annotations"][well_known.POD_HASH])
    seen = observed(desired, nim={"state": "NotReady"}, pods=(own,))
    deadlines = Deadlines(AT + timedelta(seconds=31), 60, 30)
    found = facts_of(
        cr, desired, plan(cr, desired, seen), observed=seen, outcome=Outcome(), deadlines=deadlines
    ).pod_problem
    assert found is not None
    assert says in found.message


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("QueueDoesNotExist", "because of queue team-a-h100: QueueDoesNotExist; create the queue"),
        (None, "see whether it runs, whether queue team-a-h100 exists, and scheduler_name"),
    ],
)
def test_with_kai_the_message_says_what_a_node_pool_needs(message: str | None, says: str) -> None:
    needs = (
        "; with KAI node pool h100 needs a scheduler of its own (a SchedulingShard with partitionLabelValue: h100) and"
        " a queue with the label kai.scheduler/node-pool=h100"
    )
    settings = {"dialect": "kai", "queue_of_pool": "{project}-{pool}"}
    said = scheduling_message(settings, ["h100"], message)
    assert says in said
    assert said.endswith(needs)
    assert "SchedulingShard" not in scheduling_message(settings, ["default"], message)
    assert "SchedulingShard" not in scheduling_message({}, ["h100"], message)


def scheduling_message(settings: dict[str, Any], pools: list[str], message: str | None) -> str:
    cr, context = a_cr({"nodePools": pools}), Context(load_settings(settings, {}), {"runai/queue": "team-a"})
    desired = translate(input_of(cr, context))
    assert desired.nimservice is not None
    pod = a_pod(unschedulable_message=message, pod_hash=desired.nimservice["spec"]["annotations"][well_known.POD_HASH])
    seen = observed(desired, nim={"state": "NotReady"}, pods=(pod,))
    deadlines = Deadlines(AT + timedelta(seconds=31), 60, 30)
    found = facts_of(
        cr, desired, plan(cr, desired, seen), observed=seen, outcome=Outcome(), deadlines=deadlines
    ).pod_problem
    return found.message if found else ""


def test_without_a_secret_a_missing_key_asks_for_one() -> None:
    assert "name its Secret in spec.ngcAuthSecret" in restarts_of(
        (a_pod(restarts=1, exit_message="Error, exit code 1", exit_cause="unauthorized"),), PodReferences()
    )
    assert restarts_of((a_pod(restarts=1, exit_message="Error, exit code 1"),), PodReferences()) == (
        "pod nim-1 has restarted once (last: Error, exit code 1)"
    )
    assert restarts_of((), PodReferences()) == ""


def test_the_worst_trouble_is_told_whatever_the_order() -> None:
    pods = (a_pod(name="a", unready_reason="c"), a_pod(name="b", waiting_state=("ErrImagePull", "")))
    told = [facts(nim={"state": "NotReady"}, pods=order).pod_problem for order in (pods, pods[::-1])]
    assert told[0] == told[1]
    assert told[0] is not None
    assert told[0].reason == "ImagePullFailed"


def test_pods_of_an_older_spec_say_nothing_of_this_one() -> None:
    old = a_pod(pod_hash="old", waiting_state=("ErrImagePull", ""))
    assert not_ready(old).pod_problem is None
    unseen = facts(service=None, pods=(old,), applied_at=NOW, at=AT + timedelta(seconds=61))
    assert "nim-1" in row_for(unseen).message(unseen)


def test_a_deadline_says_when_to_look_again() -> None:
    assert facts().requeue_after is None
    assert facts(service=None, applied_at=NOW, at=AT + timedelta(seconds=10)).requeue_after == 50
    assert facts(service=None, applied_at=NOW, at=AT + timedelta(seconds=70)).requeue_after is None
    assert facts(service=None, applied_at="0000-01-01T00:00:00Z", at=AT).requeue_after == 60
    assert not_ready(a_pod(unschedulable_message=None), at=AT + timedelta(seconds=10)).requeue_after == 20
    assert facts(service=None).requeue_after == 60


def test_running_is_running_whatever_a_single_pod_says() -> None:
    assert row_for(facts(pods=(a_pod(unready_reason="c"),))).reason == "Running"
