"""The CRD as a plain value: what the types say arrives in it, in the form that Kubernetes asks for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from runai_nim.api.crd import make_crd, make_schema, structural_schema
from runai_nim.api.kinds import KINDS, RUNAI_NIM_SERVICE, ApiKind
from runai_nim.api.ours import is_ours
from tests.support.spec_paths import used_paths

ROOT = Path(__file__).resolve().parents[3]
CRDS = ROOT / "crds"
CLIENT_SIDE_APPLY = 262_144
"""Bytes of all annotations of an object. `kubectl apply` without --server-side keeps the object in one, as JSON."""
EXAMPLES = sorted((ROOT / "tests" / "contract" / "rest").glob("*.yaml"))


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field below an object's schema with its path; items of lists count as the list's own fields."""
    for name, field in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here, field
        yield from fields(field.get("items", field), here)


def generated(kind: ApiKind) -> Path:
    return CRDS / f"runai-nim.io_{kind.plural}.yaml"


SPEC = dict(fields(make_schema(RUNAI_NIM_SERVICE)["properties"]["spec"]))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_generated_file_is_what_the_types_say(kind: ApiKind) -> None:
    text = generated(kind).read_text()

    assert "Generated" in text.splitlines()[0]
    assert yaml.safe_load(text) == make_crd(kind), "run `make generate`"


def test_no_other_kind_is_shipped() -> None:
    assert set(CRDS.iterdir()) == set(map(generated, KINDS))


def test_the_generated_file_stays_below_100_kilobytes() -> None:
    assert len(generated(RUNAI_NIM_SERVICE).read_bytes()) < 100_000


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_crd_can_be_applied_by_the_client(kind: ApiKind) -> None:
    annotation = json.dumps(make_crd(kind), separators=(",", ":"))

    assert len(annotation.encode()) < CLIENT_SIDE_APPLY * 0.9


def test_every_field_has_a_description() -> None:
    # Of metadata the API server accepts none: it is its own.
    for kind in KINDS:
        without = [path for path, field in fields(make_schema(kind)) if not field.get("description")]

        assert without == ["metadata", "metadata.name"], kind.name


def test_every_field_of_the_api_is_in_an_example() -> None:
    specs = [yaml.safe_load(example.read_text())["spec"] for example in EXAMPLES]
    paths = {path.replace("[]", "") for spec in specs for path in used_paths(spec)}

    assert {path for path in SPEC if not is_ours(f"spec.{path}")} == paths


@pytest.mark.parametrize("path", [path for path, field in SPEC.items() if field["type"] == "array"])
def test_every_list_is_bounded_and_says_how_it_merges(path: str) -> None:
    field = SPEC[path]

    assert field["maxItems"] == (100 if path == "nodePools" else 256)
    assert field["x-kubernetes-list-type"] in {"map", "atomic"}
    assert set(field.get("x-kubernetes-list-map-keys", ())) <= set(field["items"].get("required", ()))


@pytest.mark.parametrize("path", [path for path, field in SPEC.items() if field["type"] == "string"])
def test_every_string_is_bounded(path: str) -> None:
    assert "enum" in SPEC[path] or SPEC[path]["maxLength"] <= 32768


def test_nothing_in_spec_is_required_but_the_keys_of_lists() -> None:
    required = {
        path: field["items"]["required"] for path, field in SPEC.items() if "required" in field.get("items", {})
    }
    keys = {path: field.get("x-kubernetes-list-map-keys") for path, field in SPEC.items() if path in required}

    assert required == keys
    assert not [path for path, field in SPEC.items() if "required" in field]
    assert "required" not in make_schema(RUNAI_NIM_SERVICE)["properties"]["spec"]


def test_spec_has_no_default() -> None:
    """Defaults are applied in translation, so that what a user left out can still be told."""
    assert not [path for path, field in SPEC.items() if "default" in field]


@pytest.mark.parametrize(
    ("path", "bounds"),
    [
        ("replicas", (0, 1000)),
        ("multiNode.workers", (1, 1000)),
        ("servingPort.port", (1, 65535)),
        ("servingPort.grpcPort", (1, 65535)),
        ("servingPort.metricsPort", (1, 65535)),
        ("probes.readiness.handler.httpGet.port", (1, 65535)),
        ("probes.readiness.initialDelaySeconds", (0, 2**31 - 1)),
        ("probes.readiness.periodSeconds", (1, 2**31 - 1)),
        ("autoscaling.scaleWindowSeconds", (60, 3600)),
        ("autoscaling.minReplicas", (0, 2**31 - 1)),
        ("autoscaling.metricThreshold", (1, 2**31 - 1)),
        ("compute.cpuCoreRequest", (0, None)),
        ("compute.gpuPortionRequest", (0, 1)),
        ("compute.gpuPortionLimit", (0, 1)),
        ("compute.gpuDevicesRequest", (0, 2**31 - 1)),
        ("tolerations.seconds", (1, 2**31 - 1)),
        ("security.runAsUid", (0, 2**31 - 1)),
    ],
)
def test_bounds_are_those_of_the_contract(path: str, bounds: tuple[int, int | None]) -> None:
    assert (SPEC[path]["minimum"], SPEC[path].get("maximum")) == bounds


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"type": "object", "additionalProperties": {"type": "string"}, "properties": {}}, "additionalProperties"),
        ({"type": "object", "additionalProperties": False}, "additionalProperties"),
        ({"type": "object", "additionalProperties": True, "properties": {}}, "additionalProperties"),
        ({"type": "integer", "exclusiveMinimum": 0}, "exclusiveMinimum"),
        ({"type": "array", "items": {"type": "string", "const": "a"}}, "const"),
    ],
)
def test_an_unknown_keyword_is_not_dropped(schema: dict[str, Any], keyword: str) -> None:
    with pytest.raises(ValueError, match=f"unknown schema keyword {keyword} in a type: convert or drop it"):
        structural_schema(schema, {})


def test_a_map_keeps_the_schema_of_its_values() -> None:
    schema = {"type": "object", "additionalProperties": {"$ref": "#/$defs/Part"}}

    assert structural_schema(schema, {"Part": {"type": "string", "title": "Part"}}) == {
        "type": "object",
        "additionalProperties": {"type": "string"},
    }


def test_a_choice_between_types_has_no_structural_schema() -> None:
    with pytest.raises(ValueError, match="needs one type"):
        structural_schema({"anyOf": [{"type": "string"}, {"type": "integer"}]}, {})


def test_what_stands_beside_a_reference_wins() -> None:
    definitions = {"Part": {"type": "object", "description": "of the type", "title": "Part"}}

    assert structural_schema({"$ref": "#/$defs/Part", "description": "of the field"}, definitions) == {
        "type": "object",
        "description": "of the field",
    }


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (KINDS[0], "/apis/runai-nim.io/v1alpha1/namespaces/a/runainimservices/b"),
        (KINDS[1], "/apis/runai-nim.io/v1alpha1/namespaces/a/runainimpolicies/b"),
        (KINDS[2], "/apis/runai-nim.io/v1alpha1/clusterrunainimpolicies/b"),
    ],
    ids=lambda given: given if isinstance(given, str) else given.name,
)
def test_a_kind_has_its_place_in_the_api(kind: ApiKind, path: str) -> None:
    assert kind.resource.path("a", "b") == path
