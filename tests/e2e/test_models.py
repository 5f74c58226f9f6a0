"""A model that really runs: it answers through its Service, comes back after an eviction, and is scaled by its CPU."""

import json

import pytest

from local.objects import Object
from tests.e2e.cluster import Client, Cluster
from tests.e2e.models import DEPLOYMENT, NAME, SECONDS, Case, Model

HPA = "autoscaling/v2 HorizontalPodAutoscaler"
ANSWERS = Case("answers")
COMES_BACK = Case("comes-back")
SCALED = Case(
    "scaled",
    {"NIM_TEST_CPU_BURN": "0.3"},
    spec={"autoscaling": {"minReplicas": 1, "maxReplicas": 2, "metric": "cpu", "metricThreshold": 50}},
)
QUESTION = {"model": "stand-in", "messages": [{"role": "user", "content": "Who are you?"}]}


@pytest.mark.parametrize("case", [ANSWERS], ids=["answers"])
def test_a_model_runs_and_answers_through_its_service(model: Model, client: Client) -> None:
    assert model.running().message == "every replica is available and the model answers"
    url = model.cr["status"]["internalUrl"]
    code, text = client.ask("POST", f"{url}/v1/chat/completions", QUESTION)

    assert (code, json.loads(text)["object"]) == (200, "chat.completion")
    code, text = client.ask("POST", f"{url}/v1/chat/completions", QUESTION | {"stream": True})
    assert (code, text.endswith("data: [DONE]\n\n")) == (200, True)
    assert 'request_success_total{model_name="stand-in"} 2' in client.ask("GET", f"{url}/v1/metrics")[1]
    assert (model.cr["status"]["replicas"], model.cr["status"]["readyReplicas"]) == (1, 1)


@pytest.fixture
def metrics_api(cluster: Cluster) -> None:
    """The cluster has a metrics API."""
    found = cluster.kubectl.attempt("get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes")
    if found.returncode:
        pytest.skip("the cluster serves no metrics.k8s.io, by which CPU is scaled")


@pytest.mark.usefixtures("metrics_api")
@pytest.mark.parametrize("case", [SCALED], ids=["scaled"])
def test_a_busy_model_is_scaled_by_its_cpu(model: Model) -> None:
    def scaled() -> bool:
        found = model.objects.get(HPA, NAME)
        return found is not None and found.get("status", {}).get("desiredReplicas") == 2

    model.wait(scaled)
    model.wait(lambda: model.cr["status"].get("readyReplicas") == 2)
    model.running()
    found = model.objects.get(HPA, NAME)

    assert found is not None
    (metric,) = found["status"]["currentMetrics"]
    assert metric["resource"]["current"]["averageUtilization"] > 50
    deployment = model.objects.get(DEPLOYMENT, NAME)
    assert deployment is not None
    assert deployment["spec"]["replicas"] == 2
    model.change(desiredPhase="Stopped")  # its CPU is for others now
    model.becomes("Stopped", "Stopped")


def evict(model: Model) -> Object:
    """Have the model's pod evicted, as a drain does, and return it."""
    model.running()
    (pod,) = model.pods
    model.objects.evict(pod["metadata"]["name"])
    return pod


def another_runs(model: Model, gone: Object) -> bool:
    """Is there a pod in the place of one that is gone, and does the model run?"""
    uids = {pod["metadata"]["uid"] for pod in model.pods}
    return model.status.phase == "Running" and len(uids) == 1 and gone["metadata"]["uid"] not in uids


@pytest.mark.parametrize("case", [COMES_BACK], ids=["evicted"])
def test_a_model_whose_pod_is_evicted_is_not_ready_and_comes_back(model: Model) -> None:
    gone = evict(model)

    model.wait(lambda: model.status.phase != "Running")
    model.wait(lambda: another_runs(model, gone))


@pytest.mark.parametrize("case", [COMES_BACK], ids=["drained"])
def test_a_model_of_a_drained_node_waits_for_one_and_says_so(model: Model, cluster: Cluster) -> None:
    model.running()
    nodes = cluster.kubectl("get", "nodes", "--output=name").split()
    cluster.kubectl("cordon", *nodes)
    try:
        gone = evict(model)
        model.becomes("Pending", "Unschedulable", r"\d+ node\(s\) were unschedulable")
    finally:
        cluster.kubectl("uncordon", *nodes)

    model.wait(lambda: another_runs(model, gone), SECONDS)
