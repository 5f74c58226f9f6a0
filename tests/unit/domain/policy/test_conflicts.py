"""A policy that contradicts itself or another one is reported with its path, and left out."""

from typing import Any

import pytest

from runai_nim.domain.admission.policy_schema import read_policy
from runai_nim.domain.policy import Policy, Scope, compile_policies

NAME = "metadata.name"


def findings(
    defaults: dict[str, Any] | None = None, rules: dict[str, Any] | None = None, **spec: Any
) -> list[tuple[str, str]]:
    manifest = {
        "apiVersion": "runai-nim.io/v1alpha1",
        "kind": "ClusterRunaiNimPolicy",
        "metadata": {"name": "base"},
        "spec": {"defaults": defaults, "rules": rules, **spec},
    }
    policy, found = read_policy(manifest)
    assert (policy is None) == bool(found)
    return [(finding.path, finding.message) for finding in found]


def of(field: str, value: Any) -> dict[str, Any]:
    for name in reversed(field.split(".")):
        value = {name: value}
    found: dict[str, Any] = value
    return found


LIMIT = "compute.cpuCoreLimit"
DEFAULT_FROM = {"defaultFrom": {"field": "compute.cpuCoreRequest"}}


@pytest.mark.parametrize(
    ("defaults", "rules", "path", "message"),
    [
        ({"replicas": 5}, {"replicas": {"max": 2}}, "spec.defaults.replicas", "must be at most 2, by its own rule"),
        (
            {"nodePools": ["a", "b"]},
            of("nodePools.options", [{"value": "a"}]),
            "spec.defaults.nodePools[1]",
            "must be a",
        ),
        ({}, of("replicas", {"min": 3, "max": 2}), "spec.rules.replicas.max", 'is "2" but must not be below min (3)'),
        (
            {},
            of("compute.gpuMemoryRequest", {"min": "1Gi", "max": "1000M"}),
            "spec.rules.compute.gpuMemoryRequest.max",
            "must not be below min (1Gi)",
        ),
        (
            {},
            of("compute.gpuMemoryRequest.max", "1 gi"),
            "spec.rules.compute.gpuMemoryRequest.max",
            "a number of bytes",
        ),
        (
            {},
            of("autoscaling.metricThresholdQuantity.max", "x"),
            "spec.rules.autoscaling.metricThresholdQuantity.max",
            "a quantity such as 500m",
        ),
        ({}, of("replicas.step", 0), "spec.rules.replicas.step", 'is "0" but must be above 0'),
        ({}, of("image.options", []), "spec.rules.image.options", "must have an option"),
        ({}, of("image.options", [{"value": "a/*"}]), "spec.rules.image.options[0].value", "know no wildcards"),
        (
            {},
            of("modelStore.pvc.claimInfo.size.options", [{"value": "big"}]),
            "spec.rules.modelStore.pvc.claimInfo.size.options[0].value",
            "a number of bytes",
        ),
        (of("compute.cpuMemoryLimit", "1 gi"), {}, "spec.defaults.compute.cpuMemoryLimit", "a number of bytes"),
        ({}, of("image", {"required": True, "canEdit": False}), "spec.rules.image.canEdit", "nothing would be allowed"),
        (
            {},
            of("replicas.defaultFrom.field", "compute.gpuDeviceRequest"),
            "spec.rules.replicas.defaultFrom.field",
            "did you mean compute.gpuDevicesRequest?",
        ),
        (
            {},
            of("replicas.defaultFrom.field", "image"),
            "spec.rules.replicas.defaultFrom.field",
            "a field with a number",
        ),
        (
            {},
            of("compute.cpuMemoryLimit.defaultFrom.field", "replicas"),
            "spec.rules.compute.cpuMemoryLimit.defaultFrom.field",
            "a field with bytes",
        ),
        ({}, of("replicas.defaultFrom", {}), "spec.rules.replicas.defaultFrom.field", "must be set"),
        (
            {},
            of("replicas.defaultFrom", {"field": "compute.gpuDevicesRequest", "factor": 0}),
            "spec.rules.replicas.defaultFrom.factor",
            "must be above 0",
        ),
        (
            {},
            of("tolerations.attributes.seconds", DEFAULT_FROM),
            "spec.rules.tolerations.attributes.seconds.defaultFrom",
            "must not be set for an item's field",
        ),
        (
            {},
            {
                "compute": {
                    "cpuCoreLimit": DEFAULT_FROM,
                    "cpuCoreRequest": of("defaultFrom.field", "compute.cpuCoreLimit"),
                }
            },
            "spec.rules.compute.cpuCoreLimit.defaultFrom.field",
            "must not depend on itself",
        ),
        ({}, of("labels.instances.locked", ["a"]), "spec.rules.labels.instances.locked[0]", "be the name of an item"),
        (of("tolerations.instances", [{"key": "a"}]), {}, "spec.defaults.tolerations.instances[0].name", "must be set"),
        (
            of("labels.instances", [{"name": "a"}, {"name": "a"}]),
            {},
            "spec.defaults.labels.instances[1].name",
            "must be listed once",
        ),
        (
            of("labels.instances", [{"name": "a", "exclude": True}]),
            {},
            "spec.defaults.labels.instances[0].exclude",
            "must not be true",
        ),
        (
            of("tolerations.instances", [{"name": "a", "effect": "NoExecute"}]),
            of("tolerations.attributes.effect.options", [{"value": "NoSchedule"}]),
            "spec.defaults.tolerations.instances[0].effect",
            "must be NoSchedule",
        ),
        ({}, of("compute.gpuPortionRequst.max", 1), "spec.rules.compute.gpuPortionRequst", "mean gpuPortionRequest?"),
        ({}, of("image.maximum", 1), "spec.rules.image.maximum", 'unknown field "spec.rules.image.maximum"'),
        ({"imgae": "x"}, {}, "spec.defaults.imgae", "did you mean image?"),
        ({}, of("replicas.max", "2"), "spec.rules.replicas.max", "must be an integer: remove the quotes"),
    ],
)
def test_a_policy_that_contradicts_itself(
    defaults: dict[str, Any], rules: dict[str, Any], path: str, message: str
) -> None:
    found = findings(defaults, rules)

    assert found[0][0] == path
    assert message in found[0][1]


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"scope": "department"}, "spec.namespaceSelector"),
        ({"scope": "department", "namespaceSelector": {}}, "spec.namespaceSelector"),
        (
            {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
            "spec.namespaceSelector.matchExpressions[0].values",
        ),
        ({"namespaceSelector": {"matchLabels": {"team": "GPU Research"}}}, "spec.namespaceSelector.matchLabels.team"),
        ({"namespaceSelector": {"matchLabels": {"a b": "x"}}}, "spec.namespaceSelector.matchLabels"),
        (
            {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b "]}]}},
            "spec.namespaceSelector.matchExpressions[0].values[0]",
        ),
        (
            {"namespaceSelector": {"matchExpressions": [{"key": "a b", "operator": "Exists"}]}},
            "spec.namespaceSelector.matchExpressions[0].key",
        ),
        ({"enforcements": "Immediate"}, "spec.enforcements"),
    ],
)
def test_what_selects_namespaces_is_checked(spec: dict[str, Any], path: str) -> None:
    assert [found for found, _ in findings(**spec)] == [path]


def test_a_policy_has_a_size_that_its_status_can_repeat() -> None:
    def sized(kibibytes: int) -> list[tuple[str, str]]:
        values = [{"name": f"V{number}", "value": "ä" * 16384} for number in range(kibibytes // 32)]
        return findings({"environmentVariables": {"instances": values}})

    assert sized(224) == []
    assert sized(256) == [
        (
            "spec",
            "spec must have at most 256 KiB as JSON, and has 257: shorten the values of its items, or make several"
            " policies of it",
        )
    ]


def test_a_selector_without_mistakes_is_read() -> None:
    selector = {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}
    assert findings(scope="department", namespaceSelector=selector, enforcement="Immediate") == []


@pytest.mark.parametrize(
    ("manifest", "paths"),
    [
        ({"apiVersion": "v1", "kind": "RunaiNimPolicy", "spce": {}}, ["apiVersion", "spce", "metadata", "spec"]),
        (
            {"apiVersion": "runai-nim.io/v1alpha1", "kind": "RunaiNimPolicy", "metadata": {}, "spec": {}},
            ["metadata.name"],
        ),
        (
            {
                "apiVersion": "runai-nim.io/v1alpha1",
                "kind": "RunaiNimPolicy",
                "metadata": {"name": "GPU Team"},
                "spec": {},
            },
            ["metadata.name"],
        ),
    ],
)
def test_an_object_that_is_none_is_refused(manifest: dict[str, Any], paths: list[str]) -> None:
    policy, found = read_policy(manifest)
    assert policy is None
    assert [finding.path for finding in found] == paths


def made(name: str, scope: Scope, defaults: dict[str, Any], rules: dict[str, Any]) -> Policy:
    return Policy(name, scope, defaults, rules)


@pytest.mark.parametrize(
    ("theirs", "mine", "path"),
    [
        (({}, of("replicas.max", 2)), ({"replicas": 3}, {}), "spec.defaults.replicas"),
        (({}, of("replicas.max", 2)), ({}, of("replicas.min", 3)), "spec.rules.replicas.min"),
        (({}, of("replicas.min", 3)), ({}, of("replicas.max", 2)), "spec.rules.replicas.max"),
        (
            ({}, of("image.options", [{"value": "a"}])),
            ({}, of("image.options", [{"value": "b"}])),
            "spec.rules.image.options",
        ),
        (({}, of("image.required", True)), ({}, of("image.canEdit", False)), "spec.rules.image.canEdit"),
        (({}, of("image.canEdit", False)), ({}, of("image.required", True)), "spec.rules.image.required"),
        (
            (of("labels.instances", [{"name": "a"}]), of("labels.instances.locked", ["a"])),
            (of("labels.instances", [{"name": "a", "value": "x"}]), {}),
            "spec.defaults.labels.instances[0]",
        ),
        (
            ({}, of("tolerations.attributes.effect.options", [{"value": "NoSchedule"}])),
            (of("tolerations.instances", [{"name": "a", "effect": "NoExecute"}]), {}),
            "spec.defaults.tolerations.instances[0].effect",
        ),
        (
            ({}, of("compute.cpuCoreLimit", DEFAULT_FROM)),
            ({}, of("compute.cpuCoreRequest.defaultFrom.field", "compute.cpuCoreLimit")),
            "spec.rules.compute.cpuCoreRequest.defaultFrom.field",
        ),
    ],
)
@pytest.mark.parametrize("scope", [Scope.PROJECT, Scope.CLUSTER])
def test_a_policy_that_contradicts_another(
    theirs: tuple[dict[str, Any], dict[str, Any]],
    mine: tuple[dict[str, Any], dict[str, Any]],
    path: str,
    scope: Scope,
) -> None:
    wide = made("a", Scope.CLUSTER, *theirs)
    policy = made("b", scope, *mine)

    compiled = compile_policies([policy, wide])

    assert [(found.policy, found.finding.path, found.other) for found in compiled.rejected] == [(policy, path, wide)]
    assert compiled.policies == (wide,)
    if "defaultFrom" not in path:
        assert "policy a (cluster)" in compiled.rejected[0].finding.message


@pytest.mark.parametrize(
    ("theirs", "mine", "is_wider", "is_same"),
    [
        (({}, of("image.canEdit", False)), ({"image": "x"}, {}), True, False),
        (({"image": "x"}, of("image.canEdit", False)), ({"image": "y"}, {}), True, True),
        (({"image": "x"}, of("image.canEdit", False)), ({"image": "x"}, {}), False, False),
        (({}, of("labels.instances.canAdd", False)), (of("labels.instances", [{"name": "a"}]), {}), True, False),
        (({"replicas": 1}, {}), ({"replicas": 2}, {}), False, True),
        (({"replicas": 3}, {}), ({}, of("replicas.max", 2)), False, True),
        (
            (of("labels.instances", [{"name": "a"}]), {}),
            (of("labels.instances", [{"name": "a", "value": "x"}]), {}),
            False,
            True,
        ),
        (
            ({}, of("compute.cpuCoreLimit", DEFAULT_FROM)),
            ({}, of("compute.cpuCoreLimit.defaultFrom", {"field": "compute.cpuCoreRequest", "factor": 2})),
            False,
            True,
        ),
        (({}, of("replicas.max", 5)), ({}, of("replicas.max", 2)), False, False),
        (
            (of("tolerations.instances", [{"name": "a"}]), of("tolerations.instances.locked", ["a"])),
            (of("tolerations.attributes.effect", "NoSchedule"), {}),
            True,
            False,
        ),
        (
            (
                of("tolerations.instances", [{"name": "a", "effect": "NoSchedule"}, {"name": "b"}]),
                of("tolerations.instances.locked", ["a"]),
            ),
            (of("tolerations.attributes.effect", "NoExecute"), {}),
            False,
            False,
        ),
    ],
)
def test_what_contradicts_depends_on_the_scopes(
    theirs: tuple[dict[str, Any], dict[str, Any]],
    mine: tuple[dict[str, Any], dict[str, Any]],
    is_wider: bool,
    is_same: bool,
) -> None:
    for scope, is_rejected in ((Scope.CLUSTER, is_wider), (Scope.PROJECT, is_same)):
        compiled = compile_policies([made("b", Scope.PROJECT, *mine), made("a", scope, *theirs)])
        assert bool(compiled.rejected) == is_rejected, scope


def test_a_policy_that_is_invalid_by_itself_is_left_out() -> None:
    invalid = made("a", Scope.CLUSTER, {}, of("replicas", {"min": 3, "max": 2}))
    compiled = compile_policies([invalid])

    assert [(found.policy, found.other) for found in compiled.rejected] == [(invalid, None)]
    assert compiled.policies == ()


def test_many_options_are_not_all_named() -> None:
    options = [{"value": f"a:{number}"} for number in range(7)]
    (found,) = findings({"image": "b"}, {"image": {"options": options}})
    assert "must be a:0 or a:1 or a:2 or a:3 or a:4 or one of 2 more, by its own rule" in found[1]


@pytest.mark.parametrize(
    "wide", [{"canEdit": False}, {"canEdit": False, "defaultFrom": {"field": "compute.cpuCoreRequest"}}]
)
def test_a_closed_field_is_derived_by_nobody_else(wide: dict[str, Any]) -> None:
    path = "compute.cpuCoreLimit"
    narrow = {"defaultFrom": {"field": "compute.cpuCoreRequest", "factor": 10}}
    policies = [
        Policy("wide", Scope.CLUSTER, rules={"compute": {"cpuCoreLimit": wide}}),
        Policy("mine", Scope.PROJECT, rules={"compute": {"cpuCoreLimit": narrow}}, namespace="ns"),
    ]
    (rejected,) = compile_policies(policies).rejected
    assert (rejected.policy.name, rejected.finding.path) == ("mine", f"spec.rules.{path}.defaultFrom")
    same = [policies[0], Policy("mine", Scope.PROJECT, rules={"compute": {"cpuCoreLimit": wide}}, namespace="ns")]
    assert compile_policies(same).rejected == ()
