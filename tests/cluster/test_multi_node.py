"""One model over several nodes, by the LeaderWorkerSet that the NIM Operator makes."""

import pytest
from kubernetes.dynamic.exceptions import DynamicApiError

from local.objects import Objects
from tests.support.services import CR, LWS, NIMSERVICE, condition, gone, present, sample, serve, settled

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")

SEVERAL = {"multiNode": {"workers": 1}, "compute": {"gpuDevicesRequest": 8}}


def test_it_runs_stops_and_starts(objects: Objects) -> None:
    objects.apply(sample("gpu-portion", **SEVERAL))
    settled(objects, "llama-8b", "Running", 40)
    status = present(objects, CR, "llama-8b")["status"]
    assert (status["replicas"], status["readyReplicas"], status["gpu"], status["gpusInUse"]) == (1, 1, "8", "16")
    assert status["selector"] == "app=llama-8b-lws,nim-llm-role=leader"
    assert present(objects, LWS, "llama-8b-lws")["spec"]["leaderWorkerTemplate"]["size"] == 2

    objects.apply(sample("gpu-portion", **SEVERAL, desiredPhase="Stopped"))
    settled(objects, "llama-8b", "Stopped", 40)
    assert present(objects, CR, "llama-8b")["status"]["gpusInUse"] == "0"
    objects.apply(sample("gpu-portion", **SEVERAL))
    settled(objects, "llama-8b", "Running", 40, generation=3)
    objects.delete(CR, "llama-8b")
    assert gone(objects, LWS, "llama-8b-lws", 60)


def test_it_runs_by_ray_with_layers_over_all_pods(objects: Objects) -> None:
    objects.apply(
        sample(
            "gpu-portion",
            compute=SEVERAL["compute"],
            multiNode={"workers": 2, "launcher": "ray", "tensorParallelism": 24},
        )
    )
    settled(objects, "llama-8b", "Running", 40)
    multi_node = present(objects, NIMSERVICE, "llama-8b")["spec"]["multiNode"]
    assert multi_node["ray"] == {"rayPort": 6379}
    assert multi_node["parallelism"] == {"pipeline": 1, "tensor": 24}
    assert present(objects, LWS, "llama-8b-lws")["spec"]["leaderWorkerTemplate"]["size"] == 3


def test_what_cannot_change_is_refused_and_leaves_it_running(objects: Objects) -> None:
    objects.apply(sample("gpu-portion", **SEVERAL))
    settled(objects, "llama-8b", "Running", 40)
    with pytest.raises(DynamicApiError) as refusal:
        objects.apply(sample("gpu-portion", compute=SEVERAL["compute"]))
    assert "multiNode can't be added, removed or changed" in refusal.value.summary()
    before = present(objects, NIMSERVICE, "llama-8b")["metadata"]["resourceVersion"]
    objects.apply(sample("gpu-portion", **SEVERAL, replicas=2))
    settled(objects, "llama-8b", "MultiNodeImmutable")
    assert "spec.replicas" in condition(objects, "llama-8b", "Stalled")["message"]
    assert present(objects, NIMSERVICE, "llama-8b")["metadata"]["resourceVersion"] == before
    serve(objects, **SEVERAL)
