"""A policy that was valid before a wider one fixed the same field gives way, and keeps its other rules."""

from typing import Any

import pytest

from runai_nim.domain.policy import Policy, Scope, compile_policies, effective_spec

SOURCE = "compute.cpuCoreRequest"


def rendered(wide: dict[str, Any], narrow: dict[str, Any], spec: dict[str, Any] | None = None) -> tuple[Any, list[str]]:
    """The effective spec and the broken rules where the narrower policy was valid before the wider one came."""
    wider = Policy("wide", Scope.CLUSTER, **wide)
    mine = Policy("mine", Scope.PROJECT, namespace="ns", **narrow)
    compiled = compile_policies([mine, wider], {mine.key: mine})
    assert {found.policy for found in compiled.rejected} == {mine}
    found = effective_spec({"spec": spec or {}}, compiled)
    return found.spec, [finding.message for finding in found.findings]


def instances(*items: dict[str, Any]) -> dict[str, Any]:
    return {"defaults": {"environmentVariables": {"instances": list(items)}}}


PROXY = {"name": "HTTPS_PROXY", "value": "http://proxy.example.com"}
LOCKED = {"rules": {"environmentVariables": {"instances": {"locked": ["HTTPS_PROXY"]}}}}


def test_a_fixed_field_has_the_default_of_who_fixes_it() -> None:
    closed = {"ngcAuthSecret": {"canEdit": False}, "priorityClass": {"canEdit": False}}
    wide = {"defaults": {"ngcAuthSecret": "platform", "priorityClass": "high"}, "rules": closed}
    own = {"ngcAuthSecret": "own", "priorityClass": "high", "category": "team"}
    narrow = {"defaults": own, "rules": {"replicas": {"max": 2}}}
    assert rendered(wide, narrow) == ({**own, "ngcAuthSecret": "platform"}, [])
    _, broken = rendered(wide, narrow, {"ngcAuthSecret": "own", "replicas": 3})
    assert broken == [
        'spec.ngcAuthSecret is "own" but must be platform by policy wide (cluster), which allows no other value:'
        " remove it",
        'spec.replicas is "3" but must be at most 2 by policy mine (project): lower it, or ask who maintains the'
        " policy",
    ]


def test_a_closed_field_without_a_default_has_none() -> None:
    assert rendered({"rules": {"category": {"canEdit": False}}}, {"defaults": {"category": "team"}}) == ({}, [])


def test_a_locked_item_is_that_of_who_locks_it() -> None:
    narrow = instances({"name": "HTTPS_PROXY", "value": "http://own"}, {"name": "TEAM", "value": "a"})
    spec, broken = rendered({**instances(PROXY), **LOCKED}, narrow)
    assert (spec, broken) == ({"environmentVariables": [PROXY, {"name": "TEAM", "value": "a"}]}, [])


def test_a_locked_item_is_filled_by_nobody_else() -> None:
    gpu = {"name": "gpu", "key": "nvidia.com/gpu", "operator": "Exists"}
    locked = {"tolerations": {"instances": {"locked": ["gpu"]}}}
    spot = {"name": "spot", "key": "spot"}
    attributes = {"effect": "NoSchedule", "operator": "Equal", "value": "x"}
    narrow = {"defaults": {"tolerations": {"instances": [spot], "attributes": attributes}}}
    wide = {"defaults": {"tolerations": {"instances": [gpu]}}, "rules": locked}
    spec, broken = rendered(wide, narrow)
    assert (spec, broken) == ({"tolerations": [gpu, {**spot, "operator": "Equal", "value": "x"}]}, [])


def test_no_item_is_added_where_none_may_be() -> None:
    wide = {**instances(PROXY), "rules": {"environmentVariables": {"instances": {"canAdd": False}}}}
    spec, broken = rendered(wide, instances(PROXY, {"name": "TEAM", "value": "a"}))
    assert (spec, broken) == ({"environmentVariables": [PROXY]}, [])


def test_a_closed_attribute_is_not_given_by_an_item() -> None:
    wide = {
        "defaults": {"tolerations": {"attributes": {"effect": "NoSchedule"}}},
        "rules": {"tolerations": {"attributes": {"effect": {"canEdit": False}}}},
    }
    items = [{"name": "a", "operator": "Exists", "effect": "NoExecute"}, {"name": "b", "operator": "Exists"}]
    spec, broken = rendered(wide, {"defaults": {"tolerations": {"instances": items}}})
    assert (spec, broken) == ({"tolerations": [{"name": "b", "operator": "Exists", "effect": "NoSchedule"}]}, [])


def test_a_closed_field_is_not_derived_by_another() -> None:
    wide = {"rules": {"compute": {"cpuCoreLimit": {"canEdit": False, "defaultFrom": {"field": SOURCE}}}}}
    rule = {"max": 8, "defaultFrom": {"field": SOURCE, "factor": 10}}
    narrow = {"rules": {"compute": {"cpuCoreLimit": rule, "cpuMemoryRequest": {"max": "8Gi"}}}}
    spec, broken = rendered(wide, narrow, {"compute": {"cpuCoreRequest": 9, "cpuMemoryRequest": "9Gi"}})
    assert spec["compute"]["cpuCoreLimit"] == 9
    assert [message.split(" is ")[0] for message in broken] == [
        "spec.compute.cpuCoreLimit",
        "spec.compute.cpuMemoryRequest",
    ]


@pytest.mark.parametrize("value", ["NoSchedule", None])
def test_the_default_of_a_closed_attribute_may_be_repeated(value: str | None) -> None:
    wide = Policy(
        "wide",
        Scope.CLUSTER,
        {"tolerations": {"attributes": {"effect": "NoSchedule"}}},
        {"tolerations": {"attributes": {"effect": {"canEdit": False}}}},
    )
    item = {"name": "a", "operator": "Exists"} | ({"effect": value} if value else {})
    mine = Policy("mine", Scope.PROJECT, {"tolerations": {"instances": [item]}}, namespace="ns")
    assert compile_policies([wide, mine]).rejected == ()
    other = Policy("mine", Scope.PROJECT, {"tolerations": {"instances": [{**item, "effect": "NoExecute"}]}})
    (rejected,) = compile_policies([wide, other]).rejected
    assert rejected.finding.message == (
        'spec.defaults.tolerations.instances[0].effect is "NoExecute" but must be left to policy wide (cluster), which'
        " allows no other value: correct one of the two"
    )
