"""The first write's effect on a spec, with plain values; the recordings show it whole."""

from typing import Any

import pytest

from local.nim_operator.rewrite import ALWAYS, canonical, rewrite_spec


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"image": {"tag": "1", "pullPolicy": ""}}, {"image": {"tag": "1"}}),
        ({"replicas": 0}, {"replicas": 0}),
        ({"storage": {"pvc": {"create": False, "name": ""}}}, {"storage": {"pvc": {"create": False}, "nimCache": {}}}),
        ({"storage": {"nimCache": {"name": "", "profile": ""}}}, {"storage": {"nimCache": {}, "pvc": {}}}),
        ({"labels": {}, "annotations": {"a": ""}}, {"annotations": {"a": ""}}),
        ({"env": []}, {}),
        ({"env": [{"name": "A", "value": ""}]}, {"env": [{"name": "A"}]}),
        ({"resources": {"requests": {}, "limits": {"cpu": "1"}}}, {"resources": {"limits": {"cpu": "1"}}}),
        ({"resources": {"requests": {}}}, {"resources": {}}),
        (
            {"resources": {"limits": {"memory": "1024Mi", "cpu": 2}}},
            {"resources": {"limits": {"memory": "1Gi", "cpu": "2"}}},
        ),
        ({"storage": {"emptyDir": {}}}, {"storage": {"emptyDir": {}, "nimCache": {}, "pvc": {}}}),
        ({"readinessProbe": {"enabled": False}}, {"readinessProbe": {"enabled": False}}),
        ({"tolerations": [{"key": "", "operator": "Exists"}]}, {"tolerations": [{"operator": "Exists"}]}),
    ],
)
def test_a_field_after_the_rewrite(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert rewrite_spec(before) == {**ALWAYS, **after}


def test_a_route_that_is_off_comes_back_by_default() -> None:
    gateway = {"namespace": "gw", "name": "gw", "httpRoutesEnabled": False, "grpcRoutesEnabled": True}
    exposed = rewrite_spec({"expose": {"router": {"hostDomainName": "a.b", "gateway": gateway}}})["expose"]
    assert exposed["router"]["gateway"] == {"namespace": "gw", "name": "gw", "grpcRoutesEnabled": True}


def test_scaling_keeps_its_content() -> None:
    hpa = {"minReplicas": 2, "maxReplicas": 3, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}
    assert rewrite_spec({"scale": {"enabled": True, "hpa": hpa}})["scale"] == {"enabled": True, "hpa": hpa}


def test_a_second_rewrite_changes_nothing_and_the_input_is_left_alone() -> None:
    before: dict[str, Any] = {"image": {"tag": "1", "pullSecrets": []}, "resources": {"limits": {"cpu": "0.5"}}}
    once = rewrite_spec(before)
    assert rewrite_spec(once) == once
    assert before == {"image": {"tag": "1", "pullSecrets": []}, "resources": {"limits": {"cpu": "0.5"}}}


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1536Ki", "1536Ki"),
        ("0.5", "500m"),
        ("2000m", "2"),
        ("1000", "1k"),
        ("20M", "20M"),
        ("1500M", "1500M"),
        ("2", "2"),
        (2, "2"),
        ("0", "0"),
        ("0Mi", "0"),
        ("100m", "100m"),
        ("0.1m", "100u"),
        ("1500m", "1500m"),
        ("1E", "1E"),
        ("1Ei", "1Ei"),
        ("1e3", "1e3"),
        ("auto", "auto"),
    ],
)
def test_a_quantity_becomes_canonical(given: str | int, written: str) -> None:
    assert canonical(given) == written
