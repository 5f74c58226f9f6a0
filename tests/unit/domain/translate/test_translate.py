from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runai_nim.api import well_known
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain import names
from runai_nim.domain.context import Context
from runai_nim.domain.translate import translate
from tests.support.decisions import input_of
from tests.support.resources import a_cr

CONTEXTS = [Context(load_settings({"dialect": dialect}, {}), {"runai/queue": "team-a"}) for dialect in ("runai", "kai")]
OF_A_CACHE = {"modelStore": {"nimCache": {"name": "cache", "profile": "p1"}}}

AMOUNTS = st.sampled_from(["1Gi", "20GB", "1.5TiB", "2048Mi"])
CORES = st.sampled_from([0, 0.5, 2, 1.001])
VALID_COMPUTE = st.fixed_dictionaries(
    {}, optional={"cpuCoreRequest": CORES, "cpuMemoryRequest": AMOUNTS, "gpuDevicesRequest": st.integers(1, 8)}
).flatmap(
    lambda compute: st.one_of(
        st.just(compute),
        st.sampled_from([0.1, 0.5, 1, 0]).map(
            lambda portion: {**compute, "gpuRequestType": "portion", "gpuPortionRequest": portion}
        ),
        AMOUNTS.map(
            lambda memory: {**compute, "gpuRequestType": "memory", "gpuMemoryRequest": memory, "gpuDevicesRequest": 1}
        ),
    )
)


@given(VALID_COMPUTE, st.sampled_from(CONTEXTS))
def test_gpus_are_asked_for_in_one_way_only(compute: dict[str, Any], context: Context) -> None:
    desired = translate(input_of(a_cr(OF_A_CACHE | {"compute": compute}), context))

    assert desired.nimservice is not None, desired.findings
    spec = desired.nimservice["spec"]
    resources = spec.get("resources", {})
    counted = [well_known.NVIDIA_GPU in amounts for amounts in resources.values()]
    shares = {well_known.GPU_FRACTION, well_known.GPU_MEMORY} & set(spec.get("annotations", {}))
    profile_in_storage = "profile" in spec["storage"]["nimCache"]

    assert len(shares) + (True in counted) <= 1
    assert all(counted) or not any(counted)
    assert all(resources.values())
    # With the profile in storage, the NIM Operator adds GPUs unless told otherwise, into both maps.
    assert not (profile_in_storage and shares)
    assert not profile_in_storage or set(resources) == {"requests", "limits"}
    assert profile_in_storage or spec["env"] == [{"name": "NIM_MODEL_PROFILE", "value": "p1"}]


@given(st.integers(1, 59))
def test_default_claim_names_fit_and_differ(length: int) -> None:
    name = "a" * length
    other = "a" * (length - 1) + "b"

    assert len(names.default_claim_name(name)) <= 63
    assert names.default_claim_name(name) != names.default_claim_name(other)
    assert names.default_claim_name(name).startswith(name[:42])


def hash_of(cr: dict[str, Any], context: Context = CONTEXTS[0]) -> str:
    nimservice = translate(input_of(cr, context)).nimservice
    assert nimservice is not None
    seal: str = nimservice["metadata"]["annotations"][well_known.SPEC_HASH]
    assert nimservice["spec"]["expose"]["service"]["annotations"] == {well_known.SPEC_HASH: seal}
    return seal


def test_the_hash_changes_with_what_is_rendered_and_with_nothing_else() -> None:
    plain = hash_of(a_cr())

    assert hash_of(a_cr(annotations={"example.com/mine": "1"}, labels={"app": "x"}, uid="u-2")) == plain
    assert hash_of(a_cr({"compute": {"cpuMemoryRequest": "1Gi"}})) == hash_of(
        a_cr({"compute": {"cpuMemoryRequest": "1024MiB"}})
    )
    changed = [
        a_cr({"replicas": 2}),
        a_cr({"priorityClass": "high"}),
        a_cr({"category": "Deploy"}),
        a_cr(annotations={well_known.RESTARTED_AT: "now"}),
    ]
    assert len({plain, *(hash_of(cr) for cr in changed), hash_of(a_cr(), CONTEXTS[1])}) == len(changed) + 2


def pod_hash_of(cr: dict[str, Any]) -> str:
    nimservice = translate(input_of(cr, CONTEXTS[0])).nimservice
    assert nimservice is not None
    return str(nimservice["spec"]["annotations"][well_known.POD_HASH])


def test_the_pods_hash_changes_only_when_the_pods_do() -> None:
    plain = pod_hash_of(a_cr())

    for same in (
        {"replicas": 2},
        {"desiredPhase": "Stopped"},
        {"servingPort": {"port": 8000, "serviceType": "NodePort"}},
    ):
        assert pod_hash_of(a_cr(same)) == plain
    for other in ({"image": "nvcr.io/nim/x:2"}, {"priorityClass": "high"}, {"servingPort": {"port": 8001}}):
        assert pod_hash_of(a_cr(other)) != plain
    assert pod_hash_of(a_cr(annotations={well_known.RESTARTED_AT: "now"})) != plain


def test_an_unreadable_resource_still_tells_its_project() -> None:
    desired = translate(input_of(a_cr({"image": 3}), CONTEXTS[0]))

    assert (desired.project, desired.nimservice, desired.claim) == ("team-a", None, None)


def test_a_resource_never_stored_has_neither_namespace_nor_uid() -> None:
    nimservice = rendered({**a_cr(), "metadata": {"name": "nim"}})

    assert nimservice["metadata"]["namespace"] == ""
    assert nimservice["metadata"]["ownerReferences"][0]["uid"] == ""


def rendered(cr: dict[str, Any]) -> dict[str, Any]:
    nimservice = translate(input_of(cr, CONTEXTS[0])).nimservice
    assert nimservice is not None
    return nimservice


@pytest.mark.parametrize(
    ("compute", "in_storage"),
    [
        ({"cpuMemoryRequest": "1Gi", "cpuMemoryLimit": "1Gi"}, True),
        ({"cpuCoreRequest": 1, "cpuMemoryLimit": "1Gi"}, True),
        ({"cpuMemoryRequest": "1Gi", "cpuCoreLimit": 1}, True),
        ({"cpuMemoryRequest": "1Gi"}, False),
        ({"cpuCoreLimit": 1}, False),
    ],
)
def test_a_profile_is_in_storage_where_both_maps_of_resources_are(compute: dict[str, Any], in_storage: bool) -> None:
    spec = rendered(a_cr(OF_A_CACHE | {"compute": compute}))["spec"]

    assert ("profile" in spec["storage"]["nimCache"], "env" not in spec) == (in_storage, in_storage)


def test_a_small_portion_is_written_without_an_exponent() -> None:
    compute = {"gpuRequestType": "portion", "gpuPortionRequest": 1e-7}

    assert rendered(a_cr(OF_A_CACHE | {"compute": compute}))["spec"]["annotations"]["gpu-fraction"] == "0.0000001"


def test_an_empty_value_of_a_toleration_is_left_out() -> None:
    toleration = {"operator": "Exists", "key": "gpu", "value": ""}

    assert rendered(a_cr({"tolerations": [toleration]}))["spec"]["tolerations"] == [
        {"operator": "Exists", "key": "gpu"}
    ]


def test_a_claim_name_of_63_characters_is_not_shortened() -> None:
    assert names.default_claim_name("a" * 51) == "a" * 51 + "-model-store"
    assert len(names.default_claim_name("a" * 52)) == 63


@pytest.mark.parametrize(
    ("memory", "shown"),
    [("20Gi", "20Gi"), ("1500MB", "1500M"), ("8589934592", "8192Mi"), ("1023", "1Mi"), ("1e9", "1G")],
)
def test_gpu_memory_is_shown_with_a_unit_so_that_it_reads_as_no_number_of_devices(memory: str, shown: str) -> None:
    compute = {"gpuRequestType": "memory", "gpuMemoryRequest": memory}
    assert translate(input_of(a_cr({"compute": compute}), CONTEXTS[0])).gpu == shown
