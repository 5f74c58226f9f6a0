"""Remedies for unknown fields: names from other APIs, and the field to use instead.

Similarity alone can mislead: `valueFrom` resembles `value`, which would put a secret into clear text.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from runai_nim.api import syntax

_POOLS = "use spec.nodePools, such as [h100]: a node belongs to the pool that its label names"
_COMPUTE = "use spec.compute, such as compute.gpuDevicesRequest: 1"
_VARIABLES = "use spec.environmentVariables, a list of {name, value}"
_STORE = "use spec.modelStore, the only volume of a NIM; other files belong into the image or on that claim"
_HOST_PATH = (
    "use nimCache or pvc, a directory of a node is not mounted; a PersistentVolume of type local or hostPath may stand"
    " behind an existing claim"
)
_PORTS = "use spec.servingPort, such as servingPort.port: 8000"
_SETTINGS = "remove it, an administrator sets it in the operator's settings"
_ACCOUNT = "remove it, the NIM Operator creates a ServiceAccount for each NIM"
_SOURCE = "use secret: {name, key}, configMap: {name, key} or podFieldRef: {path}"
_COMMAND = "remove it, a NIM is configured by spec.environmentVariables, and its command is the image's"
_PROJECT = "remove it, the project is the namespace's, by its label"
_SUBPATH = (
    "remove it, the whole claim is mounted at /model-store: use a claim of its own, or a directory below by an"
    " environment variable, such as NIM_CACHE_PATH: /model-store/llama-3.1-8b"
)
_SECURITY = "use spec.security, such as security.runAsUid: 1000"
_SCALING = "use spec.autoscaling, such as autoscaling.maxReplicas: 4"

_SPEC_REMEDIES: Final[Mapping[str, str]] = {
    "nodeSelector": _POOLS,
    "nodePool": _POOLS,
    "nodeType": _POOLS,
    "affinity": _POOLS,
    "topologySpreadConstraints": _POOLS,
    "resources": _COMPUTE,
    "limits": _COMPUTE,
    "requests": _COMPUTE,
    "gpu": _COMPUTE,
    "gpus": _COMPUTE,
    "env": _VARIABLES,
    "envFrom": _VARIABLES,
    "environment": _VARIABLES,
    "args": _COMMAND,
    "command": _COMMAND,
    "serviceAccount": _ACCOUNT,
    "serviceAccountName": _ACCOUNT,
    "priorityClassName": "use spec.priorityClass",
    "priority": "use spec.priorityClass",
    "schedulerName": _SETTINGS,
    "runtimeClass": _SETTINGS,
    "runtimeClassName": _SETTINGS,
    "queue": _PROJECT,
    "project": _PROJECT,
    "projectId": _PROJECT,
    "projectName": _PROJECT,
    "storage": _STORE,
    "pvc": _STORE,
    "nimCache": _STORE,
    "volumes": _STORE,
    "volumeMounts": _STORE,
    "hostPath": _HOST_PATH,
    "emptyDir": _STORE,
    "expose": _PORTS,
    "service": _PORTS,
    "port": _PORTS,
    "ports": _PORTS,
    "ingress": "use spec.servingPort.exposedUrl",
    "router": "use spec.servingPort.exposeExternally",
    "scale": _SCALING,
    "hpa": _SCALING,
    "minReplicas": _SCALING,
    "maxReplicas": _SCALING,
    "authSecret": "use spec.ngcAuthSecret",
    "pullSecrets": "use spec.imagePullSecrets, a list of {name}",
    "securityContext": _SECURITY,
    "podSecurityContext": _SECURITY,
    "userID": _SECURITY,
    "groupID": _SECURITY,
    "readinessProbe": "use spec.probes.readiness",
    "livenessProbe": "use spec.probes.liveness",
    "startupProbe": "use spec.probes.startup",
}
_GPUS = "use spec.compute.gpuDevicesRequest, a number of GPUs"
FIELD_REMEDIES: Final[Mapping[str, Mapping[str, str]]] = {
    "spec": _SPEC_REMEDIES,
    "spec.compute": {
        "gpu": _GPUS,
        "gpus": _GPUS,
        "gpuCount": _GPUS,
        "nvidia.com/gpu": _GPUS,
        "gpuFraction": "use spec.compute.gpuPortionRequest, such as 0.5",
        "gpuPortion": "use spec.compute.gpuPortionRequest, such as 0.5",
        "gpuMemory": "use spec.compute.gpuMemoryRequest, such as 20Gi",
        "cpu": "use spec.compute.cpuCoreRequest, such as 0.5",
        "memory": "use spec.compute.cpuMemoryRequest, such as 16Gi",
        "limits": "use the fields of spec.compute that end in Limit",
        "requests": "use the fields of spec.compute that end in Request",
    },
    "spec.environmentVariables": {
        "valueFrom": _SOURCE,
        "secretKeyRef": _SOURCE,
        "secretRef": _SOURCE,
        "fromSecret": _SOURCE,
        "credential": "use userCredential: {name, key}",
        "configMapKeyRef": _SOURCE,
        "fieldRef": _SOURCE,
    },
    "spec.modelStore": {
        "emptyDir": "use nimCache or pvc, which keep the model",
        "hostPath": _HOST_PATH,
        "volumes": _STORE,
        "subPath": _SUBPATH,
        "existingClaim": "use pvc: {existingPvc: true, claimName: …}",
    },
    "spec.modelStore.pvc": {
        "name": "use claimName",
        "create": "remove it, a claim is created unless existingPvc is true",
        "size": "use claimInfo.size",
        "storageClass": "use claimInfo.storageClass",
        "volumeAccessMode": "use claimInfo.accessModes",
        "accessModes": "use claimInfo.accessModes",
        "subPath": _SUBPATH,
        "hostPath": _HOST_PATH,
    },
    "spec.modelStore.pvc.claimInfo": {
        "storageClassName": "use storageClass",
        "accessMode": "use accessModes, such as {readWriteMany: true}",
        "subPath": _SUBPATH,
    },
    "spec.probes": {
        "readinessProbe": "use readiness",
        "livenessProbe": "use liveness",
        "startupProbe": "use startup",
    },
    **{
        f"spec.probes.{probe}": {"httpGet": "use handler: {httpGet: …}"}
        for probe in ("readiness", "startup", "liveness")
    },
    "spec.security": {"runAsUser": "use runAsUid", "runAsGroup": "use runAsGid", "fsGroup": "use runAsGid"},
    "spec.servingPort": {"type": "use serviceType", "host": "use exposedUrl", "url": "use exposedUrl"},
    "spec.multiNode": {"size": "use workers", "nodes": "use workers, which does not count the leader"},
}
"""Remedies by parent field, without list indexes."""


class FieldRemedies:
    """Remedies for unknown fields. Only the first ones are compared with known names, because that is expensive."""

    def __init__(self) -> None:
        self._suggestions = syntax.SuggestionBudget()

    def remedy(self, parent: str, name: str, known: Iterable[str]) -> str:
        """The remedy for the unknown field `name` in `parent` (`spec.compute`); `known` are the existing fields."""
        if meant := FIELD_REMEDIES.get(parent, {}).get(name):
            return meant
        near = self._suggestions.closest_match(name, known)
        return f"did you mean {near}?" if near else "remove it"
