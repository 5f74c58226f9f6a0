"""What the policy calls make of values: scopes, bodies, changes, the effective policy, answers."""

from typing import Any

import pytest

from runai_nim.config.settings import Settings
from runai_nim.domain.policy import Policy, Scope, check_policy
from runai_nim.rest.model.effective_policy import effective_content
from runai_nim.rest.model.policy_answer import policy_answer
from runai_nim.rest.model.policy_body import (
    NAME_ANNOTATION,
    check_patch,
    check_put,
    content_of,
    for_body,
    manifest_of,
    meta_of,
    patched_content,
)
from runai_nim.rest.model.policy_target import PolicyTarget, check_place, scope_of, target_of
from runai_nim.rest.model.project import ProjectNamespace

LABEL = "example.com/department"
CLUSTER = "cluster-uid"


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings.model_validate({"department_label": LABEL})


TEAM = ProjectNamespace("team-a", "uid", {"runai/queue": "a", LABEL: "R_D"}, "1")


def test_the_object_of_each_scope(settings: Settings) -> None:
    project = target_of({"scope": "project"}, TEAM, settings)
    research = target_of({"scope": "department", "departmentId": "research"}, None, settings)
    digest = target_of({"scope": "department", "departmentId": "R_D"}, None, settings)

    assert (project.key, project.resource.kind, project.title) == (("team-a", "default"), "RunaiNimPolicy", "project a")
    assert (research.key, research.resource.kind) == (("", "department-research"), "ClusterRunaiNimPolicy")
    assert (digest.name, digest.title) == ("department-bf206f644888b16a", "department R_D")
    for scope in ("system", "tenant", "cluster"):
        target = target_of({"scope": scope}, None, settings)
        assert (target.scope, target.key, target.title) == (Scope.CLUSTER, ("", "default"), "cluster")
    assert project.path == "/apis/runai-nim.io/v1alpha1/namespaces/team-a/runainimpolicies/default"
    assert research.path == "/apis/runai-nim.io/v1alpha1/clusterrunainimpolicies/department-research"


RESEARCH = PolicyTarget(Scope.DEPARTMENT, "department-a", labels={LABEL: "a"}, department_id="a")


@pytest.mark.parametrize(
    ("target", "spec", "expected"),
    [
        (PolicyTarget(Scope.PROJECT), {}, True),
        (PolicyTarget(Scope.CLUSTER), {}, True),
        (PolicyTarget(Scope.CLUSTER), {"scope": "cluster", "namespaceSelector": {"matchLabels": {}}}, True),
        (PolicyTarget(Scope.CLUSTER), {"namespaceSelector": {"matchLabels": {"a": "b"}}}, False),
        (PolicyTarget(Scope.CLUSTER), {"scope": "department"}, False),
        (RESEARCH, {"scope": "department", "namespaceSelector": {"matchLabels": {LABEL: "a"}}}, True),
        (RESEARCH, {"scope": "department", "namespaceSelector": {"matchLabels": {LABEL: "b"}}}, False),
    ],
)
def test_whether_an_object_is_for_a_scope(target: PolicyTarget, spec: dict[str, Any], expected: bool) -> None:
    assert target.is_object({"spec": spec}) is expected
    assert target.is_object({"spec": target.own_fields})


def test_what_a_write_of_a_policy_needs() -> None:
    project = PolicyTarget(Scope.PROJECT, "default", "team-a")

    assert str(project.write_access(None)) == "create runainimpolicies.runai-nim.io in namespace team-a"
    assert str(RESEARCH.write_access({})) == "patch clusterrunainimpolicies.runai-nim.io department-a"


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"scope": "project", "projectId": 1}, []),
        ({"scope": "cluster", "clusterId": CLUSTER}, []),
        ({"scope": "department", "departmentId": "a"}, []),
        ({}, ["meta.scope"]),
        ({"scope": 1, "clusterId": 2}, ["meta.scope", "meta.clusterId"]),
        ({"scope": "project"}, ["meta.projectId"]),
        ({"scope": "department"}, ["meta.departmentId"]),
        ({"scope": "department", "departmentId": ""}, ["meta.departmentId"]),
        ({"scope": "department", "departmentId": 7}, ["meta.departmentId"]),
    ],
)
def test_places(settings: Settings, given: dict[str, Any], fields: list[str]) -> None:
    assert [finding.path for finding in check_place(given, "meta.", settings, CLUSTER)] == fields


def test_departments_need_a_label(settings: Settings) -> None:
    without = settings.model_copy(update={"department_label": None})

    (finding,) = check_place({"scope": "department", "departmentId": "a"}, "", without, CLUSTER)

    assert "setting department_label names no label" in finding.message
    assert scope_of({"scope": ["project"]}) is None


META = {"scope": "cluster", "name": "n"}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"meta": META, "policy": {}}, []),
        ({"meta": {**META, "id": "x", "createdBy": "y"}, "policy": {"status": {}}}, []),
        ({"meta": META, "policy": None}, ["policy"]),
        ({"meta": [], "policy": []}, ["meta", "policy", "meta.name"]),
        ({"meta": {**META, "nam": 1}, "policy": {"rule": {}}, "reset": []}, ["reset", "meta.nam", "policy.rule"]),
        ({"meta": {**META, "name": "x" * 254}, "policy": {}}, ["meta.name"]),
        ({"meta": {**META, "name": 1}, "policy": {}}, ["meta.name"]),
    ],
)
def test_bodies_of_a_put(body: dict[str, Any], fields: list[str]) -> None:
    assert [finding.path for finding in check_put(body)] == fields


@pytest.mark.parametrize(
    ("reset", "messages"),
    [
        (None, []),
        (["rules", "defaults/compute", "rules.compute.gpuPortionRequest", "$.compute", "tolerations.attributes"], []),
        (["rules/image"], []),
        (["environmentVariables", "rules/environmentVariables/instances/locked", "defaults.labels.instances"], []),
        ("rules", ["reset must be a list of paths: send a list such as [rules/compute]"]),
        (
            ["rules/computte", 7, "", "x.y.z"],
            [
                'reset[0] is "rules/computte" but must be a path below defaults or rules: did you mean compute?',
                "reset[1] must be a path below defaults or rules: name a part such as rules/compute, or a field of"
                " both",
                'reset[2] is "" but must be a path below defaults or rules: name a part such as rules/compute, or a'
                " field of both",
                'reset[3] is "x.y.z" but must be a path below defaults or rules: name a part such as rules/compute, or'
                " a field of both",
            ],
        ),
    ],
)
def test_what_a_patch_resets(reset: Any, messages: list[str]) -> None:
    assert [finding.message for finding in check_patch({"meta": {"scope": "cluster"}, "reset": reset})] == messages


@pytest.mark.parametrize(
    ("policy", "content"),
    [
        (None, {}),
        ({"defaults": None, "rules": {}, "status": {}}, {"rules": {}}),
        ({"defaults": {"replicas": 1, "image": "a"}}, {"defaults": {"image": "a"}}),
        ({"defaults": {"replicas": 2}}, {"defaults": {"replicas": 2}}),
        ({"defaults": {"replicas": True}}, {"defaults": {"replicas": True}}),
        ({"defaults": ["a"], "rules": ["b"]}, {"defaults": ["a"], "rules": ["b"]}),
        ({"rules": {"image": {"required": True, "sourceOfRule": {}}}}, {"rules": {"image": {"required": True}}}),
    ],
)
def test_the_content_of_a_body(policy: Any, content: dict[str, Any]) -> None:
    assert content_of({"policy": policy}) == content


STORED = {
    "defaults": {"compute": {"gpuPortionRequest": 0.5}, "labels": {"instances": [{"name": "a", "value": "b"}]}},
    "rules": {"compute": {"gpuPortionRequest": {"max": 0.5, "required": True}}, "replicas": {"max": 3}},
}


@pytest.mark.parametrize(
    ("change", "content"),
    [
        ({}, STORED),
        ({"reset": ["rules/compute"]}, {**STORED, "rules": {"replicas": {"max": 3}}}),
        (
            {"reset": ["compute"]},
            {"defaults": {"labels": STORED["defaults"]["labels"]}, "rules": {"replicas": {"max": 3}}},
        ),
        (
            {"reset": ["rules/compute/gpuPortionRequest", "rules/replicas", "rules/image"]},
            {"defaults": STORED["defaults"]},
        ),
        ({"reset": ["defaults", "rules"]}, {}),
        (
            {"policy": {"rules": {"compute": {"gpuPortionRequest": {"max": 0.25}, "cpuCoreRequest": {"min": 1}}}}},
            {
                **STORED,
                "rules": {
                    "compute": {"gpuPortionRequest": {"max": 0.25}, "cpuCoreRequest": {"min": 1}},
                    "replicas": {"max": 3},
                },
            },
        ),
        (
            {"reset": ["defaults"], "policy": {"defaults": {"labels": {"instances": []}}, "rules": {"replicas": None}}},
            {"defaults": {"labels": {"instances": []}}, "rules": STORED["rules"]},
        ),
        (
            {"policy": {"defaults": {"labels": {"instances": [{"name": "c"}]}, "compute": 3}, "rules": []}},
            {"defaults": {"compute": 3, "labels": {"instances": [{"name": "c"}]}}, "rules": []},
        ),
    ],
)
def test_a_patch_of_defaults_and_rules(change: dict[str, Any], content: dict[str, Any]) -> None:
    assert patched_content(STORED, change) == content


def test_a_rule_is_reset_as_a_whole() -> None:
    (finding,) = check_patch({"reset": ["rules/compute/gpuPortionRequest/max"]})

    assert finding.path == "reset[0]"


def test_the_object_of_a_body() -> None:
    target = PolicyTarget(Scope.PROJECT, namespace="team-a")
    stored = {"metadata": {"annotations": {NAME_ANNOTATION: "old"}}, "spec": {"enforcement": "Immediate", "rules": {}}}

    assert manifest_of(target, {"rules": {}}, "new", None) == {
        "apiVersion": "runai-nim.io/v1alpha1",
        "kind": "RunaiNimPolicy",
        "metadata": {"name": "default", "namespace": "team-a", "annotations": {NAME_ANNOTATION: "new"}},
        "spec": {"rules": {}},
    }
    kept = manifest_of(target, {"defaults": {}}, None, stored)
    assert kept["spec"] == {"enforcement": "Immediate", "defaults": {}}
    assert kept["metadata"]["annotations"] == {NAME_ANNOTATION: "old"}
    assert manifest_of(RESEARCH, {}, None, {"metadata": {}, "spec": {}})["metadata"] == {
        "name": "department-a",
        "annotations": {NAME_ANNOTATION: "department-a"},
    }
    assert meta_of({"meta": 7}) == {}


def test_findings_have_the_body_s_path() -> None:
    (finding,) = check_policy(Policy("a", Scope.PROJECT, rules={"replicas": {"min": 3, "max": 1}}))

    assert for_body(finding).path == "policy.rules.replicas.max"
    (other,) = check_put({"meta": META})
    assert for_body(other).path == "policy"


def items(*names: str) -> dict[str, Any]:
    return {"instances": [{"name": name, "value": name} for name in names]}


WIDE = Policy(
    "wide",
    Scope.CLUSTER,
    defaults={"replicas": 2, "labels": items("a", "b"), "tolerations": {"attributes": {"effect": "NoSchedule"}}},
    rules={
        "replicas": {"min": 1, "max": 9, "step": 2, "required": True},
        "compute": {"cpuMemoryRequest": {"min": "1Gi", "max": "10Gi"}},
        "image": {"options": [{"value": "a"}, {"value": "b", "displayed": "B"}, {"value": "c"}], "canEdit": True},
        "labels": {"instances": {"locked": ["a"]}},
        "tolerations": {"attributes": {"effect": {"required": True}}},
    },
)
DEPARTMENT = Policy(
    "of-a",
    Scope.DEPARTMENT,
    rules={"image": {"canEdit": False}, "annotations": {"instances": {"locked": ["x"]}}},
    defaults={"annotations": items("x")},
    selector={"matchLabels": {LABEL: "a"}},
)
OTHER = Policy("other", Scope.DEPARTMENT, rules={"category": {"required": True}}, selector={"matchExpressions": []})
NARROW = Policy(
    "narrow",
    Scope.PROJECT,
    defaults={"replicas": 3, "labels": {"instances": [{"name": "b", "value": "mine"}]}},
    rules={
        "replicas": {"min": 2, "max": 9, "required": False},
        "compute": {
            "cpuMemoryRequest": {"min": "1025Mi", "max": "9G", "defaultFrom": {"field": "compute.gpuMemoryRequest"}}
        },
        "image": {"options": [{"value": "b"}, {"value": "c"}, {"value": "d"}]},
        "labels": {"instances": {"canAdd": False, "locked": ["b"]}},
    },
    namespace="team-a",
)


def test_the_effective_policy() -> None:
    target = PolicyTarget(Scope.PROJECT, namespace="team-a", project_id="7")
    cluster = {"sourceOfRule": {"scope": "cluster", "clusterId": CLUSTER}}
    project = {"sourceOfRule": {"scope": "project", "projectId": 7}}

    content = effective_content(
        (WIDE, DEPARTMENT, OTHER, NARROW), lambda policy: target.source_of(policy, LABEL, CLUSTER)
    )

    assert content["defaults"] == {
        "replicas": 3,
        "tolerations": {"attributes": {"effect": "NoSchedule"}},
        "labels": {"instances": [{"name": "a", "value": "a"}, {"name": "b", "value": "mine"}]},
        "annotations": items("x"),
    }
    assert content["rules"] == {
        "replicas": {"required": True, "min": 2, "max": 9, "step": 2, **project},
        "compute": {
            "cpuMemoryRequest": {
                "min": "1025Mi",
                "max": "9G",
                "defaultFrom": {"field": "compute.gpuMemoryRequest"},
                **project,
            }
        },
        "image": {"canEdit": False, "options": [{"value": "b"}, {"value": "c"}], **project},
        "category": {"required": True, "sourceOfRule": {"scope": "department"}},
        "labels": {"instances": {"canAdd": False, "locked": ["a", "b"], **project}},
        "annotations": {"instances": {"locked": ["x"], "sourceOfRule": {"scope": "department", "departmentId": "a"}}},
        "tolerations": {"attributes": {"effect": {"required": True, **cluster}}},
    }
    assert effective_content((), lambda policy: {}) == {}


def test_answers(settings: Settings) -> None:
    metadata = {"uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}
    invalid = {"type": "Valid", "status": "False"}
    target = PolicyTarget(Scope.PROJECT, namespace="team-a", project_id="team-a")

    def answer(target: PolicyTarget, stored: Any, *policies: Policy) -> dict[str, Any]:
        return policy_answer(
            target, stored, policies, updated_at="t" if policies else None, settings=settings, cluster_id=CLUSTER
        )

    assert answer(target, None) == {"policy": None, "effective": None}
    stored = {"metadata": metadata, "spec": {"rules": {"replicas": {"max": 3}}, "defaults": {}}}
    shown = answer(target, stored, OTHER)
    assert shown == {
        "meta": {
            "id": "u",
            "tenantId": 1,
            "clusterId": CLUSTER,
            "createdAt": "2026-01-01T00:00:00Z",
            "createdBy": "unknown",
            "updatedAt": "2026-01-01T00:00:00Z",
            "updatedBy": "unknown",
            "scope": "project",
            "projectName": "team-a",
            "name": "default",
        },
        "policy": {"rules": {"replicas": {"max": 3}}},
        "effective": {"rules": {"category": {"required": True, "sourceOfRule": {"scope": "department"}}}},
        "effectiveUpdatedAt": "t",
    }
    valid = {"conditions": [{"type": "Valid", "status": "True"}]}
    assert "status" not in answer(target, stored | {"status": valid})["policy"]
    assert answer(target, stored | {"status": {"conditions": [invalid]}})["policy"]["status"] == {
        "validation": {"errorMessage": ""}
    }
    assert answer(RESEARCH, stored)["meta"]["departmentId"] == "a"
    assert "departmentId" not in answer(PolicyTarget(Scope.CLUSTER), stored)["meta"]
