"""The objects that the guide's pictures show: a cluster with three teams, at one moment."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from runai_nim.api.crd import make_schema
from runai_nim.api.kinds import KINDS
from runai_nim.api.resources import (
    CLUSTER_RUNAI_NIM_POLICIES,
    DEPLOYMENTS,
    NAMESPACES,
    PRIORITY_CLASSES,
    RUNAI_NIM_POLICIES,
    RUNAI_NIM_SERVICES,
    KubeObject,
    Resource,
)
from runai_nim.cli.doctor.facts import INGRESS_CLASSES, NODES, STORAGE_CLASSES, ClusterFacts, Listing
from runai_nim.config.settings import Settings
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.observed.resource_tree import Reading, Readings
from runai_nim.domain.reasons import Reason

ALL_AVAILABLE: Final = "every replica is available and the model answers"
NO_NODE: Final = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu"
POD: Final = "llama-8b-6f7c9-9hl4w"


def some_services(now: datetime) -> list[KubeObject]:
    """RunaiNimServices whose ages are the same at any `now`."""
    long, short = now - timedelta(days=12, hours=1), now - timedelta(minutes=5, seconds=30)
    running = {"reason": Reason.RUNNING, "message": ALL_AVAILABLE}
    cannot_pull = {"reason": Reason.IMAGE_PULL_FAILED, "message": "pod mixtral-7c-1 can't pull its image"}
    return [
        _service("runai-search/embedder", "Running", running, long, ready=1, gpusInUse="0.5"),
        _service("runai-search/reranker", "Running", running, long, ready=2, replicas=2, gpusInUse="40Gi"),
        waiting_service(short),
        _service("runai-research/mixtral", "Degraded", cannot_pull, long, ready=1, replicas=2, gpusInUse="4"),
        _service("runai-batch/summaries", "Stopped", {"reason": Reason.STOPPED}, long, replicas=0, gpusInUse="0"),
    ]


def waiting_service(created_at: datetime) -> KubeObject:
    """A RunaiNimService that one pod of two has no node for."""
    message = f"1 of 2 replicas are available; runai-scheduler can't place pod {POD}: {NO_NODE}"
    found = _service(
        *("runai-search/llama-8b", "Pending", {"reason": Reason.UNSCHEDULABLE, "message": message}, created_at),
        ready=1,
        replicas=2,
        gpusInUse="1",
        url="https://llama.models.example.com",
        claimName="llama-8b-model-store",
        policies=[{"name": "platform", "scope": "cluster"}],
    )
    compliant = {"type": "PolicyCompliant", "status": "True", "reason": Reason.COMPLIANT}
    told = {**compliant, "message": "the spec meets all rules of its policies"}
    found["status"]["conditions"].append(told | {"lastTransitionTime": created_at.isoformat()})
    return found


def _service(
    name: str, phase: str, ready_condition: dict[str, str], created_at: datetime, *, ready: int = 0, **status: Any
) -> KubeObject:
    namespace, _, short = name.rpartition("/")
    holds = phase in ("Running", "Stopped")
    condition = {"type": "Ready", "status": str(holds), "lastTransitionTime": created_at.isoformat()}
    known = {"observedGeneration": 1, "phase": phase, "conditions": [condition | ready_condition]}
    return {
        "metadata": {**_metadata(short, created_at, "RunaiNimService"), "namespace": namespace, "generation": 1},
        "spec": {},
        "status": {
            **known,
            "project": namespace.removeprefix("runai-"),
            "replicas": 1,
            "readyReplicas": ready,
            **status,
        },
    }


def _metadata(name: str, created_at: datetime, kind: str, owner: str = "") -> KubeObject:
    owners = [{"controller": True, "uid": owner}] if owner else []
    return {
        "name": name,
        "uid": f"{kind} {name}",
        "resourceVersion": "1",
        "creationTimestamp": created_at.isoformat(),
        "ownerReferences": owners,
    }


def its_objects(created_at: datetime) -> Readings:
    """What belongs to `waiting_service`."""

    def one(kind: str, name: str, owner: str = "", **parts: Any) -> Reading:
        return Reading(({"metadata": _metadata(name, created_at, kind, owner), **parts},))

    replicas = {"spec": {"replicas": 2}, "status": {"readyReplicas": 1, "replicas": 2}}
    pods = (
        _pod("llama-8b-6f7c9-2xkqv", created_at, node="gpu-1", phase="Running"),
        _pod(POD, created_at, phase="Pending"),
    )
    return {
        "NIMService": one("NIMService", "llama-8b", "RunaiNimService llama-8b", status={"state": "NotReady"}),
        "Deployment": one("Deployment", "llama-8b", "NIMService llama-8b", **replicas),
        "ReplicaSet": one("ReplicaSet", "llama-8b-6f7c9", "Deployment llama-8b", **replicas),
        "Pod": Reading(pods),
        "PersistentVolumeClaim": one(
            *("PersistentVolumeClaim", "llama-8b-model-store"),
            status={"phase": "Bound", "capacity": {"storage": "100Gi"}},
        ),
    }


def _pod(name: str, created_at: datetime, *, phase: str, node: str = "") -> KubeObject:
    container = {"name": "llama-8b-ctr", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
    ready = [{"type": "Ready", "status": "True"}] if node else []
    return {
        "metadata": _metadata(name, created_at, "Pod", "ReplicaSet llama-8b-6f7c9"),
        "spec": {"containers": [container], **({"nodeName": node} if node else {})},
        "status": {"phase": phase, "conditions": ready},
    }


def its_events(at: datetime) -> list[KubeObject]:
    """Events about these objects."""
    about = {"kind": "Pod", "name": POD, "uid": f"Pod {POD}"}
    metadata = {"name": "e", "uid": "e", "resourceVersion": "1", "creationTimestamp": at.isoformat()}
    told = {"type": "Warning", "reason": "Unschedulable", "message": NO_NODE, "count": 4}
    return [{"metadata": metadata, "involvedObject": about, "lastTimestamp": at.isoformat(), **told}]


def a_cluster(settings: Settings) -> ClusterFacts:
    """A cluster with an old NIM Operator, a policy that is not in force as it is written, and one IngressClass."""
    default = {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    queue = {"labels": {"runai/queue": "team"}}
    gpus = {"metadata": {"name": "gpu-1"}, "status": {"allocatable": {"nvidia.com/gpu": "8"}}}
    classes = [{"metadata": {"name": name}} for name in settings.priority_classes.values()]
    listings: dict[Resource, list[KubeObject]] = {
        RUNAI_NIM_SERVICES: some_services(NOW),
        RUNAI_NIM_POLICIES: [],
        CLUSTER_RUNAI_NIM_POLICIES: [_policy("platform", "False"), _policy("research", "True")],
        DEPLOYMENTS: [
            _deployment("runai-nim-system", "runai-nim-operator", "runai-nim-operator:0.2.0", replicas=2),
            _deployment("nim-operator", "k8s-nim-operator", "k8s-nim-operator:v3.0.2"),
            _deployment("runai", "runai-scheduler-default", "scheduler:v2.24.2"),
        ],
        NAMESPACES: [{"metadata": {"name": f"runai-{team}", **queue}} for team in ("batch", "research", "search")],
        NODES: [gpus, {"metadata": {"name": "cpu-1"}}],
        PRIORITY_CLASSES: classes,
        STORAGE_CLASSES: [{"metadata": default, "allowVolumeExpansion": True}],
        INGRESS_CLASSES: [{"metadata": {"name": "nginx"}}],
    }
    return ClusterFacts(
        version="v1.34.4",
        served=frozenset({"apps.nvidia.com/v1alpha1", "run.ai/v2alpha1"}),
        own_schemas={kind.name: make_schema(kind) for kind in KINDS},
        nimservice=NIMServiceSchema.of_version("3.0.2"),
        account="system:serviceaccount:runai-nim-system:runai-nim-operator",
        denied=(),
        listings={kind: Listing(tuple(objects)) for kind, objects in listings.items()},
    )


def _policy(name: str, valid: str) -> KubeObject:
    status = {"observedGeneration": 1, "conditions": [{"type": "Valid", "status": valid}]}
    return {"metadata": {**_metadata(name, NOW, "ClusterRunaiNimPolicy"), "generation": 1}, "status": status}


def _deployment(namespace: str, name: str, image: str, replicas: int = 1) -> KubeObject:
    pod = {"serviceAccountName": name, "containers": [{"image": image}]}
    labels = {"app.kubernetes.io/name": name}
    return {
        "metadata": {"namespace": namespace, "name": name, "labels": labels},
        "spec": {"replicas": replicas, "template": {"spec": pod}},
        "status": {"availableReplicas": replicas},
    }


NOW: Final = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
"""The moment of pictures whose command takes one."""
