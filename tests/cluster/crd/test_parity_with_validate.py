"""The API server refuses exactly the specs that the operator's own schema and CEL-class checks refuse.

What a policy may default, amounts and everything that CEL can't see are the reconciler's alone; `ADMISSION` says which
findings are not. Numbers stay below 2^53: above, CEL compares the nearest doubles and the operator what was written.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kubernetes.client import ApiException

from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import (
    Finding,
    ValidationSubject,
    autoscaling,
    compute,
    container,
    environment,
    gpu_limits,
    metadata,
    model_store,
    multi_node,
    scheduling,
    validate,
)
from tests.cluster.crd.cases import NAMES, ROWS, Spec
from tests.contract.specs import BLOCKS, SPECS, wrong_specs
from tests.support.decisions import input_of

Create = Callable[..., dict[str, Any]]
Check = Callable[[ValidationSubject], Iterator[Finding]]

CONTEXT: Final = Context(load_settings(None, {}))
ADMISSION: Final[Mapping[Check, Reason]] = {
    autoscaling.check_one_threshold: Reason.CONFLICTING_FIELDS,
    autoscaling.check_zero_replicas: Reason.CONFLICTING_FIELDS,
    autoscaling.check_replicas_with_autoscaling: Reason.CONFLICTING_FIELDS,
    compute.check_cpu: Reason.LIMIT_BELOW_REQUEST,
    compute.check_gpu_devices: Reason.CONFLICTING_FIELDS,
    compute.check_gpu_request_type: Reason.CONFLICTING_FIELDS,
    container.check_image_pull_secrets: Reason.DUPLICATE_VALUE,
    container.check_probe_success: Reason.CONFLICTING_FIELDS,
    environment.check_variable_names: Reason.DUPLICATE_VALUE,
    environment.check_variable_sources: Reason.CONFLICTING_FIELDS,
    gpu_limits.check_gpu_portion_limit: Reason.LIMIT_BELOW_REQUEST,
    metadata.check_label_keys: Reason.DUPLICATE_VALUE,
    model_store.check_claim_annotations: Reason.DUPLICATE_VALUE,
    model_store.check_one_store: Reason.CONFLICTING_FIELDS,
    multi_node.check_start_timeout: Reason.CONFLICTING_FIELDS,
    multi_node.check_multi_node_or_autoscaling: Reason.CONFLICTING_FIELDS,
    multi_node.check_multi_node_shares: Reason.CONFLICTING_FIELDS,
    scheduling.check_node_pools: Reason.DUPLICATE_VALUE,
    scheduling.check_exists_has_no_value: Reason.CONFLICTING_FIELDS,
    scheduling.check_seconds_need_no_execute: Reason.CONFLICTING_FIELDS,
}
"""Which findings of a check are refused at admission, by the schema or by CEL; those on metadata.name all are."""


def is_left_to_the_reconciler(finding: Finding, spec: Spec) -> bool:
    """Findings of `ADMISSION` that a policy's defaults may still heal."""
    without_type = "gpuRequestType" not in spec.get("compute", {})
    fields_of_a_type = finding.path.startswith(("spec.compute.gpuPortion", "spec.compute.gpuMemory"))
    fewer_than_one_device = finding.path == "spec.compute.gpuDevicesRequest"
    return fewer_than_one_device or (without_type and fields_of_a_type and finding.reason == Reason.CONFLICTING_FIELDS)


def refused_at_admission(spec: Spec, name: str = "llama") -> list[Finding]:
    """What the operator finds that the API server must refuse as well."""
    read, findings = validate(input_of({"metadata": {"name": name}, "spec": spec}, CONTEXT))
    named = [finding for finding in findings if finding.path == "metadata.name"]
    if read is None:
        return list(findings)
    candidate = ValidationSubject(name, read, CONTEXT)
    by_check = (
        finding for check, reason in ADMISSION.items() for finding in check(candidate) if finding.reason == reason
    )
    return named + [finding for finding in by_check if not is_left_to_the_reconciler(finding, spec)]


def answer(create: Create, spec: Spec, name: str = "llama") -> str:
    """What the API server says against a spec; empty when it takes it."""
    try:
        create(spec, name)
    except ApiException as refusal:
        if refusal.status in (400, 422):  # 400: an unknown field
            return str(refusal.body)
        raise
    return ""


SOME_NAMES: Final = ["nan", "a.b", "A", "a-", *(name for row in NAMES for name, _ in (*row.refused, *row.allowed))]
NAMED_SPECS: Final = st.tuples(st.sampled_from(SOME_NAMES), st.one_of(SPECS, st.just({"multiNode": {"workers": 1}})))


def of_one_name(specs: st.SearchStrategy[Spec]) -> st.SearchStrategy[tuple[str, Spec]]:
    return specs.map(lambda spec: ("llama", spec))


@pytest.mark.parametrize(
    "resources",
    [of_one_name(st.one_of(SPECS, BLOCKS)), of_one_name(wrong_specs()), NAMED_SPECS],
    ids=["combinations", "wrong values", "names"],
)
def test_both_decide_alike(create: Create, resources: st.SearchStrategy[tuple[str, Spec]]) -> None:
    decided: Counter[bool] = Counter()

    @settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(resources)
    def alike(resource: tuple[str, Spec]) -> None:
        name, spec = resource
        said = answer(create, spec, name)
        found = refused_at_admission(spec, name)
        decided[not said] += 1
        assert bool(said) == bool(found), (said, found)

    alike()
    assert min(decided[True], decided[False]) > 5, decided


@pytest.mark.parametrize("spec", [spec for row in ROWS for spec in row.refused], ids=str)
def test_what_a_rule_refuses_the_operator_refuses_alone(spec: Spec) -> None:
    assert refused_at_admission(spec) != []


@pytest.mark.parametrize("spec", [spec for row in ROWS for spec in row.allowed], ids=str)
def test_what_a_rule_lets_through_the_operator_does_too(spec: Spec) -> None:
    assert refused_at_admission(spec) == []
