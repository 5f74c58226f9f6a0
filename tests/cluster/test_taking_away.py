"""What was asked for can be taken away again, after the NIM Operator has rewritten the NIMService's spec."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from local.objects import Objects, wait_for
from runai_nim.domain.diff import differences
from tests.support.services import CR, HPA, NIMSERVICE, gone, pod_template, present, reason, sample, serve, settled

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")

SCALED = {"minReplicas": 2, "maxReplicas": 3, "metric": "cpu", "metricThreshold": 70}
PROBE = {
    "readiness": {"initialDelaySeconds": 0, "failureThreshold": 9, "handler": {"httpGet": {"port": 8000}}},
    "startup": {"initialDelaySeconds": 0, "failureThreshold": 720},
    "liveness": {"timeoutSeconds": 30},
}
LISTS: dict[str, list[dict[str, Any]]] = {
    "environmentVariables": [{"name": "A", "value": "1"}, {"name": "B", "secret": {"name": "s", "key": "k"}}],
    "labels": [{"name": "team", "value": "a"}],
    "annotations": [{"name": "example.com/note", "value": "b"}],
    "tolerations": [{"operator": "Exists", "key": "nvidia.com/gpu", "effect": "NoSchedule"}],
    "imagePullSecrets": [{"name": "registry"}],
}
CHANGES: dict[str, dict[str, Any]] = {
    "autoscaling": {"autoscaling": SCALED},
    "probe": {"probes": PROBE},
    "everything listed": LISTS,
    "node pools": {"nodePools": ["h100", "default"]},
    "priority": {"priorityClass": "low", "preemptibility": "non-preemptible", "category": "Train"},
    "security": {"security": {"runAsUid": 1000, "runAsGid": 3000}},
    "ports": {"servingPort": {"port": 8000, "grpcPort": 50051, "metricsPort": 9000, "serviceType": "NodePort"}},
    "stopped": {"desiredPhase": "Stopped"},
    "whole GPUs": {"compute": {"gpuDevicesRequest": 2, "cpuCoreRequest": 1}},
    "no resources": {"compute": None},
}


def switched_on(spec: dict[str, Any]) -> dict[str, Any]:
    """Without the scaling that is off: the NIM Operator writes it with zeros, the operator has to keep ones."""
    return {key: value for key, value in spec.items() if key != "scale" or value.get("enabled")}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_there_and_back_gives_the_same_again(objects: Objects, change: dict[str, Any]) -> None:
    first = sample("gpu-portion")
    objects.apply(first)
    settled(objects, "llama-8b", "Running")
    before = present(objects, NIMSERVICE, "llama-8b")

    objects.apply(sample("gpu-portion", **change))
    settled(objects, "llama-8b", "Stopped" if "desiredPhase" in change else "Running", generation=2)
    assert any(differences(before["spec"], present(objects, NIMSERVICE, "llama-8b")["spec"]))
    objects.apply(first)
    settled(objects, "llama-8b", "Running", generation=3)

    after = present(objects, NIMSERVICE, "llama-8b")
    assert list(differences(switched_on(before["spec"]), switched_on(after["spec"]))) == []
    left = {key: value for key, value in after["spec"].items() if key not in before["spec"]}
    # What server-side apply can't take away stays, switched off.
    assert left in (
        {},
        {"scale": {"enabled": False, "hpa": {"maxReplicas": 1, "minReplicas": 1}}},
        {f"{name}Probe": {"enabled": True} for name in ("readiness", "startup", "liveness")},
    )
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert after["metadata"]["annotations"] == before["metadata"]["annotations"]
    assert after["spec"].get("labels") == before["spec"].get("labels")
    assert after["spec"].get("annotations") == before["spec"].get("annotations")


def test_emptied_lists_are_gone_from_the_pods(objects: Objects) -> None:
    serve(objects, **LISTS)
    objects.apply(sample("gpu-portion", **{name: [] for name in LISTS}))
    # The status says Running of the Deployment as it was until the NIM Operator has changed it.
    wait_for(lambda: "tolerations" not in pod_template(objects, "llama-8b")["spec"], 20)
    settled(objects, "llama-8b", "Running", generation=2)
    template = pod_template(objects, "llama-8b")
    assert {"A", "B"}.isdisjoint(variable["name"] for variable in template["spec"]["containers"][0]["env"])
    assert "team" not in template["metadata"]["labels"]
    assert "example.com/note" not in template["metadata"]["annotations"]


def test_autoscaling_makes_an_autoscaler_and_stopping_removes_it(
    objects: Objects, kubectl: Callable[..., str], namespace: str
) -> None:
    kubectl("label", "namespace", namespace, "runai/queue=team-a")
    objects.apply(sample("gpu-portion", autoscaling=SCALED))
    wait_for(lambda: objects.get(HPA, "llama-8b"))
    assert "replicas" not in present(objects, NIMSERVICE, "llama-8b")["spec"]
    objects.apply(sample("gpu-portion", autoscaling=SCALED, desiredPhase="Stopped"))
    settled(objects, "llama-8b", "Stopped")
    assert gone(objects, HPA, "llama-8b")
    assert present(objects, NIMSERVICE, "llama-8b")["spec"]["replicas"] == 0
    objects.apply(sample("gpu-portion", autoscaling=SCALED))
    wait_for(lambda: objects.get(HPA, "llama-8b"))
    settled(objects, "llama-8b", "Running")
    # The sample's claim is for one node, and three replicas may run.
    assert reason(objects, "llama-8b", "Translated") == "TranslatedWithWarnings"


def test_kubectl_scale_is_refused_beside_autoscaling(objects: Objects, kubectl: Callable[..., str]) -> None:
    objects.apply(sample("gpu-portion", autoscaling=SCALED))
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        kubectl("scale", "rnim", "llama-8b", "--replicas=3", f"--namespace={objects.namespace}")
    assert "replicas is 3 but must be 1 or absent with autoscaling" in refusal.value.stderr


def test_nothing_of_ours_is_in_the_resource(objects: Objects) -> None:
    objects.apply(sample("gpu-portion"))
    before = present(objects, CR, "llama-8b")
    settled(objects, "llama-8b", "Running")
    after = present(objects, CR, "llama-8b")
    assert after["spec"] == before["spec"]
    assert {k: v for k, v in after["metadata"].items() if k not in ("managedFields", "resourceVersion")} == {
        k: v for k, v in before["metadata"].items() if k not in ("managedFields", "resourceVersion")
    }
