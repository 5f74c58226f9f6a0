"""Renders a NIMService's LeaderWorkerSet and its ConfigMaps and Secret.

Recordings have only the ConfigMaps and the Secret. The LeaderWorkerSet follows the real one's published template,
without the variables and volumes that start MPI, because no container runs.
"""

from typing import Literal

from local.nim_operator import kinds, workload
from local.nim_operator.children import Object, annotations_of, child, labels_of, leader_labels, set_name
from local.nim_operator.kinds import Kind
from local.nim_operator.workload import ModelStore, RenderError

Role = Literal["leader", "worker"]

# Fields that leader and worker share with a Deployment's pod. Neither has affinity, priority class, runtime class or
# ServiceAccount.
OF_THE_POD = ("securityContext", "volumes", "initContainers", "nodeSelector", "tolerations", "imagePullSecrets")
OF_THE_CONTAINER = ("image", "resources", "volumeMounts")


def config(nim: Object) -> list[tuple[Kind, Object]]:
    """Render the ConfigMaps and the Secret of MPI. The real ones have its hosts, its start script and an SSH key."""
    if "ray" in nim["spec"]["multiNode"]:
        return []
    name = nim["metadata"]["name"]
    group = set_name(name)
    slots = _parallelism(nim, "tensor")
    hosts = {
        f"hostfile-{number}": "\n".join(
            f"{group}-{number}{f'-{pod}' if pod else ''}.{group} slots={slots}" for pod in range(_size(nim))
        )
        for number in range(nim["spec"].get("replicas", 1))
    }
    script = "#!/bin/sh\n# Made by a stand-in for the NIM Operator: there is no MPI to start.\nexit 1\n"
    made: list[tuple[Kind, str, Object]] = [
        (kinds.CONFIG_MAP, f"{name}-mpi-config", {"data": hosts}),
        (kinds.CONFIG_MAP, f"{name}-mpi-start-script", {"data": {"start-mpi-cluster.sh": script}}),
        (kinds.SECRET, f"{name}-ssh-pk", {"type": "Opaque", "data": {"private.key": ""}}),
    ]
    return [(kind, child(kind, nim, child_name, **parts)) for kind, child_name, parts in made]


def leader_worker_set(nim: Object, store: ModelStore, resources: Object) -> Object:
    """Render the LeaderWorkerSet. Raises RenderError, also for a NIMService without replicas."""
    workload.check_unquoted(nim, store, kinds.LEADER_WORKER_SET)
    workload.check_characters(nim, store, kinds.LEADER_WORKER_SET)
    if "replicas" not in nim["spec"]:
        raise RenderError(kinds.LEADER_WORKER_SET, "int32")
    annotations = annotations_of(nim)
    leader, worker = _pod_spec(nim, store, resources, "leader"), _pod_spec(nim, store, resources, "worker")
    leader |= {key: nim["spec"][key] for key in ("schedulerName",) if key in nim["spec"]}
    labels = {**leader_labels(nim), **labels_of(nim)}
    spec = {
        "replicas": nim["spec"]["replicas"],
        "leaderWorkerTemplate": {
            "leaderTemplate": {"metadata": {"labels": labels, "annotations": annotations}, "spec": leader},
            "workerTemplate": {"metadata": {"annotations": annotations}, "spec": worker},
            "size": _size(nim),
            "restartPolicy": "RecreateGroupOnPodRestart",
        },
        "rolloutStrategy": {
            "type": "RollingUpdate",
            "rollingUpdateConfiguration": {"maxSurge": 0, "maxUnavailable": 1},
        },
        "networkConfig": {"subdomainPolicy": "Shared"},
        "startupPolicy": "LeaderCreated",
    }
    return child(kinds.LEADER_WORKER_SET, nim, set_name(nim["metadata"]["name"]), annotations, spec=spec)


def _parallelism(nim: Object, what: str) -> int:
    return int(nim["spec"]["multiNode"]["parallelism"].get(what, 1))


def _size(nim: Object) -> int:
    """Pods of a group. By documentation: without pipeline parallelism, as many as have the GPUs of the tensor's."""
    gpus = int(nim["spec"].get("resources", {}).get("limits", {}).get(workload.GPU, 0))
    pipeline = _parallelism(nim, "pipeline")
    return pipeline * max(_parallelism(nim, "tensor") // gpus, 1) if gpus else pipeline


def _pod_spec(nim: Object, store: ModelStore, resources: Object, role: Role) -> Object:
    single = workload.pod_spec(nim, store, resources)
    shared = {key: single[key] for key in OF_THE_POD if key in single}
    return {**shared, "containers": [_container(nim, single["containers"][0], role)]}


def _container(nim: Object, single: Object, role: Role) -> Object:
    """Derive the container from a Deployment's: it has only port `api`, and only the leader has probes."""
    env = [
        *single["env"],
        {"name": "NIM_LEADER_ROLE", "value": "1" if role == "leader" else "0"},
        {"name": "NIM_NUM_COMPUTE_NODES", "value": str(_size(nim))},
    ]
    kept = (*OF_THE_CONTAINER, *workload.PROBES) if role == "leader" else OF_THE_CONTAINER
    return {
        "name": f"nim-{role}",
        "ports": [port for port in single["ports"] if port["name"] == "api"],
        "env": env,
        **{key: single[key] for key in kept if key in single},
    }
