"""What an administrator sets for every NIM reaches the pods, and goes with the setting."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.objects import Objects, wait_for
from runai_nim.domain.diff import differences
from tests.cluster.conftest import Configured
from tests.support.services import NIMSERVICE, pod_template, present, sample, serve, settled

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")

SETTINGS: dict[str, Any] = {
    "node_selector": {"nvidia.com/gpu.present": "true"},
    "proxy": {"https": "http://proxy.example.com:3128", "certificates_config_map": "ca-certificates"},
    "service_annotations": {"example.com/team": "platform"},
    "shared_memory_size": "16384Mi",
    "startup_probe": {"failure_threshold": 360},
}


def environment(settings: dict[str, Any]) -> dict[str, str]:
    return {
        f"RUNAI_NIM_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.items()
    }


@pytest.fixture
def runtime_class(kubectl: Callable[..., str]) -> Iterator[str]:
    """A RuntimeClass, without which the API server refuses pods that name it."""
    name = "platform-test"
    manifest = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": "runc"}
    kubectl("apply", "--filename=-", stdin=json.dumps(manifest))
    yield name
    kubectl("delete", "runtimeclass", name)


def test_settings_of_the_platform_reach_the_pods_and_are_taken_away_again(
    objects: Objects, configured: Configured, runtime_class: str
) -> None:
    serve(objects)
    before = present(objects, NIMSERVICE, "llama-8b")

    configured(environment({**SETTINGS, "runtime_class_name": runtime_class}))

    # The status says Running of the Deployment as it was until the NIM Operator has changed it.
    wait_for(lambda: pod_template(objects, "llama-8b")["spec"].get("runtimeClassName"), 20)
    settled(objects, "llama-8b", "Running", 40)
    pod = pod_template(objects, "llama-8b")["spec"]
    container = pod["containers"][0]
    assert pod["runtimeClassName"] == runtime_class
    required = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required["nodeSelectorTerms"][0]["matchExpressions"][0]["key"] == "nvidia.com/gpu.present"
    assert pod["volumes"][0] == {"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}}
    assert container["startupProbe"]["failureThreshold"] == 360
    assert {"name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128"} in container["env"]
    assert [one["name"] for one in pod["initContainers"]] == ["update-ca-certificates"]
    assert present(objects, "v1 Service", "llama-8b")["metadata"]["annotations"]["example.com/team"] == "platform"

    configured({})
    wait_for(lambda: "proxy" not in present(objects, NIMSERVICE, "llama-8b")["spec"], 20)
    settled(objects, "llama-8b", "Running", 40)

    after = present(objects, NIMSERVICE, "llama-8b")
    assert list(differences(before["spec"], after["spec"])) == []
    assert {key: after["spec"][key] for key in after["spec"].keys() - before["spec"].keys()} in (
        {},
        {"startupProbe": {"enabled": True}},
    )


def test_a_spec_s_own_proxy_replaces_that_of_the_platform(objects: Objects, configured: Configured) -> None:
    configured(environment({"proxy": SETTINGS["proxy"]}))
    variable = {"name": "HTTPS_PROXY", "value": "http://other.example.com:3128"}

    objects.apply(sample("gpu-portion", environmentVariables=[variable]))
    settled(objects, "llama-8b", "Running")

    assert "proxy" not in present(objects, NIMSERVICE, "llama-8b")["spec"]
    pod = pod_template(objects, "llama-8b")["spec"]
    assert variable in pod["containers"][0]["env"]
    assert "initContainers" not in pod
