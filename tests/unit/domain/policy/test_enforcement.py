"""A change of a policy concerns a spec that was accepted only with its next change, or at once if a policy says so."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.decision_input import DecisionInput, make_decision_input
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.observed import ObservedPolicyRevision
from runai_nim.domain.policy import (
    AcceptedSpec,
    Compliance,
    Policy,
    Scope,
    accepted_before,
    compile_policies,
)
from runai_nim.domain.status.compliance import applied_policies, compliance_condition
from runai_nim.domain.translate import Desired, translate
from tests.support.resources import a_cr

SETTINGS = load_settings(None, {})


def policy(defaults: dict[str, Any] | None = None, rules: dict[str, Any] | None = None, **more: Any) -> Policy:
    values = {"name": "team", "scope": Scope.PROJECT, "namespace": "team-a", **more}
    return Policy(defaults=defaults or {}, rules=rules or {}, **values)


def decided(cr: dict[str, Any], *policies: Policy, accepted: AcceptedSpec | None = None) -> DecisionInput:
    return make_decision_input(
        cr,
        settings=SETTINGS,
        namespace_labels={"runai/queue": "team-a"},
        nimservice_schema=NIMServiceSchema(),
        policies=compile_policies(policies),
        accepted=accepted,
    )


def kept(cr: dict[str, Any], *policies: Policy) -> AcceptedSpec:
    """What an accepted spec leaves behind, as the operator finds it later: through its ControllerRevision."""
    manifest = desired(decided(cr, *policies)).policy_revision
    assert manifest is not None
    metadata = manifest["metadata"] | {"uid": "r1", "resourceVersion": "1"}
    found = ObservedPolicyRevision.from_object({**manifest, "metadata": metadata}).accepted
    assert found is not None
    return found


def desired(decision_input: DecisionInput) -> Desired:
    found = translate(decision_input.with_children(claim_exists=True, nimservice_exists=True))
    assert found.nimservice is not None, found.findings
    return found


def compliance(decision_input: DecisionInput) -> Compliance:
    found = decision_input.compliance
    assert found is not None
    return found


def with_spec(cr: dict[str, Any], **fields: Any) -> dict[str, Any]:
    spec = {name: value for name, value in {**cr["spec"], **fields}.items() if value is not None}
    return {**cr, "spec": spec}


OLD = policy({"priorityClass": "low"}, {"replicas": {"max": 4}})
NEW = policy({"priorityClass": "high"}, {"replicas": {"max": 2}})


def test_without_policies_nothing_is_kept() -> None:
    found = decided(a_cr())
    assert (found.accepted, found.compliance) == (None, None)
    assert desired(found).policy_revision is None


def test_an_accepted_spec_stays_as_it_was_rendered() -> None:
    cr = a_cr({"replicas": 3})
    found = decided(cr, NEW, accepted=accepted_before(cr, [kept(cr, OLD)]))
    assert found.spec["priorityClass"] == "low"
    assert found.policy_findings == ()
    assert [one.message for one in compliance(found).violations] == [
        'spec.replicas is "3" but must be at most 2 by policy team (project): lower it, or ask who maintains the policy'
    ]
    assert compliance(found).changes == ('spec.priorityClass would be "high" instead of "low"',)
    assert desired(found).policy_revision == desired(decided(cr, OLD)).policy_revision


@pytest.mark.parametrize("change", [{"replicas": 4}, {"image": "nvcr.io/nim/other:1"}, {"replicas": None}])
def test_a_change_of_the_spec_is_held_to_the_policies_of_today(change: dict[str, Any]) -> None:
    cr = a_cr({"replicas": 3})
    changed = with_spec(cr, **change)
    assert accepted_before(changed, [kept(cr, OLD)]) is None
    assert decided(changed, NEW).spec["priorityClass"] == "high"


@pytest.mark.parametrize(
    "change", [{"replicas": 0}, {"replicas": 2}, {"desiredPhase": "Stopped"}, {"desiredPhase": "Running"}]
)
def test_what_stops_a_model_is_no_change(change: dict[str, Any]) -> None:
    cr = a_cr({"replicas": 3})
    accepted = kept(cr, OLD)
    assert accepted_before(with_spec(cr, **change), [accepted]) == accepted


def test_nobody_can_make_another_spec_that_was_accepted() -> None:
    """Of 64 bits, 2**32 tries find two specs with one digest: hours on a laptop."""
    digest = kept(a_cr(), OLD).digest
    assert (len(digest), digest == kept(a_cr({"replicas": 3}), OLD).digest) == (64, True)
    assert digest != kept(a_cr({"category": "other"}), OLD).digest


def test_a_model_that_was_accepted_stopped_starts_under_the_policies_of_today() -> None:
    cr = a_cr({"desiredPhase": "Stopped"})
    assert accepted_before(with_spec(cr, desiredPhase=None), [kept(cr, OLD)]) is None


def test_replicas_by_autoscaling_are_not_compared() -> None:
    cr = a_cr({"autoscaling": {"metric": "concurrency", "metricThreshold": 5, "minReplicas": 1, "maxReplicas": 2}})
    accepted = kept(cr, OLD)
    assert accepted.replicas is None
    assert accepted_before(with_spec(cr, replicas=1), [accepted]) is None


def test_the_replicas_of_a_default_are_its_bound() -> None:
    cr = a_cr()
    accepted = kept(cr, policy({"replicas": 2}))
    assert accepted_before(with_spec(cr, replicas=2), [accepted]) == accepted
    assert accepted_before(with_spec(cr, replicas=3), [accepted]) is None


def status(**more: Any) -> dict[str, Any]:
    return {"conditions": [{"type": "Translated", "status": "True", "observedGeneration": 2}], **more}


@pytest.mark.parametrize(
    ("stored", "before"),
    [
        (status(), True),
        (status(policies=[{"name": "team", "scope": "project"}]), False),
        ({"conditions": [{"type": "Translated", "status": "True", "observedGeneration": 1}]}, False),
        ({"conditions": [{"type": "Translated", "status": "False", "observedGeneration": 2}]}, False),
        ({"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 2}]}, False),
        ({}, False),
        (None, False),
    ],
)
def test_the_status_tells_what_was_accepted_before_there_were_policies(
    stored: dict[str, Any] | None, before: bool
) -> None:
    cr = a_cr({"replicas": 3})
    cr = {**cr, "metadata": {**cr["metadata"], "generation": 2}, "status": stored}
    accepted = accepted_before(cr, ())
    assert (accepted is not None) is before
    if accepted is not None:
        found = decided(cr, NEW, accepted=accepted)
        assert "priorityClass" not in found.spec
        assert (accepted.own_replicas, accepted.replicas, accepted.policies) == (3, 3, ())
        assert applied_policies(found.compliance) is None
        assert desired(found).policy_revision is not None  # from now on


def test_a_status_names_as_many_policies_as_the_crd_allows() -> None:
    """Of the cluster there may be any number, and the API server rejects a status with a longer list."""
    wide = [policy(name=f"p{index:03}", scope=Scope.CLUSTER, namespace="") for index in range(300)]
    named = applied_policies(decided(a_cr(), *wide).compliance)
    assert named is not None
    assert (len(named), named[0], named[-1]["name"]) == (256, {"name": "p000", "scope": "cluster"}, "p255")


@pytest.mark.parametrize("spec", [None, [], "text", 3])
def test_a_spec_that_is_no_mapping_was_never_accepted(spec: Any) -> None:
    cr = {**a_cr(), "spec": spec}
    assert accepted_before(cr, ()) is None
    assert decided(cr, OLD).accepted is None or spec is None or spec == []


def test_immediate_concerns_what_runs_and_leaves_the_rest() -> None:
    cr = a_cr({"replicas": 3})
    wide = policy({"imagePullPolicy": "Always"}, name="wide", scope=Scope.CLUSTER, namespace="")
    accepted = kept(cr, wide, OLD)
    changed = replace(wide, defaults={"imagePullPolicy": "Never"})
    found = decided(cr, changed, replace(NEW, enforcement="Immediate"), accepted=accepted)
    assert (found.spec["priorityClass"], found.spec["imagePullPolicy"]) == ("high", "Always")
    assert [one.rule for one in found.policy_findings] == ["max"]
    obeys = decided(cr, changed, replace(NEW, rules={}, enforcement="Immediate"), accepted=accepted)
    assert desired(obeys).policy_revision != desired(decided(cr, wide, OLD)).policy_revision


def test_policies_of_different_times_may_derive_from_each_other() -> None:
    cr = a_cr()
    derive = {"compute": {"cpuCoreLimit": {"defaultFrom": {"field": "compute.cpuCoreRequest", "factor": 2}}}}
    back = {"compute": {"cpuCoreRequest": {"defaultFrom": {"field": "compute.cpuCoreLimit", "factor": 0.5}}}}
    accepted = kept(cr, policy(rules=derive))
    assert accepted.policies[0].rules == derive
    found = decided(cr, policy(rules=back, name="now", enforcement="Immediate"), accepted=accepted)
    assert "cpuCoreLimit" not in found.spec.get("compute", {})


def test_what_gives_values_alone_is_kept() -> None:
    derived = {"defaultFrom": {"field": "compute.cpuMemoryRequest"}}
    rules = {
        "compute": {"cpuCoreLimit": {"max": 4}, "cpuMemoryLimit": derived},
        "environmentVariables": {"instances": {"canAdd": False}},
        "replicas": {"max": 4},
    }
    (found,) = kept(a_cr(), policy({"priorityClass": "high"}, rules)).policies
    assert found.defaults == {"priorityClass": "high"}
    assert found.rules == {"compute": {"cpuMemoryLimit": derived}}


def test_a_rejected_policy_is_replaced_by_its_last_valid_version() -> None:
    wide = policy(rules={"replicas": {"max": 2}}, name="wide", scope=Scope.CLUSTER, namespace="")
    wrong = policy(rules={"replicas": {"min": 3}})
    before = policy(rules={"replicas": {"min": 2}})
    compiled = compile_policies([wide, wrong], {wrong.key: before})
    assert compiled.policies == (wide, before)
    assert [one.policy for one in compiled.rejected] == [wrong]
    assert compile_policies([wide, wrong]).policies == (wide,)


def test_a_wider_policy_that_closes_a_field_of_an_immediate_one_restarts_nothing() -> None:
    derived = {"defaultFrom": {"field": "compute.cpuCoreRequest", "factor": 2}}
    immediate = {"enforcement": "Immediate"}
    memory = {"defaultFrom": {"field": "compute.cpuMemoryRequest"}}
    rules = {"compute": {"cpuCoreLimit": {"max": 99, **derived}, "cpuMemoryLimit": memory}}
    mine = policy({"priorityClass": "low"}, rules, **immediate)
    closed = {"priorityClass": {"canEdit": False}, "compute": {"cpuCoreLimit": {"canEdit": False}}}
    wide = policy({"priorityClass": "high"}, closed, name="wide", scope=Scope.CLUSTER, namespace="")
    cr = a_cr({"compute": {"cpuCoreRequest": 2, "cpuMemoryRequest": "4Gi"}})
    rendered = decided(cr, mine).spec
    assert (rendered["priorityClass"], rendered["compute"]["cpuCoreLimit"]) == ("low", 4)

    def later(accepted: AcceptedSpec | None) -> DecisionInput:
        policies = compile_policies([wide, mine], {mine.key: mine})
        assert {one.policy for one in policies.rejected} == {mine}
        labels = {"runai/queue": "team-a"}
        return make_decision_input(
            cr,
            settings=SETTINGS,
            namespace_labels=labels,
            nimservice_schema=NIMServiceSchema(),
            policies=policies,
            accepted=accepted,
        )

    accepted = kept(cr, mine)
    for _ in range(2):
        found = later(accepted)
        assert found.spec == rendered
        assert found.accepted is not None
        accepted = found.accepted
    assert later(None).spec["priorityClass"] == "high"
    assert "cpuCoreLimit" not in later(None).spec["compute"]
    # What was accepted without it has the values that are left to it.
    assert "priorityClass" not in later(kept(cr, policy({"category": "x"}, name="other"))).spec
    wide = replace(wide, enforcement="Immediate")
    assert later(kept(cr, mine)).spec["priorityClass"] == "high"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"image": "a"}, {"image": "b"}, 'spec.image would be "b" instead of "a"'),
        ({}, {"image": "b"}, 'spec.image would be "b"'),
        ({"image": "a"}, {}, 'spec.image would be left out instead of "a"'),
        ({"labels": []}, {}, "spec.labels would be left out"),
        ({}, {"labels": [1]}, "spec.labels would change"),
        (
            {"servingPort": {"exposedUrl": "https://a:secret@b"}},
            {"servingPort": {"exposedUrl": "https://c"}},
            "spec.servingPort.exposedUrl would change",
        ),
        ({"compute": {"gpuDevicesRequest": 1}}, {}, 'spec.compute.gpuDevicesRequest would be left out instead of "1"'),
    ],
)
def test_a_change_is_told_without_what_may_be_secret(before: Any, after: Any, told: str) -> None:
    from runai_nim.domain.policy.enforcement import _changes

    assert list(_changes(before, after, "spec")) == [told]


def test_the_condition_names_ten_changes_at_most() -> None:
    found = compliance_condition(Compliance((), (), tuple(f"spec.{name} would change" for name in "abcdefghijkl")))
    assert (found.status, found.reason) == ("False", "PolicyChanged")
    assert found.message.startswith("policies have changed; with the next change of the spec spec.a would change; ")
    assert found.message.endswith("spec.j would change; 2 more would change")


JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(JSON)
def test_never_raises(spec: Any) -> None:
    cr = {**a_cr(), "spec": spec}
    accepted = AcceptedSpec("0", "Running", None, 3, (OLD,))
    decided(cr, NEW, accepted=accepted_before(cr, [accepted]))


def test_an_immediate_default_replaces_what_is_kept_of_others() -> None:
    cr = a_cr()
    variables = {"instances": [{"name": "TEAM", "value": "old"}, {"name": "OTHER", "value": "kept"}]}
    old = policy({"priorityClass": "low", "environmentVariables": variables}, name="z-old")
    accepted = kept(cr, old)
    new = {"priorityClass": "high", "environmentVariables": {"instances": [{"name": "TEAM", "value": "new"}]}}
    wide = policy(new, name="a-new", scope=Scope.CLUSTER, namespace="", enforcement="Immediate")
    found = decided(cr, wide, accepted=accepted)
    assert found.spec["priorityClass"] == "high"
    values = {item["name"]: item["value"] for item in found.spec["environmentVariables"]}
    assert values == {"TEAM": "new", "OTHER": "kept"}
    # What takes precedence today goes on to do so.
    narrow = decided(cr, wide, old, accepted=accepted)
    assert narrow.spec["priorityClass"] == "low"


def test_an_immediate_derivation_replaces_what_is_kept() -> None:
    cr = a_cr({"compute": {"cpuCoreRequest": 1}})
    accepted = kept(cr, policy({"compute": {"cpuCoreLimit": 2}}))
    derive = {"compute": {"cpuCoreLimit": {"defaultFrom": {"field": "compute.cpuCoreRequest", "factor": 4}}}}
    found = decided(cr, policy(rules=derive, name="now", enforcement="Immediate"), accepted=accepted)
    assert found.spec["compute"]["cpuCoreLimit"] == 4


def test_what_an_immediate_policy_refuses_stays_known_as_accepted() -> None:
    cr = a_cr({"replicas": 3})
    accepted = kept(cr, OLD)
    refused = translate(decided(cr, replace(NEW, enforcement="Immediate"), accepted=accepted))
    assert refused.nimservice is None
    assert refused.policy_revision == desired(decided(cr, OLD)).policy_revision
    assert translate(decided(cr, NEW)).policy_revision is None
