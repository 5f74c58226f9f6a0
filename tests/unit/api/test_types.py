"""The types read what the API server hands out, exactly, and refuse what it would not have stored."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from runai_nim.api.v1alpha1 import Compute, EnvironmentVariable, RunaiNimService, RunaiNimServiceSpec

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "contract" / "rest").glob("*.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_a_rest_spec_is_read_and_given_back_unchanged(example: Path) -> None:
    spec = yaml.safe_load(example.read_text())["spec"]

    read = RunaiNimServiceSpec.model_validate(spec)

    assert read.model_dump(by_alias=True, exclude_unset=True, mode="python") == _with_tuples(spec)


def _with_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_tuples(below) for key, below in value.items()}
    if isinstance(value, list):
        return tuple(_with_tuples(item) for item in value)
    return Decimal(repr(value)) if isinstance(value, float) else value


@pytest.mark.parametrize(
    ("number", "exact"),
    [(0.1, "0.1"), (0.35, "0.35"), (2, "2"), (1e-7, "1E-7"), (0.30000000000000004, "0.30000000000000004")],
)
def test_a_number_keeps_the_digits_that_were_written(number: float, exact: str) -> None:
    assert Compute.model_validate({"cpuCoreRequest": number}).cpu_core_request == Decimal(exact)


@pytest.mark.parametrize("value", [True, "0.5", -0.1, float("nan"), float("inf")])
def test_what_is_no_number_is_refused_by_the_field_s_name(value: object) -> None:
    with pytest.raises(ValidationError) as refusal:
        RunaiNimServiceSpec.model_validate({"compute": {"cpuCoreRequest": value}})

    assert [error["loc"] for error in refusal.value.errors()] == [("compute", "cpuCoreRequest")]


@pytest.mark.parametrize(
    ("spec", "location"),
    [
        ({"replica": 2}, ("replica",)),
        ({"compute": {"gpuPortion": 0.5}}, ("compute", "gpuPortion")),
        ({"labels": [{"name": "a"}, {"key": "b"}]}, ("labels", 1, "name")),
        ({"replicas": 2.0}, ("replicas",)),
        ({"replicas": "2"}, ("replicas",)),
        ({"modelStore": {"pvc": {"readOnly": "yes"}}}, ("modelStore", "pvc", "readOnly")),
        ({"nodePools": ["p"] * 101}, ("nodePools",)),
    ],
)
def test_a_wrong_shape_is_refused_where_it_stands(spec: dict[str, Any], location: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as refusal:
        RunaiNimServiceSpec.model_validate(spec)

    assert location in [error["loc"] for error in refusal.value.errors()]


def test_types_are_immutable_values() -> None:
    spec = RunaiNimServiceSpec.model_validate({"environmentVariables": [{"name": "A", "value": "1"}]})

    assert spec.environment_variables == (EnvironmentVariable(name="A", value="1"),)
    assert hash(spec) == hash(spec.model_copy(deep=True))
    with pytest.raises(ValidationError):
        spec.replicas = 2  # type: ignore[misc]


def test_an_object_of_the_api_is_read_whole() -> None:
    service = RunaiNimService.model_validate(
        {
            "apiVersion": "runai-nim.io/v1alpha1",
            "kind": "RunaiNimService",
            "metadata": {"name": "llama", "generation": 3},
            "spec": {"replicas": 2},
            "status": {"observedGeneration": -1, "ofALaterVersion": True},
        }
    )

    assert service.metadata["generation"] == 3
    assert service.spec.replicas == 2
    assert service.status is not None
    assert service.status.observed_generation == -1
