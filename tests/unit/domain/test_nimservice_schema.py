import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from runai_nim.domain.nimservice_schema import (
    INTRODUCED_IN,
    MAIN,
    RELEASES,
    NIMServiceSchema,
    VersionError,
    nearest_release,
)
from runai_nim.kube.discovery import schema_of

REAL_CRDS = Path(os.environ.get("NIM_OPERATOR_CRDS") or Path(__file__).parents[4] / "shared" / "nim-operator-crds")
VERSIONS = {
    "3.0.2": "apps.nvidia.com_nimservices-v3.0.2.yaml",
    "3.1.0": "apps.nvidia.com_nimservices-v3.1.0.yaml",
    "3.1.2": "apps.nvidia.com_nimservices.yaml",
    "main": "apps.nvidia.com_nimservices-main-2026-08-19.yaml",
}
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "nim-operator.md"
EVERYTHING: dict[str, Any] = {
    "spec": {
        "affinity": {"nodeAffinity": {}},
        "expose": {"router": {"hostDomainName": "example.com"}, "service": {"port": 8000}},
        "multiNode": {"parallelism": {"pipeline": 2}, "mpi": {}, "ray": {}},
        "proxy": dict.fromkeys(("httpProxy", "httpsProxy", "noProxy", "certConfigMap"), "x"),
        "runtimeClassName": "nvidia",
        "startupProbe": {"enabled": True, "probe": {"failureThreshold": 1}},
        "storage": {"sharedMemorySizeLimit": "1Gi"},
        "metrics": {"enabled": True, "serviceMonitor": {"additionalLabels": {}, "interval": "", "scrapeTimeout": ""}},
        "replicas": 0,
    }
}
SCHEMA: dict[str, Any] = {
    "properties": {
        "spec": {
            "required": ["image"],
            "properties": {
                "image": {"properties": {"tag": {}}},
                "env": {"items": {"properties": {"name": {}}}},
                "labels": {"additionalProperties": {"type": "string"}},
                "free": {"x-kubernetes-preserve-unknown-fields": True, "properties": {"a": {}}},
                "replicas": {"minimum": 1},
            },
        }
    }
}


def lacking(installed: NIMServiceSchema, spec: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(".".join(lack.path), lack.value, lack.since_version) for lack in installed.missing_fields({"spec": spec})]


def test_a_kind_that_is_not_known_lacks_nothing() -> None:
    assert list(NIMServiceSchema().missing_fields(EVERYTHING)) == []


@pytest.mark.parametrize(
    ("version", "paths"),
    [
        ("2.9.9", ["spec.affinity", "spec.expose.router", "spec.multiNode", "spec.replicas"]),
        ("3.0.2", ["spec.expose.router", "spec.multiNode.ray", "spec.replicas"]),
        ("v3.1.0", ["spec.multiNode.ray"]),
        ("3.1.1", []),
        ("main", []),
    ],
)
def test_a_version_lacks_what_came_later(version: str, paths: list[str]) -> None:
    found = list(NIMServiceSchema.of_version(version).missing_fields(EVERYTHING))
    assert [".".join(lack.path) for lack in found] == paths
    assert all(lack.since_version for lack in found)


def test_what_is_not_rendered_is_not_lacking() -> None:
    assert lacking(NIMServiceSchema.of_version("2.9.9"), {"expose": {"service": {}}, "replicas": 1}) == []


def test_a_schema_lacks_what_it_does_not_name() -> None:
    spec = {
        "image": {"tag": "1", "digest": "2"},
        "env": [{"name": "A"}, {"name": "B", "valueFrom": {}}, {"valueFrom": {}}],
        "labels": {"any": "thing"},
        "free": {"b": {}},
        "router": {"x": 1},
        "replicas": 0,
    }
    assert lacking(NIMServiceSchema.of_schema(SCHEMA), spec) == [
        ("spec.image.digest", "", ""),
        ("spec.env.valueFrom", "", ""),
        ("spec.router", "", ""),
        ("spec.replicas", "0", "3.1.0"),
    ]


def test_whether_a_kind_has_a_field() -> None:
    of_schema = NIMServiceSchema.of_schema(SCHEMA)
    ray = ("spec", "multiNode", "ray")

    assert of_schema.has_field(("spec", "image", "tag"))
    assert not of_schema.has_field(("spec", "image", "digest"))
    assert of_schema.has_field(("spec", "labels", "any"))
    assert NIMServiceSchema().has_field(ray)
    assert not NIMServiceSchema.of_version("3.1.0").has_field(ray)
    assert not NIMServiceSchema.of_version("2.9.9").has_field(ray)
    assert NIMServiceSchema.of_version("3.1.1").has_field(ray)


def test_the_secret_is_required_while_the_kind_requires_it() -> None:
    assert not NIMServiceSchema.of_schema(SCHEMA).requires_auth_secret
    assert NIMServiceSchema.of_version("3.1.2").requires_auth_secret
    assert not NIMServiceSchema.of_version("3.1.3").requires_auth_secret


def test_the_autoscaler_may_scale_to_zero_where_the_kind_allows_it() -> None:
    def of_minimum(bounds: dict[str, Any]) -> NIMServiceSchema:
        hpa = {"properties": {"minReplicas": bounds}}
        spec = {"properties": {"scale": {"properties": {"hpa": hpa}}}}
        return NIMServiceSchema.of_schema({"properties": {"spec": spec}})

    assert not of_minimum({"minimum": 1}).allows_zero_min_replicas
    assert of_minimum({"minimum": 0}).allows_zero_min_replicas
    assert of_minimum({}).allows_zero_min_replicas
    assert not NIMServiceSchema.of_version("3.1.2").allows_zero_min_replicas
    assert NIMServiceSchema.of_version("3.1.3").allows_zero_min_replicas


@pytest.mark.parametrize("text", ["", "3.1", "latest", "3.1.2-rc1"])
def test_what_is_no_version_is_said(text: str) -> None:
    with pytest.raises(VersionError, match="use one such as"):
        NIMServiceSchema.of_version(text)


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("3.0.2", "3.0.2"),
        ("v3.1.4", "3.1.4"),
        ("3.0.9", "3.0.2"),
        ("3.1.5", "3.1.4"),
        ("9.9.9", "3.1.4"),
        ("2.9.9", "3.0.2"),
    ],
)
def test_a_version_is_judged_by_the_nearest_release(version: str, release: str) -> None:
    assert nearest_release(version) == release


def test_the_page_of_versions_says_what_the_schemas_have() -> None:
    table = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    versions = [*RELEASES, MAIN]
    schemas = [NIMServiceSchema.of_version(version) for version in versions]
    rows = {name: cells for name, *cells in table}
    lacking_by_version = [{".".join(lack.path) for lack in schema.missing_fields(EVERYTHING)} for schema in schemas]

    def has(path: str) -> list[str]:
        return ["no" if path in missing else "yes" for missing in lacking_by_version]

    assert rows[""] == versions
    assert rows["CRD that was read"] == [*RELEASES.values(), MAIN]
    assert rows["`authSecret` (ngcAuthSecret)"] == [
        "required" if schema.requires_auth_secret else "optional" for schema in schemas
    ]
    assert rows["`replicas: 0` (desiredPhase: Stopped)"] == has("spec.replicas")
    assert rows["`scale.hpa.minReplicas: 0`"] == [
        "yes" if schema.allows_zero_min_replicas else "no" for schema in schemas
    ]
    assert rows["`expose.router` (exposeExternally)"] == has("spec.expose.router")
    assert rows["`multiNode.ray`"] == has("spec.multiNode.ray")
    assert rows["`scale.hpa.minReplicas: 0`"] == [
        "yes" if schema.allows_zero_min_replicas else "no" for schema in schemas
    ]
    assert rows["`affinity` (nodePools, setting `node_selector`)"] == has("spec.affinity")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_table_of_versions_is_what_the_crds_say(version: str) -> None:
    path = REAL_CRDS / VERSIONS[version]
    if not path.exists():
        pytest.skip(f"the NIM Operator's CRDs are not at {REAL_CRDS}: name their folder in NIM_OPERATOR_CRDS")
    by_crd = NIMServiceSchema.of_crd(yaml.safe_load(path.read_text()))
    by_version = NIMServiceSchema.of_version(version)
    assert sorted(by_crd.missing_fields(EVERYTHING), key=str) == sorted(by_version.missing_fields(EVERYTHING), key=str)
    assert by_crd.requires_auth_secret == by_version.requires_auth_secret
    assert by_crd.allows_zero_min_replicas == by_version.allows_zero_min_replicas


def test_everything_in_the_table_is_tried() -> None:
    schemas = [NIMServiceSchema.of_version(version) for version in ("0.0.0", "3.1.0")]
    assert {lack.path for schema in schemas for lack in schema.missing_fields(EVERYTHING)} == {
        *INTRODUCED_IN,
        ("spec", "replicas"),
    }


def test_the_schema_is_found_in_discovery_by_its_kind() -> None:
    kind = {"group": "apps.nvidia.com", "version": "v1alpha1", "kind": "NIMService"}
    wanted = {"x-kubernetes-group-version-kind": [kind]}
    document = {"components": {"schemas": {"other": {}, "list": {"x-kubernetes-group-version-kind": []}, "it": wanted}}}
    assert schema_of(document) is wanted
    assert schema_of({}) is None
