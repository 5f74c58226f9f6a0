"""The project's cut-down CRDs of others' kinds say of each field what the real CRDs say.

The real ones are of NIM Operator 3.1.2, Gateway API 1.6 and LeaderWorkerSet 0.9.
"""

import copy
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
OURS = CHECKOUT / "local" / "crds"
REAL = {  # by the variable that can name the folder
    variable: Path(os.environ.get(variable, CHECKOUT.parent / "shared" / folder))
    for variable, folder in (("NIM_OPERATOR_CRDS", "nim-operator-crds"), ("OTHER_CRDS", "other-crds"))
}
PLURALS = {
    "nimcaches": "NIM_OPERATOR_CRDS",
    "nimservices": "NIM_OPERATOR_CRDS",
    "grpcroutes": "OTHER_CRDS",
    "httproutes": "OTHER_CRDS",
    "leaderworkersets": "OTHER_CRDS",
}
# Keywords whose value must be the real one wherever the field is ours. `description` is ours alone.
FACETS = (
    "type",
    "format",
    "default",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "anyOf",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
)
KNOWN = {*FACETS, "description", "properties", "items", "additionalProperties", "required", "x-kubernetes-validations"}


@cache
def crd(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def ours(plural: str) -> dict[str, Any]:
    return crd(OURS / f"{plural}.yaml")


def real(plural: str) -> dict[str, Any]:
    """The real CRD; skips the test where it isn't at hand."""
    variable = PLURALS[plural]
    if not REAL[variable].is_dir():
        pytest.skip(f"the real CRDs are not at {REAL[variable]}; {variable} can name their folder")
    return crd(REAL[variable] / f"{ours(plural)['spec']['group']}_{plural}.yaml")


def stored_version(definition: dict[str, Any]) -> dict[str, Any]:
    (stored,) = (version for version in definition["spec"]["versions"] if version["storage"])
    found: dict[str, Any] = stored
    return found


def schema(definition: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = stored_version(definition)["schema"]["openAPIV3Schema"]
    return found


def fields_named_by(rule: str) -> set[str]:
    """Return the fields that a CEL rule names, at any depth: what follows a dot and isn't called."""
    return {name.removeprefix("__").removesuffix("__") for name in re.findall(r"(?<=[\w\])])\.(\w+)\b(?!\()", rule)}


def fields_below(node: dict[str, Any]) -> set[str]:
    properties: dict[str, Any] = node.get("properties", {})
    below = [*properties.values(), *([node["items"]] if "items" in node else [])]
    return {*properties, *(name for child in below for name in fields_below(child))}


def differences(mine: dict[str, Any], theirs: dict[str, Any], path: str) -> Iterator[str]:
    """Yield what `mine` says otherwise than `theirs`, below and at `path`."""
    yield from (f"{path}: unknown keyword {key}" for key in mine.keys() - KNOWN)
    yield from (
        f"{path}: {key} is {mine.get(key)!r}, really {theirs.get(key)!r}"
        for key in FACETS
        if mine.get(key) != theirs.get(key)
    )
    properties = mine.get("properties", {})
    required = [name for name in theirs.get("required", []) if name in properties]
    if sorted(mine.get("required", [])) != sorted(required):
        yield f"{path}: required is {mine.get('required')}, really {required} of our fields"
    yield from rule_differences(mine, theirs, path)
    for name, child in properties.items():
        if name in theirs.get("properties", {}):
            yield from differences(child, theirs["properties"][name], f"{path}.{name}")
        else:
            yield f"{path}.{name}: does not exist"
    for key in ("items", "additionalProperties"):
        if key in mine:
            yield from differences(mine[key], theirs.get(key, {}), f"{path}[{key}]")


def rule_differences(mine: dict[str, Any], theirs: dict[str, Any], path: str) -> Iterator[str]:
    """A rule about a field that we left out would not compile; each other one must be there, in its words."""
    known = fields_below(mine)
    expected = [rule for rule in theirs.get("x-kubernetes-validations", []) if fields_named_by(rule["rule"]) <= known]
    if mine.get("x-kubernetes-validations", []) != expected:
        yield f"{path}: rules are {mine.get('x-kubernetes-validations')}, really {expected}"


def test_all_are_compared() -> None:
    assert sorted(path.stem for path in OURS.iterdir()) == sorted(PLURALS)


@pytest.mark.parametrize("plural", PLURALS)
def test_each_field_is_as_in_the_real_crd(plural: str) -> None:
    assert list(differences(schema(ours(plural)), schema(real(plural)), plural)) == []


@pytest.mark.parametrize("plural", PLURALS)
def test_names_scope_and_subresources_are_the_real_ones(plural: str) -> None:
    mine, theirs = ours(plural), real(plural)
    assert mine["metadata"]["name"] == theirs["metadata"]["name"]
    for key in ("group", "names", "scope"):
        assert mine["spec"][key] == theirs["spec"][key]
    for key in ("name", "served", "storage", "subresources", "additionalPrinterColumns"):
        assert stored_version(mine)[key] == stored_version(theirs)[key]


@pytest.mark.parametrize(
    ("plural", "path", "change"),
    [
        ("nimservices", "authSecret", {"type": "integer"}),
        ("nimservices", "expose.service.port", {"default": 80}),
        ("nimservices", "expose.router", {"x-kubernetes-validations": []}),
        ("nimservices", "image", {"required": ["tag"]}),
        ("nimservices", "storage.claim", {"type": "string"}),
        ("nimservices", "resources.limits", {"additionalProperties": {"type": "string"}}),
        ("httproutes", "hostnames", {"maxItems": 17}),
        ("grpcroutes", "rules", {"x-kubernetes-validations": []}),
        ("leaderworkersets", "leaderWorkerTemplate", {"required": []}),
        ("leaderworkersets", "leaderWorkerTemplate.size", {"default": 2}),
    ],
)
def test_a_difference_is_found(plural: str, path: str, change: dict[str, Any]) -> None:
    doctored = copy.deepcopy(schema(ours(plural)))
    node = doctored["properties"]["spec"]
    for step in path.split("."):
        node = node["properties"].setdefault(step, {})
    node.update(change)
    assert list(differences(doctored, schema(real(plural)), plural)) != []


def test_fields_of_a_rule_are_found() -> None:
    assert fields_named_by("!(has(self.a) && oldSelf.b.c == self[0].d)") == {"a", "b", "c", "d"}
    assert fields_named_by("self.all(p, p.__namespace__ != '/./' && self.a.size() > 0)") == {"namespace", "a"}
