"""The reference of the policy kinds: their fields, and the rules that each field of a RunaiNimService can have."""

from collections.abc import Iterator
from typing import Any

from runai_nim.api.crd import JsonSchema, make_schema
from runai_nim.api.kinds import CLUSTER_RUNAI_NIM_POLICY, RUNAI_NIM_POLICY
from runai_nim.api.ours import is_ours
from runai_nim.api.v1alpha1.field_kinds import FIELD_KINDS, ITEM_LISTS

NOTICE = "<!-- Generated from operator/runai_nim/api by scripts/generate.py. Do not edit. -->\n\n"
_RULES = ("required", "canEdit", "min", "max", "step", "options", "defaultFrom", "canAdd", "locked")
_CLUSTER_ALONE = ("spec.scope", "spec.namespaceSelector")
_HAVE_TABLES = ("spec.defaults", "spec.rules")


def policy_fields_text() -> str:
    """Return the fields of both kinds, the rules of each field and what each rule means, as a page."""
    schema = make_schema(CLUSTER_RUNAI_NIM_POLICY)["properties"]
    rules = schema["spec"]["properties"]["rules"]
    project, cluster = RUNAI_NIM_POLICY, CLUSTER_RUNAI_NIM_POLICY
    return f"""{NOTICE}# Fields of policies

`runai-nim.io/v1alpha1`, kinds `{project.name}` (namespaced, short name `{project.short_name}`) and `{cluster.name}`
(cluster-scoped, short name `{cluster.short_name}`). `kubectl explain {project.short_name}.spec.rules.replicas`
describes a field in a cluster. [Policies](../guide/policies.md) has examples.

## spec and status

{_table(("field", "type", "meaning"), _kind_rows(schema))}
## spec.defaults

Each [field of a RunaiNimService's spec](fields.md) with the same name and type, none required, but for lists whose
items have names:

{_table(("list", "instances", "attributes"), _item_rows(schema["spec"]["properties"]["defaults"]))}
## spec.rules

A rule stands in the place of a value: `rules.replicas.max`, `rules.compute.gpuPortionRequest.max`. **Ours** marks
fields that Run:ai's API lacks.

{_table(("field", "value", "rules"), _rule_rows(rules))}
`tests/contract/test_policy_leaves.py` tries each rule of each field that Run:ai's client has, in tests named
after the field; `tests/golden/policies` has cases of each rule for each type of value.

## Rules

{_table(("rule", "type", "meaning"), _meaning_rows(rules))}"""


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = (head, tuple("---" for _ in head), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _kind_rows(schema: JsonSchema) -> Iterator[tuple[str, ...]]:
    for part in ("spec", "status"):
        for path, field in _fields(schema[part], part):
            only = f" {CLUSTER_RUNAI_NIM_POLICY.name} alone." if path.startswith(_CLUSTER_ALONE) else ""
            yield f"`{path}`", _type(field), field["description"] + only


def _fields(schema: JsonSchema, path: str) -> Iterator[tuple[str, JsonSchema]]:
    for name, field in schema.get("properties", {}).items():
        below = f"{path}.{name}"
        yield below, field
        if below not in _HAVE_TABLES:
            yield from _fields(field.get("items", field), below + "[]" * ("items" in field))


def _type(schema: JsonSchema) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "items" in schema:
        return f"list of {schema['items']['type']}"
    if "additionalProperties" in schema:
        return f"map of {schema['additionalProperties']['type']}"
    return str(schema["type"])


def _item_rows(defaults: JsonSchema) -> Iterator[tuple[str, ...]]:
    for path in ITEM_LISTS:
        fields = _below(defaults, path)["properties"]
        instances = fields["instances"]["items"]["properties"]
        yield f"`{path}`", _names(instances), _names(fields.get("attributes", {}).get("properties", {}))


def _below(schema: JsonSchema, path: str) -> JsonSchema:
    found: Any = schema
    for name in path.split("."):
        found = found["properties"][name]
    return dict(found)


def _names(fields: JsonSchema) -> str:
    return ", ".join(f"`{name}`" for name in fields)


def _rules_of(schema: JsonSchema, path: str = "") -> Iterator[tuple[str, JsonSchema]]:
    """The path of each field with a rule, and its rules by name."""
    fields = schema["properties"]
    if fields.keys() <= set(_RULES):
        yield path, fields
        return
    for name, field in fields.items():
        yield from _rules_of(field, f"{path}.{name}" if path else name)


def _rule_rows(rules: JsonSchema) -> Iterator[tuple[str, ...]]:
    for path, found in _rules_of(rules):
        value = "items" if path.endswith(".instances") else str(FIELD_KINDS[path])
        ours = " **Ours.**" if is_ours(f"spec.{path}") else ""
        yield f"`{path}`{ours}", value, _names({name: found[name] for name in _RULES if name in found})


def _meaning_rows(rules: JsonSchema) -> Iterator[tuple[str, ...]]:
    found = [fields for _, fields in _rules_of(rules)]
    for name in _RULES:
        types = {_type(fields[name]): fields[name]["description"] for fields in found if name in fields}
        yield f"`{name}`", " or ".join(types), " ".join(dict.fromkeys(types.values()))
        fields = next(fields[name] for fields in found if name in fields)
        for below, field in _fields(fields.get("items", fields), name + "[]" * ("items" in fields)):
            yield f"`{below}`", _type(field), field["description"]
