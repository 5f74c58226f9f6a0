from typing import Any

import pytest

from runai_nim.domain.diff import differences, keep_irremovable_fields, removed_stores


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({"a": 1}, {"a": 1, "theirs": 2}),
        ({"a": {"b": ""}}, {"a": {}}),
        ({"a": {"b": False}}, {}),
        ({"a": {"b": []}, "c": {}}, None),
        ({"list": [{"name": "x"}]}, {"list": [{"name": "x", "defaulted": True}]}),
        ({"limits": {"memory": "1024Mi"}}, {"limits": {"memory": "1Gi"}}),
        ({"target": {"averageValue": "1500000"}}, {"target": {"averageValue": "1500k"}}),
    ],
)
def test_the_same_in_other_words(wanted: Any, live: Any) -> None:
    assert list(differences(wanted, live)) == []


@pytest.mark.parametrize(
    ("wanted", "live", "path"),
    [
        ({"spec": {"replicas": 0}}, {"spec": {}}, ("spec", "replicas")),
        ({"spec": {"replicas": 0}}, {"spec": {"replicas": 1}}, ("spec", "replicas")),
        ({"on": False}, {"on": True}, ("on",)),
        ({"a": {"b": 1}}, {"a": 2}, ("a",)),
        ({"list": [1]}, {"list": [1, 2]}, ("list",)),
        ({"list": [{"name": "x"}]}, {"list": [{"name": "y"}]}, ("list",)),
        ({"limits": {"memory": "1Gi"}}, {"limits": {"memory": "1G"}}, ("limits", "memory")),
        ({"tag": "1024Mi"}, {"tag": "1Gi"}, ("tag",)),
    ],
)
def test_a_difference_has_its_path(wanted: Any, live: Any, path: tuple[str, ...]) -> None:
    assert list(differences(wanted, live)) == [path]


@pytest.mark.parametrize(
    ("there", "others"),
    [
        ({"pvc": {"create": False, "name": "claim"}}, []),
        ({"nimCache": {}, "hostPath": "", "emptyDir": None}, []),
        ({"nimCache": {"name": ""}}, []),  # what was kept there by 0.1.0
        ({"nimCache": {"name": "cache"}}, ["nimCache"]),
        ({"hostPath": "/x", "emptyDir": {}}, ["hostPath", "emptyDir"]),
        (None, []),
    ],
)
def test_other_stores_beside_a_claim(there: Any, others: list[str]) -> None:
    wanted = {"spec": {"storage": {"pvc": {"create": False, "name": "claim"}}}}
    assert list(removed_stores(wanted, {"spec": {"storage": there}})) == [("spec", "storage", name) for name in others]


def test_a_claim_that_is_switched_off_is_a_store_to_the_webhook() -> None:
    wanted = {"spec": {"storage": {"nimCache": {"name": "cache"}}}}
    for pvc, others in (({"create": False, "name": ""}, 1), ({}, 0), ({"name": "x"}, 1)):
        assert len(list(removed_stores(wanted, {"spec": {"storage": {"pvc": pvc}}}))) == others


def test_a_router_that_goes_keeps_its_domain_and_nothing_else() -> None:
    router = {"hostDomainName": "example.com", "gateway": {"name": "main"}}
    kept = keep_irremovable_fields({"spec": {"expose": {"service": {}}}}, {"spec": {"expose": {"router": router}}})
    assert kept["spec"]["expose"] == {"service": {}, "router": {"hostDomainName": "example.com"}}


def test_autoscaling_and_probes_that_go_are_switched_off() -> None:
    probes = {f"{name}Probe": {"enabled": True} for name in ("readiness", "startup", "liveness")}
    live = {"spec": {"scale": {"enabled": True, "hpa": {"maxReplicas": 5}}, **probes}}
    assert keep_irremovable_fields({"spec": {}}, live)["spec"] == {
        "scale": {"enabled": False, "hpa": {"minReplicas": 1, "maxReplicas": 1}},
        **probes,
    }


def test_empty_structs_that_the_nim_operator_writes_for_itself_are_left_alone() -> None:
    live = {"spec": {"scale": {"hpa": {"minReplicas": 1, "maxReplicas": 0}}, "readinessProbe": {}}}
    assert keep_irremovable_fields({"spec": {}}, live) == {"spec": {}}


def test_what_is_not_there_needs_no_leaf() -> None:
    wanted: dict[str, Any] = {"spec": {"readinessProbe": {"enabled": True}}}
    assert keep_irremovable_fields(wanted, None) == wanted
    assert keep_irremovable_fields(wanted, {"spec": {"scale": {}}}) == wanted


@pytest.mark.parametrize("storage", [None, True, "x", 1, [None], {}])
def test_whatever_stands_for_storage_is_read(storage: object) -> None:
    assert list(removed_stores({"spec": {"storage": {"pvc": {"name": "x"}}}}, {"spec": {"storage": storage}})) == []
