import copy
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import CHECKS, Finding, has_errors, parse_findings, validate
from tests.support.decisions import input_of
from tests.support.resources import a_cr

CONTEXT = Context(load_settings(None, {}))


def found(cr: Mapping[str, Any], context: Context = CONTEXT) -> list[tuple[str, str]]:
    return [(finding.reason, finding.path) for finding in validate(input_of(cr, context))[1]]


BOUNDED = {"environmentVariables": [{"name": "NIM_KVCACHE_PERCENT", "value": "0.01"}]}
"""Of a GPU share, so that nothing is said of the engine's memory."""


def test_a_valid_resource_has_no_findings() -> None:
    spec, findings = validate(input_of(a_cr(), CONTEXT))

    assert findings == ()
    assert spec is not None
    assert spec.image == "nvcr.io/nim/meta/llama:1.0"


def test_an_empty_resource_names_everything_that_must_be_there() -> None:
    assert found({"metadata": {"name": "llama"}}) == [
        (Reason.REQUIRED_FIELD, "spec.image"),
        (Reason.REQUIRED_FIELD, "spec.ngcAuthSecret"),
        (Reason.REQUIRED_FIELD, "spec.modelStore"),
        (Reason.REQUIRED_FIELD, "spec.servingPort.port"),
    ]


def test_a_resource_without_a_name_is_refused() -> None:
    (finding,) = validate(input_of({**a_cr(), "metadata": {}}, CONTEXT))[1]

    assert (finding.reason, finding.path, finding.value) == (Reason.INVALID_NAME, "metadata.name", "")


def test_all_mistakes_are_reported_at_once() -> None:
    cr = a_cr(
        {
            "image": "No Image",
            "compute": {"cpuCoreRequest": 2, "cpuCoreLimit": 1, "cpuMemoryRequest": "1 Gi", "cpuMemoryLimit": "-1"},
            "servingPort": {"port": 8000, "serviceType": "ExternalName"},
            "nodePools": ["a", "a"],
        },
        name="default",
        labels={"project": "other"},
    )

    assert found(cr) == [
        (Reason.INVALID_NAME, "metadata.name"),
        (Reason.RESERVED_KEY, "metadata.labels[project]"),
        (Reason.INVALID_VALUE, "spec.image"),
        (Reason.INVALID_VALUE, "spec.servingPort.serviceType"),
        (Reason.LIMIT_BELOW_REQUEST, "spec.compute.cpuCoreLimit"),
        (Reason.INVALID_QUANTITY, "spec.compute.cpuMemoryRequest"),
        (Reason.INVALID_QUANTITY, "spec.compute.cpuMemoryLimit"),
        (Reason.DUPLICATE_VALUE, "spec.nodePools[1]"),
    ]


@pytest.mark.parametrize(
    ("compute", "path"),
    [
        ({"cpuCoreRequest": 10**400}, "spec.compute.cpuCoreRequest"),
        ({"cpuCoreLimit": 1e300}, "spec.compute.cpuCoreLimit"),
        ({"cpuMemoryLimit": "16Ei"}, "spec.compute.cpuMemoryLimit"),
        ({"gpuRequestType": "memory", "gpuMemoryRequest": "much"}, "spec.compute.gpuMemoryRequest"),
        (
            {"gpuRequestType": "memory", "gpuMemoryRequest": "1Gi", "gpuMemoryLimit": "2gi"},
            "spec.compute.gpuMemoryLimit",
        ),
    ],
)
def test_amounts_that_cannot_be_are_refused_once(compute: dict[str, Any], path: str) -> None:
    assert found(a_cr({"compute": compute, **BOUNDED})) == [(Reason.INVALID_QUANTITY, path)]


def test_limits_of_the_other_kind_of_share_are_refused_alone() -> None:
    compute = {"gpuRequestType": "portion", "gpuPortionRequest": 0.5, "gpuMemoryLimit": "1Gi"}

    assert found(a_cr({"compute": compute, **BOUNDED})) == [(Reason.CONFLICTING_FIELDS, "spec.compute.gpuMemoryLimit")]


def test_a_limit_is_compared_by_its_amount_alone() -> None:
    assert found(a_cr({"compute": {"cpuMemoryRequest": "1Gi", "cpuMemoryLimit": str(2**30)}})) == []
    assert found(a_cr({"compute": {"cpuMemoryRequest": str(2**30), "cpuMemoryLimit": "1Gi"}})) == []


@pytest.mark.parametrize(("portion", "refused"), [(0, False), (0.5, True), (1, True)])
def test_only_no_share_may_be_of_no_device(portion: float, refused: bool) -> None:
    compute = {"gpuRequestType": "portion", "gpuPortionRequest": portion, "gpuDevicesRequest": 0}

    assert found(a_cr({"compute": compute, **BOUNDED})) == refused * [
        (Reason.CONFLICTING_FIELDS, "spec.compute.gpuDevicesRequest")
    ]


def test_an_annotation_of_a_claim_that_is_there_is_looked_at_as_the_api_server_does() -> None:
    info = {"addedAttrValues": [{"key": "a"}, {"key": "kubernetes.io/x"}, {"key": "a"}]}

    assert found(a_cr({"modelStore": {"pvc": {"existingPvc": True, "claimName": "c", "claimInfo": info}}})) == [
        (Reason.IGNORED_FIELD, "spec.modelStore.pvc.claimInfo"),
        (Reason.DUPLICATE_VALUE, "spec.modelStore.pvc.claimInfo.addedAttrValues[2].key"),
    ]


def test_kubernetes_own_domain_is_no_key_for_a_claim_by_itself_either() -> None:
    info = {"size": "1Gi", "addedAttrValues": [{"key": "kubernetes.io"}, {"key": "k8s.io"}, {"key": "io"}]}

    assert [reason for reason, _ in found(a_cr({"modelStore": {"pvc": {"claimInfo": info}}}))] == [
        Reason.RESERVED_KEY
    ] * 2


def test_no_share_may_have_no_share_as_its_limit() -> None:
    assert found(a_cr({"compute": {"gpuRequestType": "portion", "gpuPortionRequest": 0, "gpuPortionLimit": 0}})) == []


def test_an_equal_limit_needs_no_key_and_changes_nothing() -> None:
    compute = {"gpuRequestType": "memory", "gpuMemoryRequest": "1024Mi", "gpuMemoryLimit": "1GiB"}

    assert found(a_cr({"compute": compute, **BOUNDED})) == [(Reason.IGNORED_FIELD, "spec.compute.gpuMemoryLimit")]


def test_null_means_absent_as_the_official_client_sends_it() -> None:
    spec: dict[str, Any] = dict.fromkeys(
        ("compute", "autoscaling", "labels", "multiNode", "probes", "security", "nodePools")
    )

    assert found(a_cr(spec)) == []


def test_a_claim_that_exists_needs_no_size() -> None:
    cr = a_cr({"modelStore": {"pvc": {"claimName": "models"}}})

    assert found(cr) == [(Reason.REQUIRED_FIELD, "spec.modelStore.pvc.claimInfo.size")]
    assert found(cr, Context(CONTEXT.settings, claim_exists=True)) == []
    (offline,) = validate(input_of(cr, Context(CONTEXT.settings, claim_exists=None)))[1]
    assert offline.severity == "warning"
    assert "claimInfo.size should be set unless the claim exists: give its size" in offline.message


def test_names_in_snake_case_are_unknown() -> None:
    (finding,) = validate(input_of(a_cr({"compute": {"cpu_core_request": 1}}), CONTEXT))[1]

    assert finding.reason == Reason.UNKNOWN_FIELD
    assert finding.message.endswith("did you mean cpuCoreRequest?")


def parse_errors(spec: Mapping[str, Any]) -> list[Finding]:
    with pytest.raises(ValidationError) as error:
        RunaiNimServiceSpec.model_validate(spec)
    return list(parse_findings(error.value))


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"labels": [{}]}, Reason.REQUIRED_FIELD),
        ({"lables": []}, Reason.UNKNOWN_FIELD),
        ({"labels": {}}, Reason.INVALID_VALUE),
    ],
)
def test_unreadable_specs_have_a_reason(spec: dict[str, Any], reason: Reason) -> None:
    (finding,) = parse_errors(spec)

    assert finding.reason == reason


def test_several_mistakes_of_a_list_hide_no_mistake_elsewhere() -> None:
    cr = a_cr(
        {
            "annotations": [{}, {}],
            "modelStore": {"pvc": {"readOnly": "no", "claimInfo": {"size": "1 Gi"}}},
            "nodePools": [],
        }
    )
    before = copy.deepcopy(cr)

    assert found(cr) == [
        (Reason.INVALID_VALUE, "spec.modelStore.pvc.readOnly"),
        (Reason.REQUIRED_FIELD, "spec.annotations[0].name"),
        (Reason.REQUIRED_FIELD, "spec.annotations[1].name"),
        (Reason.INVALID_VALUE, "spec.nodePools"),
    ]
    assert cr == before


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"replicas": 1001}, 'spec.replicas is "1001" but must be less than or equal to 1000: correct or remove it'),
        ({"replicas": "1"}, 'spec.replicas is "1" but must be an integer: remove the quotes'),
        (
            {"compute": {"cpuCoreLimit": "1"}},
            'spec.compute.cpuCoreLimit is "1" but must be a number: write 1, a number without quotes and unit',
        ),
        ({"compute": []}, "spec.compute must be a mapping: correct or remove it"),
        ({"labels": [{"value": "x"}]}, "spec.labels[0].name must be set: add it"),
        ({"nodePools": ["a", ""]}, 'spec.nodePools[1] is "" but must have at least 1 character: correct or remove it'),
        (
            {"modelStore": {"pvc": {"claimInfo": {"addedAttrValues": [{"key": "a", "vlaue": "b"}]}}}},
            'unknown field "spec.modelStore.pvc.claimInfo.addedAttrValues[0].vlaue": did you mean value?',
        ),
        ({"xyzzy": 1}, 'unknown field "spec.xyzzy": remove it'),
        (
            {"desiredPhase": "Paused"},
            """spec.desiredPhase is "Paused" but must be 'Running' or 'Stopped': correct or remove it""",
        ),
    ],
)
def test_unreadable_specs_are_explained(spec: dict[str, Any], message: str) -> None:
    (finding,) = parse_errors(spec)

    assert finding.message == message


@pytest.mark.parametrize("name", ["TOKEN", "NIM_MAX_MODEL_LEN"])
def test_values_of_variables_are_not_shown_where_their_names_are_not_known(name: str) -> None:
    (finding,) = parse_errors({"environmentVariables": [{"name": name, "value": 12345}]})

    assert "12345" not in finding.message
    assert finding.path == "spec.environmentVariables[0].value"


def test_a_long_value_is_cut_in_the_message() -> None:
    finding = Finding(
        reason=Reason.INVALID_VALUE, path="spec.image", value="x" * 1000, must="be short", remedy="shorten it"
    )

    assert finding.message == f'spec.image is "{"x" * 100}…" but must be short: shorten it'


def test_warnings_forbid_nothing() -> None:
    warning = Finding(
        reason=Reason.IGNORED_FIELD,
        path="spec.image",
        must="be short",
        remedy="shorten it",
        severity="warning",
    )
    error = Finding(reason=Reason.INVALID_VALUE, path="spec.image", must="be short", remedy="shorten it")

    assert warning.message == "spec.image should be short: shorten it"
    assert not has_errors([warning])
    assert has_errors([warning, error])


def test_every_check_is_named_check_and_says_why() -> None:
    assert all(check.__name__.startswith("check_") and check.__doc__ for check in CHECKS)


def test_a_mistake_that_cannot_be_read_hides_no_other() -> None:
    cr = a_cr(
        {
            "imege": "x",
            "image": "No Image",
            "imagePullPolicy": "Sometimes",
            "compute": {"gpuRequestType": "portoin", "gpuPortionRequest": 0.5},
            "nodePools": ["a", "a"],
            "environmentVariables": [{"name": "A"}, {"value": "1"}],
        }
    )
    del cr["spec"]["ngcAuthSecret"]

    assert found(cr) == [
        (Reason.INVALID_VALUE, "spec.imagePullPolicy"),
        (Reason.INVALID_VALUE, "spec.compute.gpuRequestType"),
        (Reason.REQUIRED_FIELD, "spec.environmentVariables[1].name"),
        (Reason.UNKNOWN_FIELD, "spec.imege"),
        (Reason.INVALID_VALUE, "spec.image"),
        (Reason.REQUIRED_FIELD, "spec.ngcAuthSecret"),
        (Reason.DUPLICATE_VALUE, "spec.nodePools[1]"),
    ]


@pytest.mark.parametrize("spec", ["nonsense", ["nonsense"], {"compute": "nonsense", "replicas": []}, {1: "x"}])
def test_a_spec_that_is_something_else_is_said(spec: Any) -> None:
    assert found({"metadata": {"name": "llama"}, "spec": spec})


def test_one_mistake_within_another_is_told_once() -> None:
    cr = a_cr({"servingPort": {"port": "x", "grpcPort": {}}, "modelStore": 3})
    assert [path for _, path in found(cr)] == ["spec.modelStore", "spec.servingPort.port", "spec.servingPort.grpcPort"]
