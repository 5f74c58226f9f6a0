"""Rendering of a LeaderWorkerSet, its pods and its status, with plain values."""

from typing import Any

import pytest

from local.nim_operator import groups, multinode, status, workload
from local.nim_operator.workload import ModelStore, RenderError
from tests.nim_operator.plain import a_cache, a_nim


def a_multi_node(pipeline: int = 2, **spec: Any) -> dict[str, Any]:
    return a_nim(multiNode={"parallelism": {"pipeline": pipeline, "tensor": 8}}, **{"replicas": 1, **spec})


def test_a_profile_adds_to_each_pod_of_a_multi_node_the_gpus_of_its_tensor_parallelism() -> None:
    added = workload.resources_of(a_multi_node(), "p1", a_cache(tp="4"))
    assert added == {"requests": {"nvidia.com/gpu": "8"}, "limits": {"nvidia.com/gpu": "8"}}


@pytest.mark.parametrize("changes", [{"schedulerName": "on"}, {"nodeSelector": {"pool": "true"}}])
def test_values_that_yaml_reads_as_something_else_break_the_leader_worker_set(changes: dict[str, Any]) -> None:
    with pytest.raises(RenderError, match="LeaderWorkerSet"):
        multinode.leader_worker_set(a_multi_node(**changes), ModelStore("store"), {})


def test_a_user_takes_the_leaders_label_from_its_service() -> None:
    made = multinode.leader_worker_set(a_multi_node(labels={"app": "mine"}), ModelStore("store"), {})
    assert made["spec"]["leaderWorkerTemplate"]["leaderTemplate"]["metadata"]["labels"]["app"] == "mine"


def test_only_the_leader_is_probed_and_both_have_the_users_environment() -> None:
    env = [{"name": "A", "value": "b"}]
    template = multinode.leader_worker_set(a_multi_node(env=env), ModelStore("store", "sub"), {})
    parts = template["spec"]["leaderWorkerTemplate"]
    (leader,) = parts["leaderTemplate"]["spec"]["containers"]
    (worker,) = parts["workerTemplate"]["spec"]["containers"]
    assert leader.keys() - worker.keys() == {"livenessProbe", "readinessProbe", "startupProbe"}
    assert leader["volumeMounts"] == worker["volumeMounts"]
    assert leader["env"][0] == worker["env"][0] == env[0]
    roles = [
        next(variable["value"] for variable in container["env"] if variable["name"] == "NIM_LEADER_ROLE")
        for container in (leader, worker)
    ]
    assert roles == ["1", "0"]


def test_ray_needs_nothing_that_is_made_before() -> None:
    nim = a_multi_node()
    assert len(multinode.config(nim)) == 3
    nim["spec"]["multiNode"]["ray"] = {"rayPort": 6379}
    assert multinode.config(nim) == []


@pytest.mark.parametrize(("pipeline", "gpus", "size"), [(1, 4, 2), (3, 8, 3), (1, 8, 1), (1, 16, 1), (2, None, 2)])
def test_a_group_has_the_gpus_of_both_parallelisms(pipeline: int, gpus: int | None, size: int) -> None:
    resources = {"limits": {"nvidia.com/gpu": str(gpus)}} if gpus else {}
    made = multinode.leader_worker_set(a_multi_node(pipeline, resources=resources), ModelStore("store"), {})
    assert made["spec"]["leaderWorkerTemplate"]["size"] == size


def a_set(size: int = 2, replicas: int = 2, **said: str) -> dict[str, Any]:
    template = {"size": size, "leaderTemplate": {"spec": {"leads": True}}, "workerTemplate": {"spec": {}}}
    return {
        "metadata": {"name": "llama-lws", "namespace": "team", "uid": "1", "generation": 3},
        "spec": {"replicas": replicas, "leaderWorkerTemplate": template},
        "status": {"conditions": [{"type": type_, "status": status_} for type_, status_ in said.items()]},
    }


def ready(pod: dict[str, Any]) -> dict[str, Any]:
    return {**pod, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}


def test_the_pods_of_a_leader_worker_set() -> None:
    made = list(groups.pods_of(a_set()))
    assert [pod["metadata"]["name"] for pod in made] == ["llama-lws-0", "llama-lws-0-1", "llama-lws-1", "llama-lws-1-1"]
    assert [pod["metadata"]["labels"][groups.POD] for pod in made] == ["0", "1", "0", "1"]
    assert [bool(pod["spec"]) for pod in made] == [True, False, True, False]


def test_a_group_counts_when_all_its_pods_are_ready() -> None:
    owner = a_set()
    first, second, third, fourth = groups.pods_of(owner)
    said = groups.status_of(owner, [ready(first), ready(second), ready(third), fourth])
    assert (said["replicas"], said["readyReplicas"], said["updatedReplicas"]) == (2, 1, 2)
    assert [(known["type"], known["status"]) for known in said["conditions"]] == [("Progressing", "True")]
    said = groups.status_of(owner, [ready(first), ready(second), ready(third)])
    assert said["readyReplicas"] == 1
    assert said["observedGeneration"] == 3


def test_an_outdated_or_leaving_group_is_not_available() -> None:
    owner = a_set(replicas=1, Available="True")
    pods = [ready(pod) for pod in groups.pods_of(owner)]
    assert groups.status_of(owner, pods)["conditions"][0]["status"] == "True"
    changed = a_set(replicas=1, Available="True")
    changed["spec"]["leaderWorkerTemplate"]["workerTemplate"] = {"spec": {"image": "new"}}
    said = groups.status_of(changed, pods)
    assert (said["readyReplicas"], said["updatedReplicas"]) == (1, 0)
    assert [(known["type"], known["status"]) for known in said["conditions"]] == [
        ("Available", "False"),
        ("Progressing", "True"),
    ]
    pods[0]["metadata"]["deletionTimestamp"] = "now"
    assert groups.status_of(owner, pods)["readyReplicas"] == 0


@pytest.mark.parametrize(
    ("found", "message", "is_ready"),
    [
        (None, "", False),
        (a_set(), 'leaderworkerset "llama-lws" is not ready', False),
        (a_set(Available="False"), 'leaderworkerset "llama-lws" is not ready', False),
        (a_set(Available="True"), 'leaderworkerset "llama-lws" is ready', True),
        (a_set(1, Available="True"), 'leaderworkerset "llama-lws" is not ready', False),
    ],
)
def test_readiness_of_groups(found: dict[str, Any] | None, message: str, is_ready: bool) -> None:
    assert status.groups(found) == (message, is_ready)
