"""Each rule of each leaf of Run:ai's `NimServiceRules`: a policy of the client's own form holds what it says.

The id of a test is field and rule, `compute.gpuPortionRequest-max`.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml
from runai.models.nim_service_policy_defaults_and_rules import NimServicePolicyDefaultsAndRules
from runai.models.nim_service_rules import NimServiceRules

from runai_nim.api.v1alpha1.field_kinds import ATTRIBUTES, FIELD_KINDS, FieldKind
from runai_nim.domain.admission.policy_schema import read_policy
from runai_nim.domain.finding import Finding, Rule
from runai_nim.domain.policy import EffectiveSpec, compile_policies, effective_spec
from runai_nim.domain.policy.values import get
from tests.contract.test_policy import leaves, listed

Tree = dict[str, Any]
VALUES: dict[str, list[Any]] = yaml.safe_load(
    (Path(__file__).parent / "policy_leaves.yaml").read_text(encoding="utf-8")
)
OURS_LACK = {path for path, change in listed("rules").items() if change.endswith("→ none")}
LEAVES = {path: kinds.split() for path, kinds in leaves(NimServiceRules) if path not in OURS_LACK}
OF_ITEMS = {path: kinds for path, kinds in LEAVES.items() if path.endswith(".instances")}
OF_FIELDS = {path: kinds for path, kinds in LEAVES.items() if path not in OF_ITEMS}
SOURCES = {
    FieldKind.INTEGER: ("servingPort.port", "servingPort.grpcPort"),
    FieldKind.NUMBER: ("compute.cpuCoreRequest", "compute.cpuCoreLimit"),
    FieldKind.BYTES: ("compute.cpuMemoryRequest", "compute.cpuMemoryLimit"),
}
"""Fields of a kind that a default can derive from."""
WITHOUT_ATTRIBUTE = ("imagePullSecrets.attributes.", "tolerations.attributes.exclude")
"""Fields of items for which defaults have no value."""


def tree(path: str, value: Any) -> Tree:
    """`{"compute": {"cpuCoreLimit": 1}}`."""
    first, _, rest = path.partition(".")
    return {first: tree(rest, value) if rest else value}


def merged(*trees: Tree) -> Tree:
    found: Tree = {}
    for one in trees:
        for name, value in one.items():
            found[name] = merged(found.get(name, {}), value) if isinstance(value, dict) else value
    return found


def spec_with(path: str, value: Any) -> Tree:
    """A spec in which the field has this value, and for None none; of an item's field, the only item's."""
    if ".attributes." in path:
        name, rule = path.split(".attributes.")
        item = {"name": "item"} | {ATTRIBUTES[name][rule]: value}
        return {name: [{key: given for key, given in item.items() if given is not None}]}
    return {} if value is None else tree(path, value)


def place_of(path: str, value: Any) -> str:
    """Where a finding about the field is."""
    if ".attributes." in path:
        name, rule = path.split(".attributes.")
        return f"spec.{name}[0].{ATTRIBUTES[name][rule]}"
    return f"spec.{path}[0]" if isinstance(value, list) else f"spec.{path}"


def applied(policy: Tree, spec: Tree) -> EffectiveSpec:
    """The spec under a project's policy in Run:ai's form, which both the client and the operator take."""
    client = NimServicePolicyDefaultsAndRules.model_validate(policy)
    assert client.model_dump(mode="json", by_alias=True, exclude_unset=True) == policy
    metadata = {"name": "team", "namespace": "ns"}
    manifest = {"apiVersion": "runai-nim.io/v1alpha1", "kind": "RunaiNimPolicy", "metadata": metadata, "spec": policy}
    read, findings = read_policy(manifest)
    assert findings == ()
    assert read is not None
    compiled = compile_policies((read,))
    assert compiled.rejected == ()
    return effective_spec({"spec": spec}, compiled)


def findings_of(policy: Tree, spec: Tree) -> tuple[Finding, ...]:
    return applied(policy, spec).findings


def bound(rule: str, low: Any, high: Any) -> Tree:
    """A rule of this kind that one of the two values breaks."""
    if rule == "options":
        return {"options": [{"value": low[0] if isinstance(low, list) else low}]}
    if rule == "step":
        return {"min": low, "step": 2 * (high - low)}
    return {rule: high if rule == "min" else low}


def test_every_leaf_has_values() -> None:
    """A field that the client gets has to be added to the table."""
    assert VALUES.keys() == OF_FIELDS.keys()
    assert all(len(values) == 2 for values in VALUES.values())


CASES = [(path, rule) for path, kinds in OF_FIELDS.items() for rule in kinds]


@pytest.mark.parametrize(("path", "rule"), [case for case in CASES if case[1] in ("min", "max", "step", "options")])
def test_a_bound_holds(path: str, rule: str) -> None:
    low, high = VALUES[path]
    policy = {"rules": tree(path, bound(rule, low, high))}
    kept, broken = (high, low) if rule == "min" else (low, high)

    (finding,) = findings_of(policy, spec_with(path, broken))

    assert (finding.path, finding.rule) == (place_of(path, broken), Rule(rule))
    assert finding.policy == ("ns", "team")
    assert findings_of(policy, spec_with(path, kept)) == ()
    assert findings_of(policy, {}) == ()


@pytest.mark.parametrize("path", [path for path, rule in CASES if rule == "required"])
def test_a_required_field_has_a_value(path: str) -> None:
    low, _ = VALUES[path]
    policy = {"rules": tree(path, {"required": True})}

    (finding,) = findings_of(policy, spec_with(path, None))

    assert (finding.path, finding.rule) == (place_of(path, None), Rule.REQUIRED)
    assert findings_of(policy, spec_with(path, low)) == ()


@pytest.mark.parametrize("path", [path for path, rule in CASES if rule == "canEdit"])
def test_a_field_that_nobody_may_edit_has_its_default_or_none(path: str) -> None:
    low, high = VALUES[path]
    rules = {"rules": tree(path, {"canEdit": False})}

    (finding,) = findings_of(rules, spec_with(path, high))

    assert (finding.path.removesuffix("[0]"), finding.rule) == (place_of(path, None), Rule.CAN_EDIT)
    assert findings_of(rules, spec_with(path, None)) == ()
    if not path.startswith(WITHOUT_ATTRIBUTE):
        policy = {"defaults": tree(path, low), **rules}
        assert [found.rule for found in findings_of(policy, spec_with(path, high))] == [Rule.CAN_EDIT]
        assert findings_of(policy, spec_with(path, low)) == ()


DERIVED = [path for path, rule in CASES if rule == "defaultFrom" and ".attributes." not in path]


@pytest.mark.parametrize("path", DERIVED)
def test_a_default_derives_from_another_field(path: str) -> None:
    source = next(source for source in SOURCES[FIELD_KINDS[path]] if source != path)
    _, high = VALUES[path]
    policy = {"rules": tree(path, {"defaultFrom": {"field": source, "factor": 1}})}
    around = tree(path.rpartition(".")[0], {}) if "." in path else {}

    found = applied(policy, merged(around, tree(source, high)))

    assert get(found.spec, tuple(path.split("."))) == high
    assert str(found.provenance[f"spec.{path}"]) == "policy team, project"
    assert get(applied(policy, around).spec, tuple(path.split("."))) is None


def test_a_default_of_an_item_s_field_does_not_derive() -> None:
    """Nothing says of which other field, where a resource has many items."""
    rule = {"defaultFrom": {"field": "replicas"}}
    spec = {"rules": tree("tolerations.attributes.seconds", rule)}
    metadata = {"name": "team", "namespace": "ns"}
    manifest = {"apiVersion": "runai-nim.io/v1alpha1", "kind": "RunaiNimPolicy", "metadata": metadata, "spec": spec}

    (finding,) = read_policy(manifest)[1]

    assert "defaultFrom must not be set for an item's field" in finding.message


ITEMS: dict[str, Tree] = {
    "annotations": {"value": "a"},
    "environmentVariables": {"value": "a"},
    "imagePullSecrets": {"userCredential": False},
    "labels": {"value": "a"},
    "tolerations": {"key": "a", "operator": "Exists", "effect": "NoSchedule"},
}
"""What else an item of each list has, beside its name."""


@pytest.mark.parametrize("path", OF_ITEMS)
def test_items_may_not_be_added(path: str) -> None:
    name = path.removesuffix(".instances")
    known, other = ({"name": item, **ITEMS[name]} for item in ("known", "other"))
    policy = {"defaults": tree(path, [known]), "rules": tree(path, {"canAdd": False})}

    (finding,) = findings_of(policy, {name: [other]})

    assert (finding.path, finding.rule) == (f"spec.{name}[0]", Rule.CAN_ADD)
    assert findings_of(policy, {name: [known]}) == ()
    assert applied(policy, {}).spec == {name: [known]}


@pytest.mark.parametrize("path", OF_ITEMS)
def test_locked_items_are_neither_changed_nor_excluded(path: str) -> None:
    name = path.removesuffix(".instances")
    known, other = ({"name": item, **ITEMS[name]} for item in ("known", "other"))
    changed = known | {key: not value if value is False else f"{value}x" for key, value in ITEMS[name].items()}
    policy = {"defaults": tree(path, [known]), "rules": tree(path, {"locked": ["known"]})}

    for broken in (changed, {"name": "known", "exclude": True}):
        (finding,) = findings_of(policy, {name: [other, broken]})
        assert (finding.path, finding.rule) == (f"spec.{name}[1]", Rule.LOCKED)
    assert applied(policy, {name: [other]}).spec == {name: [other, known]}
    assert findings_of(policy, {name: [other]}) == ()
    assert findings_of(policy, {name: [known]}) == ()


def test_every_rule_of_every_leaf_has_its_test() -> None:
    tested = {"min", "max", "step", "options", "required", "canEdit", "defaultFrom"}

    assert {rule for kinds in OF_FIELDS.values() for rule in kinds} == tested
    assert {rule for kinds in OF_ITEMS.values() for rule in kinds} == {"canAdd", "locked"}
    assert OF_ITEMS.keys() == {f"{name}.instances" for name in ITEMS}
