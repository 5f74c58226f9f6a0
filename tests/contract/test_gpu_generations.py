"""Each generation of schedulers admits what is rendered for it, and no limit of a share gets lost without a word."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.translate import Desired, translate
from tests.contract.gpu_admission import DIALECTS, GENERATIONS, has_limit, violations
from tests.contract.resources import VALID
from tests.contract.specs import Spec
from tests.support.decisions import input_of
from tests.support.golden import SAMPLES, golden_cases, stored
from tests.support.resources import a_cr

Resource = dict[str, Any]
EVERY = [(generation, dialect) for generation in GENERATIONS for dialect in DIALECTS]
LABELS = {"runai/queue": "team-a"}


def gpu_inputs() -> Iterator[tuple[str, Resource, dict[str, Any]]]:
    """Samples and golden inputs that ask for GPUs, with their settings but for those that name keys of GPU shares."""
    for sample in SAMPLES.rglob("*.yaml"):
        yield str(sample.relative_to(SAMPLES)), yaml.safe_load(sample.read_text(encoding="utf-8")), {}
    for case in golden_cases():
        given = case.context.get("settings") or {}
        kept = {name: value for name, value in given.items() if not name.startswith("gpu_") and name != "dialect"}
        yield case.name, case.cr, kept


INPUTS = [
    (name, cr, kept)
    for name, cr, kept in gpu_inputs()
    if any(field.startswith("gpu") for field in cr["spec"].get("compute") or {})
]


def desired_of(cr: Resource, generation: str, dialect: str, **others: Any) -> Desired:
    given = {**others, "dialect": dialect, "gpu_fraction_keys": generation}
    return translate(input_of(stored(cr), Context(load_settings(given, {}), LABELS)))


def check(cr: Resource, desired: Desired, generation: str, dialect: str) -> None:
    """What is rendered is admitted, and a limit is there or a finding says why it isn't, or that it may be none."""
    if desired.nimservice is None:
        return
    assert violations(generation, dialect, desired.nimservice) == []
    compute = cr["spec"].get("compute") or {}
    said = {finding.path.rpartition(".")[2] for finding in desired.findings}
    for field in {"gpuPortionLimit", "gpuMemoryLimit"} & compute.keys():
        whole = compute.get("gpuPortionRequest") in (0, 1)
        assert has_limit(generation, desired.nimservice) or field in said or whole
        assert generation != "annotations" or field in said or whole


@pytest.mark.parametrize(("generation", "dialect"), EVERY)
@pytest.mark.parametrize(("cr", "kept"), [pytest.param(cr, kept, id=name) for name, cr, kept in INPUTS])
def test_what_is_rendered_is_admitted(cr: Resource, kept: dict[str, Any], generation: str, dialect: str) -> None:
    check(cr, desired_of(cr, generation, dialect, **kept), generation, dialect)


def test_enough_of_them_are_rendered() -> None:
    """Otherwise the test above would hold for nothing."""
    made: Counter[str] = Counter()
    for _, cr, kept in INPUTS:
        for generation in GENERATIONS:
            nimservice = desired_of(cr, generation, "runai", **kept).nimservice
            made[generation] += nimservice is not None
            made[f"{generation}, limited"] += nimservice is not None and has_limit(generation, nimservice)

    assert made["annotations"] > 30
    assert min(made.values()) >= 5, made


AMOUNT = st.builds(
    "{}{}".format, st.sampled_from([1, 2, 19074, 20, 20971520000, 21474836480]), st.sampled_from(["", "Mi", "G", "GiB"])
)
PORTIONS = st.integers(0, 10**6).map(lambda millionths: millionths / 10**6) | st.sampled_from([0.5, 0.75, 1])
SHARES = st.one_of(
    st.fixed_dictionaries(
        {"gpuRequestType": st.just("portion"), "gpuPortionRequest": PORTIONS},
        optional={"gpuPortionLimit": PORTIONS, "gpuDevicesRequest": st.integers(1, 8)},
    ),
    st.fixed_dictionaries(
        {"gpuRequestType": st.just("memory"), "gpuMemoryRequest": AMOUNT}, optional={"gpuMemoryLimit": AMOUNT}
    ),
)
MODES = st.sampled_from([{}, {"gpuComputeMode": "sm-sharing"}])


@settings(max_examples=500, deadline=None)
@given(SHARES, MODES, st.integers(20, 34), st.sampled_from(EVERY))
def test_any_share_is_refused_or_admitted(compute: Spec, mode: Spec, length: int, scheduler: tuple[str, str]) -> None:
    cr = a_cr({**VALID, "compute": {**compute, **mode}}, name="a" * length)

    check(cr, desired_of(cr, *scheduler), *scheduler)


def of_pods(annotations: dict[str, str], name: str = "llama", **resources: dict[str, str]) -> Resource:
    return {"metadata": {"name": name}, "spec": {"annotations": annotations, "resources": resources}}


PORTION, MEMORY = {"gpu-fraction": "0.5"}, {"gpu-memory": "20480"}
NVIDIA, KAI = "nvidia.com/container.llama-ctr.", "kai.scheduler/container.llama-ctr."


@pytest.mark.parametrize(
    ("generation", "annotations", "violation"),
    [
        ("annotations", {**PORTION, "gpu-fraction.limit": "0.75"}, "nobody reads gpu-fraction.limit"),
        ("shorthand", {**PORTION, "gpu-fraction-limit": "0.75"}, "nobody reads gpu-fraction-limit"),
        ("shorthand", {**PORTION, f"{KAI}gpu-memory.portion.limit": "0.75"}, "nobody reads kai"),
        ("shorthand", {**PORTION, "gpu-fraction.limit": "1"}, "not between the request and 1"),
        ("shorthand", {**PORTION, "gpu-fraction.limit": "0.5"}, "not between the request and 1"),
        ("shorthand", {**PORTION, "gpu-fraction.limit": "0.500001"}, "more than five decimals"),
        ("shorthand", {**MEMORY, "gpu-fraction.limit": "0.75"}, "without gpu-fraction"),
        ("shorthand", {**MEMORY, "gpu-memory.limit": "40960"}, "has no unit"),
        ("shorthand", {**MEMORY, "gpu-memory.limit": "20Gi"}, "says nothing"),
        ("shorthand", {**PORTION, "gpu-memory.limit": "20Gi"}, "without gpu-memory"),
        ("shorthand", {**PORTION, **MEMORY}, "both"),
        ("shorthand", {"gpu-fraction": "1"}, "gpu-fraction 1"),
        ("shorthand", {"gpu-memory": "20Gi"}, "gpu-memory 20Gi"),
        ("shorthand", {"gpu-fraction-num-devices": "2"}, "without a request"),
        ("shorthand", {**PORTION, "gpu-fraction-num-devices": "0"}, "num-devices 0"),
        ("shorthand", {**PORTION, "gpu-fraction-container-name": "other"}, "the container's name"),
        ("nvfractions", {**MEMORY, f"{NVIDIA}gpu-memory.limit": "40Gi"}, "doesn't say the same"),
        ("nvfractions", {**PORTION, f"{NVIDIA}gpu-compute.mode": "mps"}, "gpu-compute.mode mps"),
        (
            "nvfractions",
            {**PORTION, "kai.scheduler/container.other.gpu-memory.portion.limit": "0.75"},
            "of another container",
        ),
    ],
)
def test_what_is_not_admitted_is_found(generation: str, annotations: dict[str, str], violation: str) -> None:
    (found,) = violations(generation, "runai", of_pods(annotations))
    assert violation in found


def test_other_violations_are_found() -> None:
    assert violations("annotations", "kai", of_pods({**PORTION, "gpu-fraction-limit": "0.75"})) == [
        "nobody reads gpu-fraction-limit"
    ]
    assert violations("annotations", "runai", of_pods(PORTION, limits={"nvidia.com/gpu": "0"})) == [
        "nvidia.com/gpu beside a share"
    ]
    (found,) = violations("nvfractions", "kai", of_pods(PORTION, name="a" * 31))
    assert found.endswith(".gpu-memory.request is too long")
    name = "a" * 25
    limited = {**PORTION, f"kai.scheduler/container.{name}-ctr.gpu-memory.portion.limit": "0.75"}
    (found,) = violations("nvfractions", "kai", of_pods(limited, name=name))
    assert found.endswith(".gpu-memory.portion.limit is too long")
