from datetime import timedelta
from typing import Any

import pytest

from runai_nim.domain.status import row_for
from tests.support.observations import (
    AT,
    NOW,
    a_pod,
    facts,
    not_ready,
)


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
    ],
)
def test_what_pods_say(changes: dict[str, Any], reason: str, says: str) -> None:
    found = not_ready(a_pod(**changes), at=AT + timedelta(seconds=31)).pod_problem
    assert found is not None
    assert found.reason == reason
    assert says in found.message


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
