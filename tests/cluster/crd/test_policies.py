"""The CRDs of policies on the API server: it takes what is right, says what contradicts itself, and explains fields."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.control_plane import ControlPlane
from runai_nim.api.kinds import CLUSTER_RUNAI_NIM_POLICY, RUNAI_NIM_POLICY, ApiKind
from runai_nim.kube.discovery import schema_of
from tests.golden.test_policies import CASES, manifest

CHECKOUT = Path(__file__).resolve().parents[3]
CRDS = CHECKOUT / "crds"
SAMPLES = CHECKOUT / "deploy" / "samples" / "policies"
Apply = Callable[[dict[str, Any]], str]


@pytest.fixture(scope="module")
def apply(control_plane: ControlPlane, crd: None) -> Apply:
    """Apply an object as a dry run; return what the API server has against it."""

    def apply(obj: dict[str, Any]) -> str:
        command = ["apply", "--dry-run=server", "--namespace=default", "--filename=-"]
        try:
            control_plane.kubectl(*command, stdin=json.dumps(obj))
        except subprocess.CalledProcessError as error:
            return str(error.stderr)
        return ""

    return apply


KINDS_OF_POLICIES = (RUNAI_NIM_POLICY, CLUSTER_RUNAI_NIM_POLICY)


def policy(kind: str = "RunaiNimPolicy", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "runai-nim.io/v1alpha1", "kind": kind, "metadata": {"name": "a"}, "spec": spec}


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_samples_are_taken(sample: Path, control_plane: ControlPlane, apply: Apply) -> None:
    control_plane.kubectl("apply", "--dry-run=server", "--filename", str(sample))


def test_golden_policies_are_taken(apply: Apply) -> None:
    manifests = [manifest(given) for case in CASES for given in case["policies"]]
    items = [
        made | {"metadata": {"name": f"{made['metadata']['name']}-{number}"}} for number, made in enumerate(manifests)
    ]

    assert len(items) > 80
    assert apply({"apiVersion": "v1", "kind": "List", "items": items}) == ""


def compute(**rules: Any) -> dict[str, Any]:
    return {"compute": rules}


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        (
            policy(defaults=compute(gpuPortionRequest=0.5), rules=compute(gpuPortionRequest={"max": 0.4})),
            'spec.defaults.compute.gpuPortionRequest: Invalid value: "object": the default must not be above max',
        ),
        (
            policy(defaults=compute(cpuMemoryRequest="64Gi"), rules=compute(cpuMemoryRequest={"min": "65Gi"})),
            'spec.defaults.compute.cpuMemoryRequest: Invalid value: "object": the default must not be below min',
        ),
        (
            policy(rules={"replicas": {"min": 3, "max": 2}}),
            'spec.rules.replicas.min: Invalid value: "object": min must not be above max: lower min or raise max',
        ),
        (
            policy(rules=compute(gpuMemoryRequest={"min": "2Gi", "max": "1Gi"})),
            'spec.rules.compute.gpuMemoryRequest.min: Invalid value: "object": min must not be above max',
        ),
        (
            policy(rules={"replicas": {"step": 0}}),
            'spec.rules.replicas.step: Invalid value: "object": step must be above 0',
        ),
        (
            policy(rules={"image": {"options": []}}),
            'spec.rules.image.options: Invalid value: "object": options must not be empty',
        ),
        (
            policy(rules=compute(cpuCoreLimit={"defaultFrom": {"factor": 2}})),
            'spec.rules.compute.cpuCoreLimit.defaultFrom.field: Invalid value: "object": field must be set',
        ),
        (
            policy("ClusterRunaiNimPolicy", scope="department"),
            'spec.scope: Invalid value: "object": namespaceSelector must be set with scope department',
        ),
        (policy(rules={"replcas": {"min": 1}}), 'unknown field "spec.rules.replcas"'),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_contradicts_itself_is_refused(refused: dict[str, Any], says: str, apply: Apply) -> None:
    assert says in apply(refused)


@pytest.mark.parametrize(
    "taken",
    [
        policy(defaults=compute(cpuMemoryRequest="5GB"), rules=compute(cpuMemoryRequest={"max": "6GB"})),
        policy(defaults={"replicas": 2}, rules={"replicas": {"min": 2, "max": 2, "step": 2}}),
        policy(
            "ClusterRunaiNimPolicy",
            scope="department",
            namespaceSelector={"matchLabels": {"department": "research"}},
            defaults={"tolerations": {"instances": [{"name": "gpu", "operator": "Exists"}]}},
        ),
    ],
    ids=["decimal unit", "equal bounds", "department"],
)
def test_what_holds_is_taken(taken: dict[str, Any], apply: Apply) -> None:
    assert apply(taken) == ""


def test_the_client_can_apply_the_crds(control_plane: ControlPlane, crd: None) -> None:
    """As `kubectl apply -f crds/` does, which keeps the object in an annotation of limited size."""
    control_plane.kubectl("apply", f"--filename={CRDS}", "--dry-run=server")


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field below an object's schema with its path."""
    for name, field in schema.get("properties", {}).items():
        below = f"{path}.{name}" if path else name
        yield below, field
        yield from fields(field.get("items", field), below)


@pytest.mark.parametrize("kind", KINDS_OF_POLICIES, ids=lambda kind: kind.name)
def test_every_field_is_explained(kind: ApiKind, control_plane: ControlPlane, crd: None) -> None:
    """By what the API server publishes, which `kubectl explain` shows."""
    document = json.loads(control_plane.kubectl("get", "--raw=/openapi/v3/apis/runai-nim.io/v1alpha1"))
    schema = schema_of(document, kind.resource)
    assert schema is not None

    found = {path: field for path, field in fields(dict(schema)) if path.startswith(("spec", "status"))}

    assert len(found) > 800
    assert [path for path, field in found.items() if not field.get("description")] == []


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("rnimpol.spec.rules.compute.gpuPortionRequest", "Rule for gpuPortionRequest."),
        ("rnimpol.spec.rules.compute.gpuPortionRequest.max", "Largest value."),
        ("rnimpol.spec.rules.environmentVariables.instances.locked", "may neither change nor exclude"),
        ("rnimpol.spec.defaults.compute.gpuPortionRequest", "Share of each GPU device"),
        ("crnimpol.spec.namespaceSelector.matchLabels", "Labels that a namespace must have."),
        ("crnimpol.status.violating", "break one of its rules"),
    ],
)
def test_kubectl_explains_deep_fields(control_plane: ControlPlane, crd: None, field: str, says: str) -> None:
    assert says in " ".join(control_plane.kubectl("explain", field).split())


@pytest.mark.parametrize(
    ("short_name", "columns", "shown"),
    [
        (
            "rnimpol",
            ["NAME", "VALID", "MATCHED", "VIOLATING", "ENFORCEMENT", "AGE"],
            ["shown", "True", "3", "1", "Immediate"],
        ),
        (
            "crnimpol",
            ["NAME", "SCOPE", "VALID", "MATCHED", "VIOLATING", "ENFORCEMENT", "AGE"],
            ["shown", "cluster", "True", "3", "1", "Immediate"],
        ),
    ],
)
def test_kubectl_shows_what_an_administrator_asks_first(
    control_plane: ControlPlane, crd: None, short_name: str, columns: list[str], shown: list[str]
) -> None:
    kind = next(kind for kind in KINDS_OF_POLICIES if kind.short_name == short_name)
    spec = {"enforcement": "Immediate"} | ({} if kind.is_namespaced else {"scope": "cluster"})
    made = policy(kind.name, **spec) | {"metadata": {"name": "shown"}}
    control_plane.kubectl("create", "--namespace=default", "--filename=-", stdin=json.dumps(made))
    valid = {"type": "Valid", "status": "True", "reason": "Valid", "message": "the policy is in force"}
    valid |= {"lastTransitionTime": "2026-01-02T03:04:05Z"}
    status = json.dumps({"status": {"conditions": [valid], "matched": 3, "violating": 1}})
    where = (short_name, "shown", "--namespace=default")
    control_plane.kubectl("patch", *where, "--subresource=status", "--type=merge", f"--patch={status}")
    header, row = control_plane.kubectl("get", *where).splitlines()
    _, wide = control_plane.kubectl("get", *where, "--output=wide").splitlines()
    control_plane.kubectl("delete", *where)

    assert (header.split(), row.split()[:-1]) == (columns, shown)
    assert "the policy is in force" in wide


def test_a_new_policy_is_not_taken_for_observed(control_plane: ControlPlane, crd: None) -> None:
    made = policy() | {"metadata": {"name": "new"}}
    command = ("create", "--dry-run=server", "--namespace=default", "--output=json", "--filename=-")
    created = json.loads(control_plane.kubectl(*command, stdin=json.dumps(made)))

    assert created["status"] == {"observedGeneration": -1}
