"""Golden cases of policies, by the type of a field's value: what each rule does to a spec. They are written by hand.

An entry of `tests/golden/policies/<type>.yaml`:

    name        <type>-<rule>-kept, -broken, or what the case is about
    policies    specs of policies, with `name` (team) and `scope` (project)
    spec        the resource's own fields
    becomes     its effective spec, where defaults change it (optional)
    broken      the findings, each with rule and message (optional)
"""

import re
from pathlib import Path
from typing import Any, Final

import pytest

from runai_nim.api.v1alpha1.field_kinds import FIELD_KINDS, FieldKind
from runai_nim.api.v1alpha1.policy_rules import PolicyRules
from runai_nim.domain.admission.policy_schema import read_policy
from runai_nim.domain.policy import Policy, compile_policies, effective_spec
from tests.contract.test_policy import leaves
from tests.support.golden import read

FOLDER = Path(__file__).parent / "policies"
Entry = dict[str, Any]
ENTRIES: Final[dict[str, list[Entry]]] = {path.stem: read(path) for path in sorted(FOLDER.glob("*.yaml"))}
CASES: Final = [entry for entries in ENTRIES.values() for entry in entries]
TYPES: Final = {
    FieldKind.STRING: "string",
    FieldKind.ENUMERATION: "enumeration",
    FieldKind.INTEGER: "integer",
    FieldKind.NUMBER: "number",
    FieldKind.BYTES: "quantity",
    FieldKind.QUANTITY: "quantity",
    FieldKind.SIZE: "size",
    FieldKind.BOOLEAN: "boolean",
    FieldKind.ARRAY: "array",
    FieldKind.ITEMS: "items",
}
"""The beginning of a case's name by the type of value."""
SIZE_AS_TEXT: Final = {("size", "required"), ("size", "canEdit")}
"""As those of texts, whose cases have them."""


def manifest(given: Entry) -> Entry:
    """The policy as it is applied to a cluster."""
    spec = {key: value for key, value in given.items() if key not in ("name", "scope")}
    scope = given.get("scope", "project")
    metadata = {"name": given.get("name", "team")}
    if scope == "project":
        kind, metadata["namespace"] = "RunaiNimPolicy", "team-a"
    else:
        kind, spec["scope"] = "ClusterRunaiNimPolicy", scope
    if scope == "department":
        spec["namespaceSelector"] = {"matchLabels": {"department": "ml"}}
    return {"apiVersion": "runai-nim.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def policy(given: Entry) -> Policy:
    found, findings = read_policy(manifest(given))
    assert findings == ()
    assert found is not None
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_policy_does_what_is_expected(case: Entry) -> None:
    assert case.keys() <= {"name", "policies", "spec", "becomes", "broken"}
    compiled = compile_policies(map(policy, case["policies"]))
    assert compiled.rejected == ()

    found = effective_spec({"spec": case["spec"]}, compiled)

    assert found.spec == case.get("becomes", case["spec"])
    broken = [{"rule": str(finding.rule), "message": finding.message} for finding in found.findings]
    assert broken == case.get("broken", [])


def test_names_are_unique_and_say_what_happens() -> None:
    names = [case["name"] for case in CASES]

    assert len(set(names)) == len(names)
    assert set(ENTRIES) | {"size"} == set(TYPES.values())
    for case in CASES:
        assert ("-broken" in case["name"]) == bool(case.get("broken")), case["name"]
    assert {name.partition("-")[0] for name in names} == set(TYPES.values())


def test_every_rule_of_every_type_of_value_has_a_case_that_keeps_and_one_that_breaks_it() -> None:
    kinds = {
        path: FieldKind.ITEMS if path.endswith(".instances") else FIELD_KINDS[path] for path, _ in leaves(PolicyRules)
    }
    wanted = {
        (TYPES[kinds[path]], rule) for path, rules in leaves(PolicyRules) for rule in rules.split()
    } - SIZE_AS_TEXT

    def found(type_: str, rule: str, *, broken: bool) -> bool:
        words = re.sub("([A-Z])", r"-\1", rule).lower()
        return any(case["name"].startswith(f"{type_}-{words}") and bool(case.get("broken")) == broken for case in CASES)

    assert [pair for pair in sorted(wanted) if not found(*pair, broken=False)] == []
    assert [pair for pair in sorted(wanted) if pair[1] != "defaultFrom" and not found(*pair, broken=True)] == []
