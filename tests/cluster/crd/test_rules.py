"""Every CEL rule on spec on the real API server: what it refuses, what it says, and what it lets through."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from kubernetes.client import ApiException

Create = Callable[..., dict[str, Any]]
Causes = Callable[[ApiException], dict[str, str]]
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
        "must be 1 or absent beside autoscaling",
        ({"autoscaling": {}, "replicas": 2},),
        ({"autoscaling": {}, "replicas": 1}, {"autoscaling": {}}, {"replicas": 2}),
        shows="replicas is 2",
    ),
    Row(
        "spec.autoscaling",
        "autoscaling is not allowed beside multiNode",
        ({"autoscaling": {}, "multiNode": {"workers": 1}},),
        ({"multiNode": {"workers": 1}},),
    ),
    Row(
        "spec.compute.gpuRequestType",
        "not ask for a share of a GPU beside multiNode",
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
    Row(
        "spec.nodePools",
        "must not name a pool twice",
        ({"nodePools": ["a", "b", "a"]},),
        ({"nodePools": [f"{index:0>253}" for index in range(100)]},),
    ),
]

CHANGES = [
    ({"multiNode": {"workers": 2}}, {"multiNode": {"workers": 3}}),
    ({"multiNode": {"workers": 2}}, {}),
    ({}, {"multiNode": {"workers": 2}}),
]
NOT_CHANGED = "multiNode can't be added, removed or changed"


@pytest.mark.parametrize(("row", "spec"), [(row, spec) for row in ROWS for spec in row.refused], ids=str)
def test_a_rule_refuses_by_name(create: Create, causes: Causes, row: Row, spec: Spec) -> None:
    with pytest.raises(ApiException) as refusal:
        create(spec)

    said = causes(refusal.value)
    assert list(said) == [row.field]
    assert row.says in said[row.field]
    assert row.shows in said[row.field]


@pytest.mark.parametrize(("row", "spec"), [(row, spec) for row in ROWS for spec in row.allowed], ids=str)
def test_a_rule_lets_the_rest_through(create: Create, row: Row, spec: Spec) -> None:
    assert create(spec)["spec"] == spec


@pytest.mark.parametrize(("before", "after"), CHANGES, ids=["changed", "removed", "added"])
def test_multi_node_stays_as_it_was(
    create: Create, replace: Create, causes: Causes, request: Any, before: Spec, after: Spec
) -> None:
    stored = create(before, f"llama-{request.node.callspec.id}", stored=True)

    with pytest.raises(ApiException) as refusal:
        replace(stored, after)

    said = causes(refusal.value)
    assert list(said) == ["spec.multiNode"]
    assert NOT_CHANGED in said["spec.multiNode"]


@pytest.mark.parametrize("kept", [{"multiNode": {"workers": 2}}, {}], ids=["with", "without"])
def test_the_rest_may_change_beside_multi_node(create: Create, replace: Create, request: Any, kept: Spec) -> None:
    stored = create({**kept, "image": "nim:1"}, f"llama-kept-{request.node.callspec.id}", stored=True)

    assert replace(stored, {**kept, "image": "nim:2"})["metadata"]["generation"] == 2


def test_every_rule_on_spec_has_a_row(rules: list[tuple[str, str]]) -> None:
    rows = {(row.field, row.says) for row in ROWS} | {("spec.multiNode", NOT_CHANGED)}
    tried = {rule: [row for row in rows if row[0] == rule[0] and row[1] in rule[1]] for rule in rules}

    assert [field for (field, _), found in tried.items() if len(found) != 1 and field != "metadata.name"] == []
    assert sum(map(len, tried.values())) == len(rows)


def test_every_message_names_its_field_and_a_remedy(rules: list[tuple[str, str]]) -> None:
    for field, message in rules:
        names = [part.removesuffix("[1]") for part in field.split(".")]
        assert any(name in message for name in names[-2:]), message
        assert ": " in message, message
