"""The CRDs of policies on the API server: it takes what is right, and says what contradicts itself."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.control_plane import ControlPlane
from runai_nim.api.crd import make_crd
from runai_nim.api.kinds import CLUSTER_RUNAI_NIM_POLICY, RUNAI_NIM_POLICY

SAMPLES = Path(__file__).resolve().parents[3] / "deploy" / "samples" / "policies"
Apply = Callable[[dict[str, Any]], str]


@pytest.fixture(scope="module")
def apply(control_plane: ControlPlane) -> Iterator[Apply]:
    """Apply an object as a dry run; return what the API server has against it."""
    crds = json.dumps({"apiVersion": "v1", "kind": "List", "items": [*map(make_crd, KINDS_OF_POLICIES)]})
    control_plane.kubectl("apply", "--server-side", "--filename=-", stdin=crds)
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "--filename=-", stdin=crds)

    def apply(obj: dict[str, Any]) -> str:
        command = ["apply", "--dry-run=server", "--namespace=default", "--filename=-"]
        try:
            control_plane.kubectl(*command, stdin=json.dumps(obj))
        except subprocess.CalledProcessError as error:
            return str(error.stderr)
        return ""

    yield apply
    control_plane.kubectl("delete", "--filename=-", stdin=crds)


KINDS_OF_POLICIES = (RUNAI_NIM_POLICY, CLUSTER_RUNAI_NIM_POLICY)


def policy(kind: str = "RunaiNimPolicy", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "runai-nim.io/v1alpha1", "kind": kind, "metadata": {"name": "a"}, "spec": spec}


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_samples_are_taken(sample: Path, control_plane: ControlPlane, apply: Apply) -> None:
    control_plane.kubectl("apply", "--dry-run=server", "--filename", str(sample))


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
