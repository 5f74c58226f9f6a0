"""Renders the children of a NIMService other than its workload, with the hashes in their annotations.

Objects are plain mappings as in the API.
"""

import hashlib
import json
import re
from typing import Any

from local.nim_operator import kinds, proxy
from local.nim_operator.kinds import Kind

LAST_APPLIED = "nvidia.com/last-applied-hash"
PARENT_SPEC = "nvidia.com/parent-spec-hash"
SCC = "openshift.io/required-scc"
QUANTITY = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"

Object = dict[str, Any]


def standard_labels(name: str) -> dict[str, str]:
    """Labels of every child. The version is empty, as with the real one outside of its chart."""
    return {
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/operator-version": "",
        "app.kubernetes.io/part-of": "nim-service",
        kinds.MANAGED_BY[0]: kinds.MANAGED_BY[1],
    }


def labels_of(nim: Object) -> dict[str, str]:
    """The labels in the spec and the standard labels, which take precedence."""
    return {**nim["spec"].get("labels", {}), **standard_labels(nim["metadata"]["name"])}


def annotations_of(nim: Object) -> dict[str, str]:
    """The annotations in the spec and the standard one, which takes precedence."""
    return {**nim["spec"].get("annotations", {}), SCC: "anyuid" if proxy.certificates(nim) else "nonroot"}


def owner_of(nim: Object) -> Object:
    """The owner reference of each child, with the NIMService as its controller."""
    return {
        "apiVersion": kinds.NIM_SERVICE.api_version,
        "kind": kinds.NIM_SERVICE.name,
        "name": nim["metadata"]["name"],
        "uid": nim["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def child(
    kind: Kind, nim: Object, name: str | None = None, annotations: dict[str, str] | None = None, **parts: Any
) -> Object:
    """Render a child with the labels and the owner reference that all children have."""
    metadata = {
        "name": name or nim["metadata"]["name"],
        "namespace": nim["metadata"]["namespace"],
        "labels": labels_of(nim),
        "annotations": annotations or {},
        "ownerReferences": [owner_of(nim)],
    }
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **parts}


def service_account(nim: Object) -> Object:
    """Render the pods' ServiceAccount."""
    return child(kinds.SERVICE_ACCOUNT, nim)


def role(nim: Object) -> Object:
    """Render the Role for OpenShift's SecurityContextConstraints `nonroot`."""
    return child(kinds.ROLE, nim, rules=SCC_RULES)


SCC_RULES = [
    {
        "verbs": ["use"],
        "apiGroups": ["security.openshift.io"],
        "resources": ["securitycontextconstraints"],
        "resourceNames": ["nonroot"],
    }
]


def role_binding(nim: Object) -> Object:
    """Render the RoleBinding of `role` to `service_account`."""
    name, namespace = nim["metadata"]["name"], nim["metadata"]["namespace"]
    return child(kinds.ROLE_BINDING, nim, **binding(name, name, namespace))


def binding(role_name: str, account: str, namespace: str) -> Object:
    """Subjects and roleRef of a RoleBinding."""
    return {
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role_name},
    }


def ports_of(nim: Object) -> dict[str, int]:
    """Ports of Service and container by name: `{"api": 8000, "grpc": 50051}`."""
    service = nim["spec"]["expose"]["service"]
    ports = {"api": service["port"], "grpc": service.get("grpcPort"), "metrics": service.get("metricsPort")}
    return {name: port for name, port in ports.items() if port is not None}


def set_name(name: str) -> str:
    """Name of the LeaderWorkerSet of NIMService `name`."""
    return f"{name}-lws"


def picker_name(name: str) -> str:
    """Name of the endpoint picker of NIMService `name`. The stand-in doesn't create it, but deletes such objects."""
    return f"{name}-epp"


def leader_labels(nim: Object) -> dict[str, str]:
    """Labels of the leaders' pods, which the Service selects."""
    return {"app": set_name(nim["metadata"]["name"]), "nim-llm-role": "leader"}


def service(nim: Object) -> Object:
    """Render the Service. With multiNode it selects the leaders' pods."""
    spec = nim["spec"]["expose"]["service"]
    name = nim["metadata"]["name"]
    selector = leader_labels(nim) if "multiNode" in nim["spec"] else {"app": name}
    ports = [
        {"name": port, "port": number, "targetPort": port, "protocol": "TCP"} for port, number in ports_of(nim).items()
    ]
    made = child(
        kinds.SERVICE,
        nim,
        annotations={**spec.get("annotations", {}), **annotations_of(nim)},
        spec={"type": spec.get("type", "ClusterIP"), "selector": selector, "ports": ports},
    )
    made["metadata"]["labels"] = {**spec.get("labels", {}), **labels_of(nim)}
    return made


def autoscaler(nim: Object) -> Object | None:
    """Render the HorizontalPodAutoscaler; None unless `scale.enabled` is true."""
    scale = nim["spec"].get("scale", {})
    if not scale.get("enabled"):
        return None
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": nim["metadata"]["name"]}
    spec = {**scale["hpa"], "scaleTargetRef": target}
    return child(kinds.HPA, nim, annotations={**scale.get("annotations", {}), **annotations_of(nim)}, spec=spec)


def service_monitor(nim: Object) -> Object:
    """Render the ServiceMonitor. No recording has it; it follows the real one's source."""
    monitor = nim["spec"]["metrics"].get("serviceMonitor", {})
    times = {field: monitor[field] for field in ("interval", "scrapeTimeout") if field in monitor}
    spec = {
        "namespaceSelector": {"matchNames": [nim["metadata"]["namespace"]]},
        "selector": {"matchLabels": labels_of(nim)},
        "endpoints": [{"port": port, "path": path, **times} for port, path in METRICS.items() if port in ports_of(nim)],
    }
    annotations = {**monitor.get("annotations", {}), **annotations_of(nim)}
    made = child(kinds.SERVICE_MONITOR, nim, annotations=annotations, spec=spec)
    made["metadata"]["labels"] = {**labels_of(nim), **monitor.get("additionalLabels", {})}
    return made


METRICS = {"api": "/v1/metrics", "metrics": "/metrics"}
"""Path that Prometheus scrapes, by the port's name."""


def claim_name(nim: Object) -> str:
    """Name of the claim that `storage.pvc.create` creates."""
    return str(nim["spec"]["storage"]["pvc"].get("name") or f"{nim['metadata']['name']}-pvc")


def claim(nim: Object) -> Object:
    """Render the claim that `storage.pvc.create` creates. Raises ValueError for a malformed size."""
    wanted = nim["spec"]["storage"]["pvc"]
    if not re.match(QUANTITY, wanted.get("size", "")):
        raise ValueError(
            f"failed to parse size for pvc creation {claim_name(nim)}, err quantities must match the "
            f"regular expression '{QUANTITY}'"
        )
    spec: Object = {
        "accessModes": [wanted.get("volumeAccessMode", "")],
        "resources": {"requests": {"storage": wanted["size"]}},
    }
    if "storageClass" in wanted:
        spec["storageClassName"] = wanted["storageClass"]
    made = child(kinds.CLAIM, nim, claim_name(nim), wanted.get("annotations"), spec=spec)
    made["metadata"]["labels"] = {
        "app": "k8s-nim-operator",
        "app.kubernetes.io/name": nim["metadata"]["name"],
        kinds.MANAGED_BY[0]: kinds.MANAGED_BY[1],
    }
    return made


def cache_access(namespace: str) -> list[tuple[Kind, Object]]:
    """Render ServiceAccount, Role and RoleBinding of a namespace with a NIMCache; they have no owner."""
    labels = {"app": "k8s-nim-operator", kinds.MANAGED_BY[0]: kinds.MANAGED_BY[1]}
    made: list[tuple[Kind, str, dict[str, str], Object]] = [
        (kinds.SERVICE_ACCOUNT, "nim-cache-sa", dict([kinds.MANAGED_BY]), {}),
        (kinds.ROLE, "nim-cache-role", labels, {"rules": SCC_RULES}),
        (kinds.ROLE_BINDING, "nim-cache-rolebinding", labels, binding("nim-cache-role", "nim-cache-sa", namespace)),
    ]
    return [
        (
            kind,
            {
                "apiVersion": kind.api_version,
                "kind": kind.name,
                **parts,
                "metadata": {"name": name, "namespace": namespace, "labels": its_labels},
            },
        )
        for kind, name, its_labels, parts in made
    ]


def digest(value: Any) -> str:
    """A short hash of a JSON value. The real NIM Operator uses another algorithm."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:10]


def spec_hash(spec: Object, *, just_rewritten: bool) -> str:
    """Hash of a NIMService's spec. `just_rewritten`: this pass added the finalizer.

    Recorded: the pass that adds the finalizer computes another hash than later passes do for the same spec. So Service
    and Deployment can permanently carry different hashes.
    """
    return digest([spec, just_rewritten])


def with_hashes(desired: Object, parent: str | None) -> Object:
    """Add the object's own hash to its annotations, and the hash of the parent's spec if there is one."""
    hashes = {LAST_APPLIED: digest(desired)} | ({PARENT_SPEC: parent} if parent else {})
    metadata = desired["metadata"]
    return {**desired, "metadata": {**metadata, "annotations": {**metadata["annotations"], **hashes}}}


def is_current(existing: Object, desired: Object) -> bool:
    """Whether the real one would leave the existing child unchanged: the parent's spec or the content is the same."""
    have = existing["metadata"].get("annotations", {})
    want = desired["metadata"]["annotations"]
    if PARENT_SPEC in want and have.get(PARENT_SPEC) == want[PARENT_SPEC]:
        return True
    return bool(have.get(LAST_APPLIED) == want[LAST_APPLIED])


def replacement(existing: Object, desired: Object) -> Object:
    """The existing object with the labels, annotations and content of the desired one, whoever created it.

    Owner references and status stay. A ServiceAccount loses the imagePullSecrets that others added.
    """
    metadata = {
        **existing["metadata"],
        "labels": desired["metadata"]["labels"],
        "annotations": desired["metadata"]["annotations"],
    }
    content = {key: value for key, value in desired.items() if key not in ("metadata", "status")}
    status = {"status": existing["status"]} if "status" in existing else {}
    return {**content, **status, "metadata": metadata}
