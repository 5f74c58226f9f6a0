"""Multi-node of the stand-in, on a real API server that knows LeaderWorkerSets."""

from typing import Any

import pytest

from local.control_plane import ControlPlane
from tests.nim_operator.api import POOL, PREFIX, Api, nim_service, until
from tests.nim_operator.conftest import OTHERS, install

pytestmark = pytest.mark.long

LAST_APPLIED, PARENT_SPEC = "nvidia.com/last-applied-hash", "nvidia.com/parent-spec-hash"
# The garbage collector hears of new kinds only every 30 s.
COLLECTED_SECONDS = 75


@pytest.fixture
def api(all_kinds: ControlPlane, namespace: str) -> Api:
    return Api(all_kinds, namespace)


def multi_node(pipeline: int = 3, marks: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    parallelism = {"pipeline": pipeline, "tensor": 2}
    return nim_service(marks=marks, multiNode={"backendType": "lws", "parallelism": parallelism}, **spec)


def pod_names(api: Api) -> list[str]:
    return sorted(pod["metadata"]["name"] for pod in api.all("pods"))


def images(api: Api) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in api.all("pods")}


def conditions(found: dict[str, Any]) -> dict[str, str]:
    return {known["type"]: known["status"] for known in found.get("status", {}).get("conditions", [])}


def test_multi_node_becomes_ready_when_all_its_pods_are(api: Api) -> None:
    api.apply(multi_node(replicas=2, marks={"delay-ready": "2"}))
    until(lambda: len(api.all("pods")) == 6, "the pods")
    until(lambda: api.state() == "NotReady", "NotReady")
    assert api.get("nimservice")["status"]["conditions"][0]["message"] == 'leaderworkerset "llama-lws" is not ready'
    assert conditions(api.get("leaderworkerset", "llama-lws")) == {"Progressing": "True"}

    until(lambda: api.state() == "Ready", "Ready")
    ready = api.get("nimservice")["status"]
    assert ready["conditions"][0]["message"] == 'leaderworkerset "llama-lws" is ready'
    assert ready["model"]["clusterEndpoint"] == f"{api.get('service')['spec']['clusterIP']}:8000"
    made = api.get("leaderworkerset", "llama-lws")
    assert {key: made["status"][key] for key in ("replicas", "readyReplicas", "updatedReplicas")} == {
        "replicas": 2,
        "readyReplicas": 2,
        "updatedReplicas": 2,
    }
    assert made["status"]["observedGeneration"] == made["metadata"]["generation"]
    assert conditions(made) == {"Available": "True", "Progressing": "False"}
    assert not api.get("deployment")


def test_the_parts_of_a_leader_worker_set(api: Api) -> None:
    toleration = {"key": "gpu", "operator": "Exists", "effect": "NoExecute"}
    api.apply(
        multi_node(
            schedulerName="runai-scheduler",
            labels={"of-the": "user"},
            annotations={"also-of-the": "user"},
            tolerations=[{**toleration, "tolerationSeconds": 30}],
            affinity={
                "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [POOL]}}
            },
            image={"repository": "r", "tag": "t", "pullPolicy": "Always", "pullSecrets": ["registry"]},
            expose={"service": {"port": 8000, "grpcPort": 8001, "metricsPort": 8002}},
        )
    )
    until(lambda: api.state() == "Ready", "Ready")
    made = api.get("leaderworkerset", "llama-lws")
    template = made["spec"]["leaderWorkerTemplate"]
    leader, worker = template["leaderTemplate"], template["workerTemplate"]
    assert (made["spec"]["replicas"], template["size"]) == (1, 3)
    assert (
        leader["metadata"]["labels"].items() >= {"app": "llama-lws", "nim-llm-role": "leader", "of-the": "user"}.items()
    )
    assert "labels" not in worker["metadata"]
    assert leader["spec"]["schedulerName"] == "runai-scheduler"
    assert "schedulerName" not in worker["spec"]
    for pod, name in ((leader, "nim-leader"), (worker, "nim-worker")):
        (container,) = pod["spec"]["containers"]
        assert container["name"] == name
        assert [port["name"] for port in container["ports"]] == ["api"]
        assert "imagePullPolicy" not in container
        assert pod["metadata"]["annotations"]["also-of-the"] == "user"
        assert pod["spec"]["tolerations"] == [toleration]
        assert pod["spec"]["imagePullSecrets"] == [{"name": "registry"}]
        assert "affinity" not in pod["spec"]


def test_a_leader_worker_set_carries_owner_and_hashes_as_a_deployment_does(api: Api) -> None:
    api.apply(multi_node())
    until(lambda: bool(api.get("leaderworkerset", "llama-lws")), "the LeaderWorkerSet")
    nim = api.get("nimservice")
    made = api.get("leaderworkerset", "llama-lws")
    service = api.get("service")
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("NIMService", nim["metadata"]["uid"], True)
    assert made["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "k8s-nim-operator"
    hashes, of_the_service = made["metadata"]["annotations"], service["metadata"]["annotations"]
    assert hashes[PARENT_SPEC] == of_the_service[PARENT_SPEC]
    assert hashes[LAST_APPLIED] != of_the_service[LAST_APPLIED]
    assert service["spec"]["selector"] == {"app": "llama-lws", "nim-llm-role": "leader"}


def test_a_changed_image_replaces_the_pods_of_all_groups(api: Api) -> None:
    api.apply(multi_node(replicas=2))
    until(lambda: api.state() == "Ready", "Ready")
    before = api.get("leaderworkerset", "llama-lws")["metadata"]["annotations"]
    api.apply(multi_node(replicas=2, image={"repository": "r", "tag": "2"}))
    until(lambda: len(api.all("pods")) == 6 and images(api) == {"r:2"}, "the new image")
    until(lambda: api.state() == "Ready", "Ready again")
    after = api.get("leaderworkerset", "llama-lws")["metadata"]["annotations"]
    assert before[PARENT_SPEC] != after[PARENT_SPEC]
    assert before[LAST_APPLIED] != after[LAST_APPLIED]


def test_more_replicas_are_more_groups_without_a_host_file(api: Api) -> None:
    api.apply(multi_node(2))
    until(lambda: api.state() == "Ready", "Ready")
    api.apply(multi_node(2, replicas=2))
    both = ["llama-lws-0", "llama-lws-0-1", "llama-lws-1", "llama-lws-1-1"]
    until(lambda: pod_names(api) == both, "the second group")
    assert list(api.get("configmap", "llama-mpi-config")["data"]) == ["hostfile-0"]
    api.apply(multi_node(2))
    until(lambda: pod_names(api) == both[:2], "one group again")


def test_a_group_with_a_lost_pod_is_not_ready(api: Api, all_kinds: ControlPlane) -> None:
    api.apply(multi_node())
    until(lambda: api.state() == "Ready", "Ready")
    api.annotate("llama", PREFIX + "delay-ready=2")
    all_kinds.kubectl("delete", "pod", "llama-lws-0-2", api.namespace)
    until(lambda: api.state() == "NotReady", "NotReady")
    assert until(lambda: api.state() == "Ready", "Ready again") > 1
    assert len(api.all("pods")) == 3


def test_a_deleted_multi_node_goes_with_its_pods(api: Api, all_kinds: ControlPlane) -> None:
    api.apply(multi_node())
    until(lambda: api.state() == "Ready", "Ready")
    all_kinds.kubectl("delete", "nimservice", "llama", api.namespace, "--timeout=10s")
    until(
        lambda: not api.get("leaderworkerset", "llama-lws") and not api.all("pods"), "all collected", COLLECTED_SECONDS
    )


def test_multi_node_without_replicas_fails(api: Api) -> None:
    wanted = multi_node()
    del wanted["spec"]["replicas"]
    api.apply(wanted)
    until(lambda: api.state() == "Failed", "Failed")
    failed = api.get("nimservice")["status"]["conditions"][1]
    assert "LeaderWorkerSet" in failed["message"]
    assert failed["reason"] in {"LeaderWorkerSetFailed", "Failed"}
    assert not api.get("leaderworkerset", "llama-lws")


def test_a_pipeline_of_one_is_never_ready(api: Api) -> None:
    api.apply(multi_node(1))
    until(lambda: conditions(api.get("leaderworkerset", "llama-lws")).get("Available") == "True", "available")
    until(lambda: api.state() == "NotReady", "NotReady")


def test_a_kind_that_comes_later_is_used_then(api: Api, all_kinds: ControlPlane) -> None:
    all_kinds.kubectl("delete", "crd", "leaderworkersets.leaderworkerset.x-k8s.io")
    api.apply(multi_node())
    until(lambda: api.state() == "Failed", "Failed")
    message = api.get("nimservice")["status"]["conditions"][1]["message"]
    assert message == 'no matches for kind "LeaderWorkerSet" in version "leaderworkerset.x-k8s.io/v1"'
    install(all_kinds, OTHERS)
    until(lambda: api.state() == "Ready", "Ready", 30)
