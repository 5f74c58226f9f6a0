from decimal import Decimal
from typing import Any

import pytest

from runai_nim.domain.observed import Disruption, ObservedState, ObservedWorkload
from runai_nim.domain.status import status_of
from runai_nim.domain.status.gpu_usage import GpuAmount, amount_in, gpus_in_use, placed_pods
from tests.support.observations import NOW, a_pod, a_workload, facts
from tests.support.resources import a_cr

GIB = 2**30


@pytest.mark.parametrize(
    ("per_pod", "pods", "used"),
    [
        ("2", 0, "0"),
        ("2", 1, "2"),
        ("2", 5, "10"),
        ("0", 3, "0"),
        ("0.5", 0, "0"),
        ("0.5", 1, "0.5"),
        ("0.5", 2, "1"),
        ("0.1", 3, "0.3"),
        ("2x0.5", 3, "3"),
        ("3x0.25", 1, "0.75"),
        ("20Gi", 0, "0"),
        ("20Gi", 2, "40Gi"),
        ("1500M", 2, "3G"),
        ("", 2, ""),
        ("many", 2, ""),
        ("1.5.0", 2, ""),
    ],
)
def test_pods_times_what_each_has(per_pod: str, pods: int, used: str) -> None:
    assert gpus_in_use(per_pod, pods) == used


@pytest.mark.parametrize(
    ("stored", "amount"),
    [
        ("0", GpuAmount()),
        ("4", GpuAmount(Decimal(4))),
        ("0.3", GpuAmount(Decimal("0.3"))),
        ("2x0.5", GpuAmount(Decimal(1))),
        ("40Gi", GpuAmount(memory=40 * GIB)),
        ("3G", GpuAmount(memory=3 * 10**9)),
        *((odd, GpuAmount()) for odd in (None, 4, "", "x", "-1", "1e9", "٣", "9" * 300, ["4"])),
    ],
)
def test_what_a_status_says_as_numbers(stored: Any, amount: GpuAmount) -> None:
    assert amount_in(stored) == amount


def test_pods_without_a_node_use_nothing() -> None:
    pods = (
        a_pod(unschedulable_message=""),
        a_pod(unschedulable_message=None),
        a_pod(unschedulable_message="no room"),
        a_pod(unschedulable_message="", is_deleting=True),
        a_pod(unschedulable_message="", disruption=Disruption("Evicted", "", NOW)),
    )
    assert placed_pods(ObservedState(pods=pods)) == 1
    assert placed_pods(ObservedState(pods=pods, workload=a_workload(group_size=4))) == 4
    assert placed_pods(ObservedState()) == 0


def test_a_leader_worker_set_says_how_many_pods_a_group_has() -> None:
    metadata = {"name": "nim-lws", "resourceVersion": "1"}
    spec = {"replicas": 2, "leaderWorkerTemplate": {"size": 4}}
    group = ObservedWorkload.from_object({"kind": "LeaderWorkerSet", "metadata": metadata, "spec": spec})
    assert group.group_size == 4
    assert ObservedWorkload.from_object({"kind": "Deployment", "metadata": metadata, "spec": {}}).group_size == 1


def status(spec: dict[str, Any], before: dict[str, Any] | None = None, **observed: Any) -> dict[str, Any]:
    cr = a_cr(spec, before)
    found = facts(cr, **observed)
    return status_of(cr, found.desired, found, NOW)


HALF = {"compute": {"gpuRequestType": "portion", "gpuPortionRequest": 0.5}}


def test_the_status_has_what_is_used_now_and_what_each_pod_has() -> None:
    pods = (a_pod(), a_pod(name="other"))
    found = status(HALF, pods=pods)
    assert (found["gpu"], found["gpusInUse"]) == ("0.5", "1")
    found = status({**HALF, "desiredPhase": "Stopped"}, pods=())
    assert (found["gpu"], found["gpusInUse"]) == ("0.5", "0")
    assert {"gpu", "gpusInUse"} & status({}, pods=pods).keys() == set()


def test_while_a_spec_is_rejected_the_pods_of_the_last_good_one_count() -> None:
    bad = {**HALF, "image": "not an image"}
    found = status(bad, {"gpu": "0.25"}, pods=(a_pod(),))
    assert (found["gpu"], found["gpusInUse"]) == ("0.25", "0.25")
    assert {"gpu", "gpusInUse"} & status(bad, {"gpu": "0.25"}, nimservice=None).keys() == set()
    assert {"gpu", "gpusInUse"} & status(bad, {"gpu": 7}, pods=(a_pod(),)).keys() == set()
