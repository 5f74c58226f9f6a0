"""Specs and names on both sides of every CEL rule, as data."""

from dataclasses import dataclass
from typing import Any

Spec = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One rule: the field that it names, words that its message must have, specs on both sides of it."""

    field: str
    says: str
    refused: tuple[Spec, ...]
    allowed: tuple[Spec, ...]
    shows: str = ""  # words with the value that was found

    def __str__(self) -> str:
        return self.field


@dataclass(frozen=True)
class NameRow:
    """One rule on the name: words that its message must have, names with their specs on both sides of it."""

    says: str
    refused: tuple[tuple[str, Spec], ...]
    allowed: tuple[tuple[str, Spec], ...]
    shows: str = ""


def compute(**fields: object) -> Spec:
    return {"compute": fields}


def toleration(**fields: object) -> Spec:
    return {"tolerations": [{"name": "first"}, fields]}


def variable(**fields: object) -> Spec:
    return {"environmentVariables": [{"name": "A", "value": "1"}, {"name": "B", **fields}]}


ROWS = [
    Row(
        "spec.compute.cpuCoreLimit",
        "not be below cpuCoreRequest",
        (compute(cpuCoreRequest=2, cpuCoreLimit=1.5),),
        (
            compute(cpuCoreRequest=0.1, cpuCoreLimit=0.1),
            compute(cpuCoreRequest=1, cpuCoreLimit=1.5),
            compute(cpuCoreRequest=2),
            compute(cpuCoreLimit=0),
        ),
        shows="cpuCoreLimit is 1.5",
    ),
    Row(
        "spec.compute.gpuRequestType",
        "not be memory when gpuDevicesRequest is above 1",
        (compute(gpuDevicesRequest=2, gpuRequestType="memory"),),
        (
            compute(gpuDevicesRequest=1, gpuRequestType="memory"),
            compute(gpuDevicesRequest=2, gpuRequestType="portion"),
            compute(gpuDevicesRequest=2),
            compute(gpuRequestType="memory"),
        ),
        shows="it is 2",
    ),
    Row(
        "spec.compute.gpuPortionRequest",
        "gpuPortionRequest is only allowed with gpuRequestType portion",
        (compute(gpuRequestType="memory", gpuPortionRequest=0.5),),
        (compute(gpuRequestType="portion", gpuPortionRequest=0.5), compute(gpuPortionRequest=0.5)),
    ),
    Row(
        "spec.compute.gpuPortionLimit",
        "gpuPortionLimit is only allowed with gpuRequestType portion",
        (compute(gpuRequestType="memory", gpuPortionLimit=0.5),),
        (compute(gpuRequestType="portion", gpuPortionLimit=0.5), compute(gpuPortionLimit=0.5)),
    ),
    Row(
        "spec.compute.gpuMemoryRequest",
        "gpuMemoryRequest is only allowed with gpuRequestType memory",
        (compute(gpuRequestType="portion", gpuMemoryRequest="5Gi"),),
        (compute(gpuRequestType="memory", gpuMemoryRequest="5Gi"), compute(gpuMemoryRequest="5Gi")),
    ),
    Row(
        "spec.compute.gpuMemoryLimit",
        "gpuMemoryLimit is only allowed with gpuRequestType memory",
        (compute(gpuRequestType="portion", gpuMemoryLimit="5Gi"),),
        (compute(gpuRequestType="memory", gpuMemoryLimit="5Gi"), compute(gpuMemoryLimit="5Gi")),
    ),
    Row(
        "spec.compute.gpuPortionLimit",
        "not be below gpuPortionRequest",
        (compute(gpuPortionRequest=0.5, gpuPortionLimit=0.25),),
        (compute(gpuPortionRequest=0.35, gpuPortionLimit=0.35), compute(gpuPortionRequest=0.5, gpuPortionLimit=1)),
        shows="gpuPortionLimit is 0.25",
    ),
    Row(
        "spec.modelStore.nimCache",
        "either nimCache or pvc, not both",
        ({"modelStore": {"nimCache": {"name": "c"}, "pvc": {}}},),
        ({"modelStore": {"nimCache": {"name": "c"}}}, {"modelStore": {"pvc": {}}}, {"modelStore": {}}),
    ),
    Row(
        "spec.tolerations[1].value",
        "value is not allowed with operator Exists",
        (toleration(operator="Exists", value="x"),),
        (
            toleration(operator="Exists"),
            toleration(operator="Exists", value=""),
            toleration(operator="Equal", value="x"),
            toleration(value="x"),
        ),
    ),
    Row(
        "spec.tolerations[1].seconds",
        "seconds is only allowed with effect NoExecute",
        (
            toleration(effect="NoSchedule", seconds=5),
            toleration(seconds=5),
        ),
        (toleration(effect="NoExecute", seconds=5), toleration(effect="NoSchedule"), toleration()),
    ),
    Row(
        "spec.environmentVariables[1].name",
        "must have one source only",
        (
            variable(value="", secret={"name": "s", "key": "k"}),
            variable(podFieldRef={"path": "p"}, configMap={"name": "m", "key": "k"}),
            variable(userCredential={"name": "c", "key": "k"}, value="x"),
        ),
        (
            variable(),
            variable(value=""),
            variable(secret={"name": "s", "key": "k"}),
            variable(configMap={"name": "m", "key": "k"}),
            variable(podFieldRef={"path": "status.podIP"}),
            variable(userCredential={"name": "c", "key": "k"}),
        ),
        shows="B in environmentVariables",
    ),
    Row(
        "spec.replicas",
        "must be 1 or absent with autoscaling",
        ({"autoscaling": {}, "replicas": 2},),
        ({"autoscaling": {}, "replicas": 1}, {"autoscaling": {}}, {"replicas": 2}),
        shows="replicas is 2",
    ),
    Row(
        "spec.autoscaling.metricThresholdQuantity",
        "not allowed with metricThreshold",
        ({"autoscaling": {"metricThreshold": 1, "metricThresholdQuantity": "500m"}},),
        ({"autoscaling": {"metricThreshold": 1}}, {"autoscaling": {"metricThresholdQuantity": "500m"}}),
    ),
    Row(
        "spec.autoscaling.minReplicas",
        "at least 1 unless metricType is External or Object",
        ({"autoscaling": {"minReplicas": 0}}, {"autoscaling": {"minReplicas": 0, "metricType": "Pods"}}),
        (
            {"autoscaling": {"minReplicas": 0, "metricType": "External"}},
            {"autoscaling": {"minReplicas": 0, "metricType": "Object"}},
            {"autoscaling": {"minReplicas": 1}},
        ),
    ),
    Row(
        "spec.autoscaling",
        "autoscaling is not allowed with multiNode",
        ({"autoscaling": {}, "multiNode": {"workers": 1}},),
        ({"multiNode": {"workers": 1}},),
    ),
    Row(
        "spec.multiNode.startTimeoutSeconds",
        "not allowed with launcher ray",
        ({"multiNode": {"workers": 1, "launcher": "ray", "startTimeoutSeconds": 60}},),
        (
            {"multiNode": {"workers": 1, "launcher": "ray"}},
            {"multiNode": {"workers": 1, "launcher": "mpi", "startTimeoutSeconds": 60}},
            {"multiNode": {"workers": 1, "startTimeoutSeconds": 60}},
        ),
    ),
    Row(
        "spec.compute.gpuRequestType",
        "not request a GPU share with multiNode",
        (
            {"multiNode": {"workers": 1}, **compute(gpuRequestType="portion", gpuPortionRequest=0.5)},
            {"multiNode": {"workers": 1}, **compute(gpuRequestType="memory")},
        ),
        (
            {"multiNode": {"workers": 1}, **compute(gpuRequestType="portion", gpuPortionRequest=1)},
            {"multiNode": {"workers": 1}, **compute(gpuRequestType="portion", gpuPortionRequest=0)},
            {"multiNode": {"workers": 1}, **compute(gpuRequestType="portion")},
            {"multiNode": {"workers": 1}, **compute(gpuDevicesRequest=8)},
        ),
    ),
    *(
        Row(
            f"spec.probes.{probe}.successThreshold",
            "must be 1",
            ({"probes": {probe: {"successThreshold": 2}}},),
            (
                {"probes": {probe: {"successThreshold": 1}}},
                {"probes": {probe: {}, "readiness": {"successThreshold": 2}}},
            ),
            shows="successThreshold is 2",
        )
        for probe in ("startup", "liveness")
    ),
    Row(
        "spec.nodePools",
        "must not contain a pool twice",
        ({"nodePools": ["a", "b", "a"]},),
        ({"nodePools": [f"{index:0>253}" for index in range(100)]},),
    ),
]

MULTI_NODES: list[Spec] = [
    {},
    {"multiNode": {}},
    {"multiNode": {"workers": 1}},
    {"multiNode": {"workers": 2}},
    {"multiNode": {"workers": 1, "tensorParallelism": 2}},
]
"""From each of these to itself is allowed, to any other refused."""
NOT_CHANGED = "multiNode can't be added, removed or changed"

MULTI_NODE: Spec = {"multiNode": {"workers": 1}}
NAMES = [
    NameRow("must be a DNS label", (("1st", {}), ("with.dot", {})), (("a", {}), ("a-1", {}))),
    NameRow("must have at most 59", (("a" * 60, {}),), (("a" * 59, {}),), shows="has 60 characters"),
    NameRow(
        "must have at most 44",
        (("a" * 45, MULTI_NODE),),
        (("a" * 44, MULTI_NODE), ("a" * 45, {})),
        shows="has 45 characters",
    ),
    NameRow("must not be default", (("default", {}),), (("default-llama", {}),)),
    NameRow("must not end in -epp", (("llama-epp", {}),), (("epp", {}), ("epp-llama", {}))),
    NameRow(
        "must not be a word that YAML reads",
        tuple((word, {}) for word in ("true", "false", "yes", "no", "on", "off", "y", "n", "null")),
        (("yes-1", {}), ("nil", {})),
    ),
]
