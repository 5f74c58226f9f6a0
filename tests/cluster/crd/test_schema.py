"""The CRD's schema on the real API server: what it stores, what it refuses, and what kubectl shows of it."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiException, CustomObjectsApi
from pydantic import ValidationError

from local.control_plane import ControlPlane
from runai_nim.api.crd import make_schema
from runai_nim.api.kinds import RUNAI_NIM_SERVICE
from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.api.well_known import GROUP, PLURAL, VERSION

Create = Callable[..., dict[str, Any]]
Spec = dict[str, Any]

EXAMPLES = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted((Path(__file__).resolve().parents[2] / "contract" / "rest").glob("*.yaml"))
}
TYPE: dict[str, Any] = {"group": GROUP, "version": VERSION, "plural": PLURAL}


@pytest.mark.parametrize("body", EXAMPLES.values(), ids=EXAMPLES)
def test_a_rest_spec_is_stored_unchanged(create: Create, body: dict[str, Any]) -> None:
    stored = create(body["spec"], body["metadata"]["name"], stored=True)

    assert stored["spec"] == body["spec"]
    assert stored["metadata"]["generation"] == 1


def test_the_operator_s_own_fields_are_stored(create: Create) -> None:
    spec = {"desiredPhase": "Stopped", "modelStore": {"pvc": {"retentionPolicy": "Delete"}}}

    assert create(spec)["spec"] == spec


def test_an_unknown_field_is_refused_by_name(create: Create) -> None:
    with pytest.raises(ApiException, match=r'unknown field \\"spec.compute.gpuPortions\\"'):
        create({"compute": {"gpuPortions": 0.5}})


def test_an_item_named_twice_is_refused(create: Create) -> None:
    with pytest.raises(ApiException, match=r"spec.environmentVariables\[1\]: Duplicate value"):
        create({"environmentVariables": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]})


def wrong_values(field: dict[str, Any]) -> Iterator[object]:
    """Values just outside what a field's schema allows, and one of another type."""
    yield 7 if field["type"] in {"string", "boolean"} else "x"
    outside: dict[str, Callable[[Any], object]] = {
        "minimum": lambda minimum: minimum - 1,
        "maximum": lambda maximum: maximum + 1,
        "minLength": lambda length: "a" * (length - 1),
        "maxLength": lambda length: "a" * (length + 1),
        "pattern": lambda _: "?",
        "enum": lambda _: "Other",
        "maxItems": lambda count: [item(field["items"], index) for index in range(count + 1)],
    }
    yield from (make(field[bound]) for bound, make in outside.items() if bound in field)


def item(schema: dict[str, Any], index: int) -> object:
    name = f"n{index}"
    return name if schema["type"] == "string" else dict.fromkeys(schema.get("required", ()), name)


def mistakes(schema: dict[str, Any], value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, object]]:
    """Every place that an example uses, with each wrong value for it."""
    if place:
        for wrong in wrong_values(schema):
            yield place, wrong
    if isinstance(value, dict):
        for name, below in value.items():
            yield from mistakes(schema["properties"][name], below, (*place, name))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from mistakes(schema["items"], item, (*place, index))


def with_mistake(spec: Spec, place: tuple[Any, ...], wrong: object) -> Spec:
    changed = copy.deepcopy(spec)
    parent: Any = changed
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = wrong
    return changed


def as_kubernetes_writes(place: tuple[Any, ...]) -> str:
    return "spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_value_out_of_bounds_is_refused_by_server_and_types_alike(
    create: Create, causes: Callable[[ApiException], dict[str, str]], name: str
) -> None:
    spec = EXAMPLES[name]["spec"]
    tried = list(mistakes(make_schema(RUNAI_NIM_SERVICE)["properties"]["spec"], spec))
    assert len(tried) > 20
    for place, wrong in tried:
        with pytest.raises(ApiException) as refusal:
            create(with_mistake(spec, place, wrong))
        assert as_kubernetes_writes(place) in causes(refusal.value), (place, wrong)

        with pytest.raises(ValidationError) as error:
            RunaiNimServiceSpec.model_validate(with_mistake(spec, place, wrong))
        assert place in [found["loc"] for found in error.value.errors()], (place, wrong)


def test_a_new_object_has_not_been_observed(create: Create) -> None:
    assert create({}, "unobserved", stored=True)["status"] == {"observedGeneration": -1}


def test_scale_reads_and_writes_replicas(api: CustomObjectsApi, create: Create) -> None:
    stored = create({"replicas": 2}, "scaled", stored=True)
    at = {**TYPE, "namespace": stored["metadata"]["namespace"], "name": "scaled"}
    status = {"status": {"observedGeneration": 1, "replicas": 2, "readyReplicas": 1, "selector": "app=scaled"}}
    api.patch_namespaced_custom_object_status(**at, body=status)

    read: Any = api.get_namespaced_custom_object_scale(**at)
    api.patch_namespaced_custom_object_scale(**at, body={"spec": {"replicas": 3}})
    scaled: Any = api.get_namespaced_custom_object(**at)

    assert (read["spec"], read["status"]) == ({"replicas": 2}, {"replicas": 2, "selector": "app=scaled"})
    assert scaled["spec"] == {"replicas": 3}


def test_status_is_written_apart_from_spec(api: CustomObjectsApi, create: Create) -> None:
    stored = create({}, "apart", stored=True)
    at = {**TYPE, "namespace": stored["metadata"]["namespace"], "name": "apart"}
    body = {"spec": {"replicas": 5}, "status": {"phase": "Running"}}

    api.patch_namespaced_custom_object_status(**at, body=body)
    read: Any = api.get_namespaced_custom_object(**at)

    assert (read["spec"], read["status"]["phase"], read["metadata"]["generation"]) == ({}, "Running", 1)


CONDITION = {
    "type": "Ready",
    "status": "False",
    "reason": "NIMServiceNotReady",
    "message": "the model is being loaded",
    "lastTransitionTime": "2026-01-02T03:04:05Z",
    "observedGeneration": 1,
}
STATUS = {
    "phase": "Initializing",
    "conditions": [CONDITION],
    "replicas": 2,
    "gpu": "0.5",
    "gpusInUse": "1",
    "project": "vision",
    "url": "https://shown.vision.example.com",
    "internalUrl": "http://shown.crd-tests.svc:8000",
    "nimServiceName": "shown",
    "claimName": "shown-model-store",
}


@pytest.fixture
def shown(api: CustomObjectsApi, create: Create) -> Iterator[str]:
    spec = {"image": "nim:1", "priorityClass": "high", "nodePools": ["b", "a"]}
    namespace = create(spec, "shown", stored=True)["metadata"]["namespace"]
    at = {**TYPE, "namespace": namespace, "name": "shown"}
    api.patch_namespaced_custom_object_status(**at, body={"status": STATUS})
    yield namespace
    api.delete_namespaced_custom_object(**at)


def test_kubectl_shows_what_a_person_asks_first(control_plane: ControlPlane, shown: str) -> None:
    header, row = control_plane.kubectl("get", "rnim", "shown", f"--namespace={shown}").splitlines()

    assert header.split() == ["NAME", "PHASE", "READY", "REASON", "REPLICAS", "GPU", "PROJECT", "URL", "AGE"]
    assert row.split()[:-1] == [
        "shown",
        "Initializing",
        "False",
        "NIMServiceNotReady",
        "2",
        "1",
        "vision",
        "https://shown.vision.example.com",
    ]


def test_kubectl_shows_the_rest_on_demand(control_plane: ControlPlane, shown: str) -> None:
    # By category, which RunaiNimPolicies have, too.
    command = ("get", "runai", f"--namespace={shown}", "--field-selector=metadata.name=shown", "--output=wide")
    header, row = control_plane.kubectl(*command).splitlines()

    for column, value in {
        "MESSAGE": "the model is being loaded",
        "GPU PER POD": "0.5",
        "INTERNAL URL": "http://shown.crd-tests.svc:8000",
        "NIMSERVICE": "shown",
        "CLAIM": "shown-model-store",
        "PRIORITY": "high",
        "NODE POOLS": '["b","a"]',
        "IMAGE": "nim:1",
    }.items():
        assert row[header.index(column) :].startswith(value)


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("spec.compute.gpuPortionRequest", "Share of each GPU device"),
        ("spec.modelStore.pvc.claimInfo.accessModes.readWriteMany", "Default false"),
        ("spec.probes.readiness.handler.httpGet.port", "1-65535"),
        ("status.conditions.reason", "CamelCase"),
    ],
)
def test_kubectl_explains_deep_fields(control_plane: ControlPlane, crd: None, field: str, says: str) -> None:
    assert says in " ".join(control_plane.kubectl("explain", f"rnim.{field}").split())
