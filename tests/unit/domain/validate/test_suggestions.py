"""Unknown fields and wrong types: the remedy is what people meant, never a word that only looks alike."""

from typing import Any

import pytest

from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.config.settings_loader import load_settings
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
        (
            {"environmentVariables": [{"name": "A", "value": 8192}]},
            '[0].value is "8192" but must be a string: quote it, "8192"',
        ),
        ({"environmentVariables": [{"name": "A", "value": True}]}, 'quote it, "true"'),
        ({"environmentVariables": [{"name": "A", "value": 0.5}]}, 'quote it, "0.5"'),
        ({"environmentVariables": [{"name": "A", "value": 1e3}]}, 'quote it, "1000"'),
        ({"environmentVariables": [{"name": "HF_TOKEN", "value": 12345}]}, "[0].value must be a string: quote it"),
        ({"environmentVariables": [{"name": "A", "value": ["b"]}]}, "must be a string: write one string"),
        ({"environmentVariables": [{"name": 7, "value": "x"}]}, '[0].name is "7" but must be a string: quote it, "7"'),
        ({"environmentVariables": [{"value": 12345}]}, "[0].value must be a string: quote it"),
        ({"environmentVariables": {"A": 12345}}, "must be a list: write a list, such as [{name: …, value: …}]"),
        ({"environmentVariables": ["A=12345"]}, "[0] must be a mapping: write {name: …, value: …}"),
        ({"environmentVariables": [{"name": "A", "secret": "s"}]}, "must be a mapping: write {name: …, key: …}"),
        ({"environmentVariables": [{"name": "A", "podFieldRef": "p"}]}, "must be a mapping: write {path: …}"),
        ({"imagePullSecrets": ["nvcr"]}, 'spec.imagePullSecrets[0] is "nvcr" but must be a mapping: write {name: …}'),
        ({"imagePullSecrets": "nvcr"}, "must be a list: write a list, such as [{name: …}]"),
        ({"ngcAuthSecret": {"name": "a"}}, "spec.ngcAuthSecret must be a string: write one string"),
        ({"tolerations": [{"key": "a", "value": True}]}, '[0].value is "true" but must be a string: quote it, "true"'),
        ({"labels": [{"name": "a", "value": 1}]}, 'spec.labels[0].value is "1" but must be a string: quote it, "1"'),
        ({"annotations": [{"name": "api-token", "value": 12345}]}, "[0].value must be a string: quote it"),
        ({"nodePools": [1]}, 'spec.nodePools[0] is "1" but must be a string: quote it, "1"'),
        ({"servingPort": {"exposedUrl": 1}}, "spec.servingPort.exposedUrl must be a string: quote it"),
        ({"modelStore": {"pvc": {"claimInfo": {"size": 1.5}}}}, "add a unit, such as 1.5Gi"),
        ({"modelStore": {"pvc": "weights"}}, "must be a mapping: write {claimName: …}"),
        ({"modelStore": {"hostPath": "/models"}}, "a directory of a node is not mounted"),
        ({"modelStore": {"pvc": {"subPath": "a"}}}, "the whole claim is mounted at /model-store"),
        ({"volumes": []}, "the only volume of a NIM"),
        ({"compute": {"cpuCoreRequest": "500m"}}, "must be a number: write 0.5, a number without quotes and unit"),
        ({"compute": {"cpuCoreLimit": "2"}}, "must be a number: write 2,"),
        ({"compute": {"cpuCoreLimit": "two"}}, "must be a number: correct or remove it"),
        ({"compute": {"cpuCoreLimit": "-1"}}, "must be a number: correct or remove it"),
        ({"compute": {"cpuCoreLimit": -1}}, "must be greater than or equal to 0: correct or remove it"),
        ({"compute": {"gpuPortionRequest": "25%"}}, "must be a number: write 0.25,"),
        ({"compute": {"gpuPortionRequest": 2}}, "use gpuDevicesRequest for more than one GPU"),
        ({"compute": {"gpuDevicesRequest": 0.5}}, "use gpuRequestType: portion and gpuPortionRequest: 0.5"),
        ({"compute": {"gpuDevicesRequest": "2"}}, "must be an integer: remove the quotes"),
        (
            {"annotations": [{"name": "service.beta.kubernetes.io/aws-load-balancer-x-y-z-" + "a" * 20}]},
            "the bound of Run:ai's API",
        ),
        ({"replicas": "2"}, 'spec.replicas is "2" but must be an integer: remove the quotes'),
        ({"replicas": "two"}, 'spec.replicas is "two" but must be an integer: correct or remove it'),
        ({"servingPort": {"exposeExternally": "true"}}, "remove the quotes"),
        ({"labels": {"a": "b"}}, "spec.labels must be a list: write a list, such as [{name: …, value: …}]"),
        ({"nodePools": {"a": "b"}}, "spec.nodePools must be a list: write a list"),
        ({"nodePools": "a"}, 'spec.nodePools is "a" but must be a list: write a list, such as [a, b]'),
        ({"autoscaling": {"minReplicas": 0}}, "stop the NIM by desiredPhase: Stopped; autoscaling to 0 needs"),
        ({"autoscaling": {"minReplicas": "0"}}, "must be an integer: remove the quotes"),
        ({"autoscaling": {"maxReplicas": 0}}, "stop the NIM by desiredPhase: Stopped"),
        ({"autoscaling": {"minReplicas": -1}}, "must be greater than or equal to 0: correct or remove it"),
        (
            {"autoscaling": {"metricThreshold": 0.8}},
            "use metricThresholdQuantity in its place, 800m, or choose a count",
        ),
        ({"autoscaling": {"metricThreshold": "0.8"}}, "use metricThresholdQuantity in its place, 800m,"),
        ({"autoscaling": {"metricThreshold": 0.0}}, "write a whole number of at least 1"),
        ({"autoscaling": {"metricThreshold": 0}}, "write a whole number of at least 1"),
        ({"autoscaling": {"metricThreshold": "8"}}, "must be an integer: remove the quotes"),
        ({"autoscaling": {"metricThreshold": "many"}}, "must be an integer: correct or remove it"),
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
