"""Unknown fields and wrong types: the remedy is what people meant, never a word that only looks alike."""

from typing import Any

import pytest

from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.config.settings import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.validate import Rule, validate
from runai_nim.domain.validate.parse import AMOUNTS, fields_of
from runai_nim.domain.validate.suggestions import FIELD_REMEDIES
from tests.support.decisions import input_of


def findings(spec: dict[str, Any]) -> dict[str, Any]:
    cr = {"metadata": {"name": "llama", "namespace": "a"}, "spec": spec}
    return {finding.path: finding for finding in validate(input_of(cr, Context(load_settings({}, {}))))[1]}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"nodeSelector": {}}, 'unknown field "spec.nodeSelector": use spec.nodePools'),
        (
            {"environmentVariables": [{"name": "A", "valueFrom": {}}]},
            'unknown field "spec.environmentVariables[0].valueFrom":'
            " use secret: {name, key}, configMap: {name, key} or podFieldRef: {path}",
        ),
        ({"resources": {}}, 'unknown field "spec.resources": use spec.compute, such as compute.gpuDevicesRequest: 1'),
        ({"env": []}, 'unknown field "spec.env": use spec.environmentVariables, a list of {name, value}'),
        ({"compute": {"gpus": 1}}, 'unknown field "spec.compute.gpus": use spec.compute.gpuDevicesRequest'),
        ({"replcas": 1}, 'unknown field "spec.replcas": did you mean replicas?'),
        ({"REPLICAS": 1}, 'unknown field "spec.REPLICAS": did you mean replicas?'),
        ({"sidecars": []}, 'unknown field "spec.sidecars": remove it'),
        ({"compute": {"nodeSelector": {}}}, 'unknown field "spec.compute.nodeSelector": remove it'),
        ({"modelStore": {"pvc": {"claimInfo": {"size": 300}}}}, "add a unit, such as 300Gi"),
        ({"modelStore": {"pvc": {"claimInfo": {"size": True}}}}, 'quote it, "true"'),
        ({"category": 1}, 'spec.category is "1" but must be a string: quote it, "1"'),
        ({"environmentVariables": [{"name": "A", "value": 12345}]}, "[0].value must be a string: quote it"),
        ({"replicas": "2"}, 'spec.replicas is "2" but must be an integer: remove the quotes'),
        ({"replicas": "two"}, 'spec.replicas is "two" but must be an integer: correct or remove it'),
        ({"servingPort": {"exposeExternally": "true"}}, "remove the quotes"),
        ({"labels": {"a": "b"}}, "spec.labels must be a list: write a list, such as [{name: …, value: …}]"),
        ({"nodePools": {"a": "b"}}, "spec.nodePools must be a list: write a list"),
        ({"nodePools": "a"}, 'spec.nodePools is "a" but must be a list: correct or remove it'),
        ({"autoscaling": {"minReplicas": 0}}, "correct it, or stop the NIM by desiredPhase: Stopped"),
        ({"autoscaling": {"metricThreshold": 0.8}}, "write a whole number, and choose a metric that exceeds 1"),
    ],
)
def test_the_remedy_is_what_was_meant(spec: dict[str, Any], message: str) -> None:
    (found,) = (finding for path, finding in findings(spec).items() if message in finding.message)
    assert "12345" not in found.message


@pytest.mark.parametrize(
    ("spec", "path", "rule"),
    [
        ({"replicas": -1}, "spec.replicas", Rule.MIN),
        ({"replicas": 100_000}, "spec.replicas", Rule.MAX),
        ({"preemptibility": "never"}, "spec.preemptibility", Rule.OPTIONS),
        ({"replicas": []}, "spec.replicas", None),
    ],
)
def test_a_bound_is_named_for_programs(spec: dict[str, Any], path: str, rule: Rule | None) -> None:
    assert findings(spec)[path].rule == rule


def test_no_field_that_there_is_has_a_remedy() -> None:
    for around, names in FIELD_REMEDIES.items():
        known = fields_of(*around.split(".")[1:])
        assert known
        assert names.keys().isdisjoint(known), around


def test_amounts_are_the_fields_with_a_quantity() -> None:
    schema = RunaiNimServiceSpec.model_json_schema()
    assert all(name in str(schema) for name in AMOUNTS)
