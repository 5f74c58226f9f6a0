"""Defaults are filled in, rules are checked; the resource's own spec may be anything."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.admission.policy_schema import read_policy
from runai_nim.domain.context import Context
from runai_nim.domain.decision_input import make_decision_input
from runai_nim.domain.finding import Rule
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.policy import (
    EffectiveSpec,
    Policy,
    PolicySet,
    Scope,
    compile_policies,
    effective_spec,
)
from runai_nim.domain.translate import translate
from tests.contract.specs import SPECS
from tests.support.resources import a_cr

CONTEXT = Context(load_settings(None, {}), {"runai/queue": "team-a"})


def project(defaults: dict[str, Any] | None = None, rules: dict[str, Any] | None = None, name: str = "team") -> Policy:
    return Policy(name, Scope.PROJECT, defaults or {}, rules or {}, namespace="ns")


def cluster(defaults: dict[str, Any] | None = None, rules: dict[str, Any] | None = None, name: str = "base") -> Policy:
    return Policy(name, Scope.CLUSTER, defaults or {}, rules or {})


def department(defaults: dict[str, Any]) -> Policy:
    return Policy("ml", Scope.DEPARTMENT, defaults, selector={"matchLabels": {"department": "ml"}})


def applied(spec: Any, *policies: Policy) -> EffectiveSpec:
    compiled = compile_policies(policies)
    assert [found.finding.message for found in compiled.rejected] == []
    resource = {"spec": spec}
    before = copy.deepcopy(resource)
    found = effective_spec(resource, compiled)
    assert resource == before
    assert effective_spec({"spec": found.spec}, compiled).spec == found.spec
    return found


def messages(spec: Any, *policies: Policy) -> list[str]:
    return [finding.message for finding in applied(spec, *policies).findings]


def test_a_default_fills_what_the_resource_leaves_out() -> None:
    found = applied({"image": "a", "compute": {"cpuCoreRequest": 1}}, project({"compute": {"cpuMemoryRequest": "8Gi"}}))

    assert found.spec == {"image": "a", "compute": {"cpuCoreRequest": 1, "cpuMemoryRequest": "8Gi"}}
    assert {path: str(origin) for path, origin in found.provenance.items()} == {
        "spec": "resource",
        "spec.compute.cpuMemoryRequest": "policy team, project",
    }


def test_the_narrowest_default_takes_precedence_field_by_field_and_key_by_key() -> None:
    labels = [{"name": "a", "value": "1"}, {"name": "b", "value": "1"}]
    found = applied(
        {"labels": [{"name": "b", "value": "own"}]},
        project({"replicas": 3, "labels": {"instances": [{"name": "a", "value": "3"}]}}),
        cluster({"replicas": 1, "category": "c", "labels": {"instances": labels}}),
        department({"replicas": 2, "ngcAuthSecret": "ngc"}),
    )

    assert found.spec == {
        "labels": [{"name": "b", "value": "own"}, {"name": "a", "value": "3"}],
        "replicas": 3,
        "category": "c",
        "ngcAuthSecret": "ngc",
    }
    assert str(found.provenance["spec.labels[1]"]) == "policy team, project"
    assert str(found.provenance["spec.ngcAuthSecret"]) == "policy ml, department"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"modelStore": {"nimCache": {"name": "c"}}}, {"modelStore": {"nimCache": {"name": "c"}}}),
        ({"modelStore": {"pvc": {}}}, {"modelStore": {"pvc": {"claimInfo": {"size": "9Gi"}}}}),
        (
            {"modelStore": {"pvc": {"existingPvc": True, "claimName": "m"}}},
            {"modelStore": {"pvc": {"existingPvc": True, "claimName": "m"}}},
        ),
        ({}, {"modelStore": {"pvc": {"claimInfo": {"size": "9Gi"}}}}),
        ({"modelStore": "none"}, {"modelStore": "none"}),
        ({"modelStore": {"pvc": "none"}}, {"modelStore": {"pvc": "none"}}),
    ],
)
def test_a_default_does_not_contradict_the_resource_s_choice(spec: Any, expected: Any) -> None:
    assert applied(spec, project({"modelStore": {"pvc": {"claimInfo": {"size": "9Gi"}}}})).spec == expected


def test_a_default_of_an_optional_block_does_not_switch_it_on() -> None:
    window = project({"autoscaling": {"scaleWindowSeconds": 600}})
    assert applied({}, window).spec == {}
    assert applied({"autoscaling": {"metric": "cpu"}}, window).spec["autoscaling"]["scaleWindowSeconds"] == 600
    metric = cluster({"autoscaling": {"metric": "cpu", "metricThreshold": 80}})
    assert applied({}, window, metric).spec["autoscaling"]["scaleWindowSeconds"] == 600
    assert applied({"replicas": 2}, window, metric).spec == {"replicas": 2}
    assert applied({"multiNode": {"workers": 1}}, metric).spec == {"multiNode": {"workers": 1}}
    own = {"autoscaling": {"metric": "x", "metricThresholdQuantity": "500m"}}
    assert applied(own, metric, project({"replicas": 2})).spec == own


def test_defaults_of_a_gpu_share_follow_its_type() -> None:
    policy = project({"compute": {"gpuRequestType": "portion", "gpuPortionRequest": 0.5}})
    memory = {"compute": {"gpuRequestType": "memory", "gpuMemoryRequest": "5Gi"}}
    assert applied(memory, policy).spec == memory
    assert applied({}, policy).spec["compute"] == {"gpuRequestType": "portion", "gpuPortionRequest": 0.5}


@pytest.mark.parametrize("null", [{}, {"image": None}])
def test_null_is_left_out(null: Any) -> None:
    assert applied(null, project({"image": "a"})).spec == {"image": "a"}


@pytest.mark.parametrize(
    ("field", "rule", "value", "allowed"),
    [
        ("image", {"options": [{"value": "a:1"}]}, "b:1", "a:1"),
        ("imagePullPolicy", {"options": [{"value": "Always"}]}, "Never", "Always"),
        ("replicas", {"min": 2}, 1, 2),
        ("replicas", {"max": 2}, 3, 2),
        ("replicas", {"min": 1, "step": 2}, 2, 3),
        ("compute.gpuPortionRequest", {"max": 0.3}, 0.30000000000000004, 0.3),
        ("compute.gpuPortionRequest", {"step": 0.1}, 0.25, 0.3),
        ("compute.cpuMemoryRequest", {"max": "1Gi"}, "1025Mi", "1024Mi"),
        ("compute.gpuMemoryRequest", {"min": "1GB"}, "900M", "1000M"),
        ("autoscaling.metricThresholdQuantity", {"max": "1"}, "1001m", "1000m"),
        ("modelStore.pvc.claimInfo.size", {"options": [{"value": "1Gi"}]}, "2Gi", "1024Mi"),
        ("nodePools", {"options": [{"value": "a"}, {"value": "b"}]}, ["a", "c"], ["b", "a"]),
        ("modelStore.pvc.readOnly", {"canEdit": False}, True, None),
        ("replicas", {"required": True}, None, 0),
        ("servingPort.exposedUrl", {"options": [{"value": "https://a"}]}, "https://u:secret@b", "https://a"),
    ],
)
def test_a_rule_allows_and_forbids(field: str, rule: dict[str, Any], value: Any, allowed: Any) -> None:
    policy = project(rules=nested(field, rule))

    (finding,) = applied(nested(field, value), policy).findings

    assert (finding.reason, finding.path.split("[")[0]) == ("PolicyViolation", f"spec.{field}")
    assert finding.rule in list(Rule)
    assert "policy team (project)" in finding.message
    assert "secret" not in finding.message
    assert messages(nested(field, allowed), policy) == []


def nested(field: str, value: Any) -> dict[str, Any]:
    for name in reversed(field.split(".")):
        value = {name: value}
    found: dict[str, Any] = value
    return found


def test_rules_of_all_scopes_hold_together() -> None:
    found = messages({"replicas": 9}, project(rules={"replicas": {"max": 2}}), cluster(rules={"replicas": {"max": 4}}))

    assert found == [
        f'spec.replicas is "9" but must be at most {bound}: lower it, or ask who maintains the policy'
        for bound in ("4 by policy base (cluster)", "2 by policy team (project)")
    ]


def test_a_wider_default_that_a_narrower_rule_forbids_is_found_at_the_resource() -> None:
    policies = (cluster({"replicas": 4}), project(rules={"replicas": {"max": 2}}))

    assert messages({}, *policies) == [
        'spec.replicas is "4" but must be at most 2 by policy team (project): it is the default of policy'
        " base, cluster: set another value"
    ]
    assert messages({"replicas": 1}, *policies) == []


def test_a_closed_field_allows_its_default_only() -> None:
    policy = project({"compute": {"cpuMemoryRequest": "1Gi"}}, {"compute": {"cpuMemoryRequest": {"canEdit": False}}})

    assert messages({"compute": {"cpuMemoryRequest": "1024Mi"}}, policy) == []
    (message,) = messages({"compute": {"cpuMemoryRequest": "2Gi"}}, policy)
    assert 'is "2Gi" but must be 1Gi by policy team (project), which allows no other value: remove it' in message
    url = project(
        {"servingPort": {"exposedUrl": "https://u:secret@a"}}, {"servingPort": {"exposedUrl": {"canEdit": False}}}
    )
    (message,) = messages({"servingPort": {"exposedUrl": "https://u:token@b"}}, url)
    assert message.startswith("spec.servingPort.exposedUrl must be the default by")


def test_a_default_is_derived_from_another_field() -> None:
    rules = {
        "compute": {
            "cpuCoreLimit": {"defaultFrom": {"field": "compute.cpuCoreRequest", "factor": 1.5}, "canEdit": False},
            "cpuCoreRequest": {"defaultFrom": {"field": "replicas"}},
            "cpuMemoryLimit": {"defaultFrom": {"field": "compute.cpuMemoryRequest", "factor": 2}},
        },
        "security": {"runAsGid": {"defaultFrom": {"field": "compute.cpuCoreLimit"}}},
    }
    own = {"replicas": 3, "compute": {"cpuMemoryRequest": "1.5Gi"}}

    found = applied(own, project(rules=rules))

    assert found.findings == ()
    assert found.spec["compute"] == {
        "cpuMemoryRequest": "1.5Gi",
        "cpuCoreRequest": 3,
        "cpuCoreLimit": 4.5,
        "cpuMemoryLimit": "3Gi",
    }
    assert found.spec["security"] == {"runAsGid": 5}
    assert applied(found.spec, project(rules=rules)).findings == ()
    assert applied({"compute": {"cpuMemoryRequest": "much"}}, project(rules=rules)).spec == {
        "compute": {"cpuMemoryRequest": "much"}
    }


ITEMS = project(
    {
        "environmentVariables": {"instances": [{"name": "HTTP_PROXY", "value": "http://u:secret@proxy"}]},
        "tolerations": {
            "instances": [{"name": "pool", "key": "gpu"}],
            "attributes": {"effect": "NoSchedule", "value": "v", "operator": "Exists", "seconds": 5},
        },
    },
    {
        "environmentVariables": {"instances": {"locked": ["HTTP_PROXY"], "canAdd": False}},
        "tolerations": {
            "instances": {"canAdd": True},
            "attributes": {"effect": {"canEdit": False}, "key": {"required": True, "options": [{"value": "gpu"}]}},
        },
    },
)


def test_items_are_added_by_key_and_filled() -> None:
    found = applied({"tolerations": [{"name": "own", "operator": "Equal", "key": "gpu"}]}, ITEMS)

    assert found.findings == ()
    assert found.spec["environmentVariables"] == [{"name": "HTTP_PROXY", "value": "http://u:secret@proxy"}]
    assert found.spec["tolerations"] == [
        {"name": "own", "operator": "Equal", "key": "gpu", "effect": "NoSchedule", "value": "v"},
        {"name": "pool", "key": "gpu", "effect": "NoSchedule", "operator": "Exists"},
    ]
    assert str(found.provenance["spec.tolerations[0].effect"]) == "policy team, project"


def test_an_excluded_item_is_not_added() -> None:
    own = [{"name": "pool", "exclude": True}]
    assert applied({"tolerations": own}, ITEMS).spec["tolerations"] == own


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([{"name": "HTTP_PROXY", "value": "http://u:secret@proxy", "exclude": False}], []),
        ([{"name": "HTTP_PROXY", "value": "other"}], ["locked"]),
        ([{"name": "HTTP_PROXY", "exclude": True}], ["locked"]),
        ([{"name": "OTHER", "value": "secret"}], ["canAdd"]),
        ([{"name": "OTHER", "exclude": True}], []),
        ([{"name": ["secret"]}], ["canAdd"]),
        (["secret"], []),
        ("secret", []),
    ],
)
def test_items_are_locked_and_limited(items: Any, expected: list[str]) -> None:
    found = applied({"environmentVariables": items}, ITEMS).findings

    assert [finding.rule for finding in found] == expected
    assert "secret" not in str([finding.message for finding in found])


def test_items_that_nobody_may_exclude() -> None:
    policy = project(
        {"tolerations": {"instances": [{"name": "pool", "key": "gpu"}]}},
        {"tolerations": {"attributes": {"exclude": {"canEdit": False}, "key": {"required": True}}}},
    )

    (message,) = messages({"tolerations": [{"name": "pool", "exclude": True}]}, policy)

    assert message == (
        'spec.tolerations[0].exclude is "true" but must be left out by policy team (project), which allows no other '
        "value: remove it"
    )
    assert messages({"tolerations": [{"name": "own", "key": "a"}]}, policy) == []


def test_a_default_of_replicas_is_derived_unless_the_resource_scales_itself() -> None:
    policy = project(rules={"replicas": {"defaultFrom": {"field": "compute.gpuDevicesRequest", "factor": 2}}})
    compute = {"gpuDevicesRequest": 2}

    assert applied({"compute": compute}, policy).spec == {"compute": compute, "replicas": 4}
    assert applied({}, policy).spec == {}
    scaled = {"compute": compute, "autoscaling": {"metric": "cpu"}}
    assert applied(scaled, policy).spec == scaled
    assert applied({"compute": compute}, cluster({"autoscaling": {"metric": "cpu"}}), policy).spec["replicas"] == 4


def test_no_item_at_all_may_be_allowed() -> None:
    assert applied({}, project(rules={"labels": {"instances": {"canAdd": False}}})).spec == {}
    (message,) = messages({"labels": [{"name": "a"}]}, project(rules={"labels": {"instances": {"canAdd": False}}}))
    assert "must be left out by policy team (project), which allows no other items: remove the item" in message


def test_attributes_of_items_are_checked() -> None:
    found = messages(
        {"tolerations": [{"name": "a", "effect": "NoExecute"}, {"name": "b", "key": "x", "exclude": None}, 3]}, ITEMS
    )

    assert [message.split(" must")[0] for message in found] == [
        "spec.tolerations[0].key",
        'spec.tolerations[0].effect is "NoExecute" but',
        'spec.tolerations[1].key is "x" but',
    ]


HUGE = st.sampled_from([1, 5000]).map(lambda power: 10**power)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | HUGE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "effect", "pvc"]), inner),
    max_leaves=5,
)
FIELDS = ["compute", "replicas", "tolerations", "environmentVariables", "modelStore", "nodePools", "autoscaling"]
ANY = st.one_of(JSON, st.dictionaries(st.sampled_from(FIELDS), JSON), SPECS)
POLICIES = [
    ITEMS,
    cluster(
        {"replicas": 2, "autoscaling": {"metric": "cpu"}, "modelStore": {"pvc": {"claimInfo": {"size": "1Gi"}}}},
        {
            "replicas": {"max": 2, "step": 1, "required": True, "canEdit": False},
            "nodePools": {"options": [{"value": "a"}]},
            "compute": {
                "gpuPortionRequest": {"max": 0.5, "step": 0.1},
                "cpuCoreLimit": {"defaultFrom": {"field": "compute.cpuCoreRequest", "factor": 1e30}},
                "cpuMemoryLimit": {"defaultFrom": {"field": "compute.cpuMemoryRequest", "factor": 0.1}},
            },
            "modelStore": {"pvc": {"claimName": {"canEdit": False}}},
        },
    ),
    department({"modelStore": {"nimCache": {"name": "c"}}, "multiNode": {"workers": 1}}),
]


def safe(value: Any) -> str:
    """As text, in which nan is an equal of itself; str refuses integers of 5,000 digits."""
    if isinstance(value, dict):
        return str({name: safe(part) for name, part in value.items()})
    if isinstance(value, list | tuple):
        return str([safe(part) for part in value])
    return hex(value) if isinstance(value, int) else str(value)


@settings(max_examples=300, deadline=None)
@given(ANY, st.lists(st.sampled_from(POLICIES), unique_by=lambda policy: policy.name))
def test_whatever_the_spec_is_it_gets_an_effective_spec(spec: Any, policies: list[Policy]) -> None:
    compiled = compile_policies(policies)
    before = safe(spec)
    found = effective_spec({"spec": spec}, compiled)

    assert all(finding.message for finding in found.findings)
    assert safe(spec) == before
    again = effective_spec({"spec": found.spec}, compiled)
    assert safe(again.spec) == safe(found.spec)
    assert safe(effective_spec({"spec": spec}, compiled)) == safe(found)


def test_policies_of_a_namespace_are_selected_and_compiled_once() -> None:
    wanted = {"matchLabels": {"department": "ml"}}
    expressions = [
        {"key": "tier", "operator": "In", "values": ["a"]},
        {"key": "tier", "operator": "NotIn", "values": ["b"]},
        {"key": "tier", "operator": "Exists"},
        {"key": "old", "operator": "DoesNotExist"},
    ]
    policies = PolicySet(
        [
            project(),
            cluster(),
            Policy("ml", Scope.DEPARTMENT, selector=wanted),
            Policy("tier", Scope.CLUSTER, selector={"matchExpressions": expressions}),
        ]
    )

    def names(namespace: str, labels: dict[str, str]) -> list[str]:
        return [policy.name for policy in policies.of_namespace(namespace, labels).policies]

    assert names("ns", {"department": "ml"}) == ["base", "ml", "team"]
    assert names("other", {"tier": "a"}) == ["base", "tier"]
    assert names("other", {"tier": "a", "old": ""}) == ["base"]
    assert names("other", {"tier": "b"}) == ["base"]
    assert policies.of_namespace("ns", {}) is policies.of_namespace("ns", {})
    assert [policy.name for policy in policies.needs_labels] == ["ml", "tier"]


def test_a_decision_is_made_by_the_effective_spec() -> None:
    policy = project(
        {"compute": {"gpuDevicesRequest": 1}, "servingPort": {"grpcPort": 8000}}, {"replicas": {"required": True}}
    )
    made = make_decision_input(
        a_cr(),
        settings=CONTEXT.settings,
        namespace_labels=CONTEXT.namespace_labels,
        nimservice_schema=NIMServiceSchema(),
        policies=compile_policies([policy]),
    )

    assert str(made.origin("spec.compute.gpuDevicesRequest")) == "policy team, project"
    assert str(made.origin("spec.image")) == "resource"
    found = [finding.message for finding in translate(made).findings]
    assert "spec.replicas must be set by policy team (project): add it" in found
    assert any(message.endswith("(the value comes from policy team, project)") for message in found)


def test_an_unreadable_spec_has_the_findings_of_policies_too() -> None:
    made = make_decision_input(
        a_cr({"image": 3}),
        settings=CONTEXT.settings,
        namespace_labels=None,
        nimservice_schema=NIMServiceSchema(),
        policies=compile_policies([project(rules={"replicas": {"required": True}})]),
    )

    assert {finding.reason for finding in translate(made).findings} >= {"PolicyViolation", "InvalidValue"}


def test_a_resource_without_spec_gets_the_defaults() -> None:
    policy = compile_policies([project({"image": "a"})])
    assert effective_spec({"metadata": {}}, policy).spec == {"image": "a"}
    assert effective_spec({"spec": "nonsense"}, policy).spec == "nonsense"


def test_what_is_no_value_of_the_field_is_left_to_validation() -> None:
    rules = {
        "replicas": {"max": 1},
        "image": {"options": [{"value": "a"}]},
        "nodePools": {"options": [{"value": "a"}]},
        "autoscaling": {"metricThresholdQuantity": {"max": "1"}},
    }
    spec = {
        "replicas": "2",
        "image": 3,
        "nodePools": "b",
        "autoscaling": {"metricThresholdQuantity": "x"},
    }
    assert messages(spec, project(rules=rules)) == []
    assert messages({"replicas": 10**5000}, project(rules={"replicas": {"canEdit": False}}))[0].startswith(
        "spec.replicas must be left out by policy team (project)"
    )


def test_a_policy_is_read_with_the_defaults_of_its_kind() -> None:
    manifest = {"apiVersion": "runai-nim.io/v1alpha1", "kind": "RunaiNimPolicy", "metadata": {"name": "a"}}
    policy, findings = read_policy({**manifest, "spec": {"defaults": {"image": None}, "rules": None}}, "ns")

    assert findings == ()
    assert policy == Policy("a", Scope.PROJECT, namespace="ns")


def test_a_name_that_python_converts_to_no_text_is_no_name_of_an_instance() -> None:
    policy = project({"imagePullSecrets": {"instances": [{"name": "a"}]}})
    rules = {"tolerations": {"attributes": {"key": {"required": True}}}}
    applied({"tolerations": [{"name": 10**5000, "key": "a"}]}, policy, cluster(rules=rules))


def test_an_empty_text_is_no_value_of_a_required_field() -> None:
    """An empty category renders nothing, and a toleration with an empty key tolerates every taint."""
    rules = {"category": {"required": True}, "tolerations": {"attributes": {"key": {"required": True}}}}
    spec = {"category": "", "tolerations": [{"name": "all", "operator": "Exists", "key": ""}]}
    assert messages(spec, cluster(rules=rules)) == [
        "spec.category must be set by policy base (cluster): add it",
        "spec.tolerations[0].key must be set by policy base (cluster): add it",
    ]


def test_a_bound_of_the_maximum_holds_for_the_minimum_that_replaces_it() -> None:
    """Without maxReplicas the autoscaler's maximum is minReplicas."""
    policy = cluster(rules={"autoscaling": {"maxReplicas": {"max": 2}}})
    assert messages({"autoscaling": {"minReplicas": 50}}, policy) == [
        'spec.autoscaling.minReplicas is "50" but must be at most 2 by policy base (cluster): it is also'
        " autoscaling.maxReplicas, which isn't set: set both within the bound"
    ]
    for autoscaling in ({"minReplicas": 2}, {}, {"minReplicas": "50"}, {"minReplicas": 50, "maxReplicas": 2}):
        assert messages({"autoscaling": autoscaling}, policy) == []
