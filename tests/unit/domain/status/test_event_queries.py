"""Whose events are read: of what is stuck, once it has been for a while."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from runai_nim.api import well_known
from runai_nim.domain.observed import NotStarted
from runai_nim.domain.status import EventQuery, event_queries
from runai_nim.domain.translate import translate
from tests.support.decisions import input_of
from tests.support.observations import AT, CLAIM, CONTEXT, LATER, NOW, STOPPED, a_pod, a_workload, observed
from tests.support.resources import a_cr

PENDING = replace(CLAIM, phase="Pending")


def queries(spec: dict[str, Any] | None = None, seconds: float = 0, **changes: Any) -> list[EventQuery]:
    desired = translate(input_of(a_cr(spec), CONTEXT))
    return list(event_queries(desired, observed(desired, **changes), AT + timedelta(seconds=seconds)))


def test_nothing_is_read_while_nothing_is_stuck() -> None:
    assert queries() == []
    assert queries(pods=(a_pod(unready_reason="c"),)) == []


def test_of_several_pods_the_one_that_waits_longest() -> None:
    pods = (a_pod(not_started=NotStarted("p2", "a", LATER)), a_pod(not_started=NotStarted("p1", "a", NOW)))
    assert queries(pods=pods) == [EventQuery("p1", "involvedObject.uid=p1,type=Warning", 30)]
    assert queries(pods=pods, seconds=40) == [EventQuery("p1", "involvedObject.uid=p1,type=Warning", -10)]


def test_a_claim_without_a_volume_while_pods_wait_for_it() -> None:
    assert queries(claim=PENDING) == []  # everything runs, whatever the claim says
    starting: dict[str, Any] = {"workload": a_workload(available_replicas=0)}
    assert queries(claim=PENDING, **starting) == [EventQuery("c1", "involvedObject.uid=c1", 30)]
    assert queries(claim=CLAIM, **starting) == []
    assert queries(claim=replace(PENDING, is_deleting=True), **starting) == []
    assert queries(claim=None, **starting) == []
    assert queries(STOPPED, claim=PENDING, **starting) == []
    assert queries(claim=PENDING, workload=None) == []


def test_of_a_leader_worker_set_without_pods_its_stateful_set() -> None:
    group = a_workload(kind=well_known.LWS_KIND, name="nim-lws", available_replicas=0)
    selector = "involvedObject.kind=StatefulSet,involvedObject.name=nim-lws,type=Warning"
    assert queries(workload=group, applied_at=NOW, seconds=31) == [EventQuery("StatefulSet/nim-lws", selector, -1)]
    assert queries(workload=group, applied_at=NOW, pods=(a_pod(),)) == []
