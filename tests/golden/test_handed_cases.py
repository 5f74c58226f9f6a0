"""Inputs that users of NIMs wrote, from a folder beside the checkout: the right findings of each.

Inputs of our own of the same kinds are in `tests/unit/domain/validate`. Without the folder these tests are skipped.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cluster import CHECKOUT
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.admission.evaluation import evaluate
from runai_nim.domain.context import Context
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.translate import Desired
from tests.support.decisions import input_of_manifest

HANDED = CHECKOUT.parent / "shared" / "cases"
LABELS = {"runai/queue": "team-a"}
RIGHT: dict[str, list[tuple[str, str]]] = {
    "01-portion-limit-runai3": [
        ("warning", "read gpu-fraction.limit: set gpu_fraction_keys: shorthand"),
        ("warning", "spec.compute.gpuPortionRequest"),
    ],
    "02a-portion-limit-one": [
        ("warning", "Run:ai 2.x alone reads its annotation gpu-fraction-limit"),
        ("warning", "spec.compute.gpuPortionRequest"),
    ],
    "02b-portion-limit-equals-request": [
        ("warning", "spec.compute.gpuPortionLimit"),
        ("warning", "spec.compute.gpuPortionRequest"),
    ],
    "03-memory-limit": [
        ("error", "set gpu_fraction_keys: shorthand (Run:ai 3.0, KAI 0.18.2)"),
        ("warning", "spec.compute.gpuMemoryRequest"),
    ],
    "05-annotation-gpu-fraction": [("error", "this is set through spec.compute.gpuPortionRequest"), ("error", "queue")],
    "07a-probes-startup-liveness": [],
    "07b-probes-timeout-only": [],
    "08-airgap-no-ngc-secret": [("error", "upgrade the NIM Operator to 3.1.3")],
    "09-scale-to-zero": [
        ("error", "stop the NIM by desiredPhase: Stopped; autoscaling to 0 needs"),
        ("warning", "readWriteMany"),
    ],
    "10a-autoscale-cache-usage": [
        ("warning", "a metric between 0 and 1 never does: use metricThresholdQuantity"),
        ("warning", "readWriteMany"),
    ],
    "10b-autoscale-fractional-threshold": [
        ("error", "metricThresholdQuantity in its place, 500m"),
        ("warning", "readWriteMany"),
    ],
    "12-fraction-without-memory-cap": [("warning", 'NIM_KVCACHE_PERCENT: "0.22"')],
    "12b-fraction-with-memory-cap": [],
    "13a-rwo-two-replicas": [("warning", "accessModes.readWriteMany: true")],
    "14a-readonly-new-claim": [("error", "spec.modelStore.pvc.readOnly")],
    "14b-existing-claim-uid": [],
    "15-existing-pvc-subpath": [("error", "the whole claim is mounted at /model-store")],
    "16-proxy-by-env": [],
    "17a-toleration-gpu-taint": [],
    "17b-toleration-unquoted-true": [("error", 'quote it, "true"')],
    "18-lora": [],
    "22-kai-compute-mode": [
        ("error", "this is set through spec.compute.gpuComputeMode"),
        ("warning", "gpuPortionRequest"),
    ],
    "23-semi-preemptible": [],
    "26-node-selector": [("error", "use spec.nodePools")],
    "28a-memory-two-devices": [("error", "use portion, or one device"), ("warning", "gpuMemoryRequest")],
    "29-nodepools-order": [],
    "30b-env-unquoted-number": [("error", 'quote it, "8192"')],
    "30c-env-valuefrom": [("error", "secret: {name, key}, configMap: {name, key} or podFieldRef")],
    "30d-env-reserved": [("error", "to servingPort.port (8000)")],
    "30e-env-cache-path": [("warning", "leave NIM_CACHE_PATH at /model-store")],
}
"""Severity and a part of the message of each finding."""


def evaluated(name: str, schema: NIMServiceSchema | None = None, **settings: str) -> Desired:
    path = HANDED / f"{name}.yaml"
    if not Path(path).exists():
        pytest.skip(f"there is no {path}")
    manifest: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    context = Context(load_settings(settings, {}), LABELS, nimservice_schema=schema or NIMServiceSchema())
    return evaluate(manifest, input_of_manifest(manifest, context))


@pytest.mark.parametrize("name", RIGHT)
def test_a_handed_case_has_the_right_findings(name: str) -> None:
    found = evaluated(name).findings

    assert len(found) == len(RIGHT[name])
    for severity, part in RIGHT[name]:
        assert [finding for finding in found if finding.severity == severity and part in finding.message], part


@pytest.mark.parametrize("name", ["08-airgap-no-ngc-secret", "19-model-free-hf"])
def test_the_ngc_secret_is_optional_from_3_1_3_on(name: str) -> None:
    assert evaluated(name, NIMServiceSchema.of_version("3.1.3")).findings == ()


def test_an_equal_limit_is_no_annotation() -> None:
    made = evaluated("02b-portion-limit-equals-request").nimservice
    assert made is not None
    assert "gpu-fraction-limit" not in made["spec"]["annotations"]


@pytest.mark.parametrize(
    ("name", "generation", "annotations"),
    [
        ("01-portion-limit-runai3", "annotations", {"gpu-fraction-limit": "0.75"}),
        ("01-portion-limit-runai3", "shorthand", {"gpu-fraction.limit": "0.75"}),
        (
            "01-portion-limit-runai3",
            "nvfractions",
            {"kai.scheduler/container.portion-limit-ctr.gpu-memory.portion.limit": "0.75"},
        ),
        ("02a-portion-limit-one", "annotations", {"gpu-fraction-limit": "1"}),
        ("02a-portion-limit-one", "shorthand", {}),
        ("02b-portion-limit-equals-request", "shorthand", {}),
        ("03-memory-limit", "shorthand", {"gpu-memory.limit": "40Gi"}),
        (
            "03-memory-limit",
            "nvfractions",
            {"gpu-memory.limit": "40Gi", "nvidia.com/container.memory-limit-ctr.gpu-memory.limit": "40Gi"},
        ),
    ],
)
def test_a_limit_has_the_key_of_the_generation(name: str, generation: str, annotations: dict[str, str]) -> None:
    made = evaluated(name, gpu_fraction_keys=generation).nimservice
    assert made is not None
    limits = {key: value for key, value in made["spec"]["annotations"].items() if key.endswith("limit")}
    assert limits == annotations


@pytest.mark.parametrize("name", ["02a-portion-limit-one", "02b-portion-limit-equals-request"])
def test_a_limit_that_is_not_written_is_said(name: str) -> None:
    found = evaluated(name, gpu_fraction_keys="shorthand").findings
    assert ("warning", "spec.compute.gpuPortionLimit") in [(finding.severity, finding.path) for finding in found]
