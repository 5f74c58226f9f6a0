"""The project's NIMService and NIMCache CRDs say of each field what the real CRDs of NIM Operator 3.1.2 say."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("NIM_OPERATOR_CRDS", CHECKOUT.parent / "shared" / "nim-operator-crds"))
PLURALS = ("nimcaches", "nimservices")
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
    "anyOf",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
)
KNOWN = {*FACETS, "description", "properties", "items", "additionalProperties", "required", "x-kubernetes-validations"}

pytestmark = pytest.mark.skipif(
    not REAL.is_dir(), reason=f"the real CRDs are not at {REAL}; NIM_OPERATOR_CRDS can name their folder"
)


def crd(plural: str, folder: Path, prefix: str = "") -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((folder / f"{prefix}{plural}.yaml").read_text())
    return loaded


def ours(plural: str) -> dict[str, Any]:
    return crd(plural, CHECKOUT / "local" / "crds")


def real(plural: str) -> dict[str, Any]:
    return crd(plural, REAL, "apps.nvidia.com_")


def schema(definition: dict[str, Any]) -> dict[str, Any]:
    (version,) = definition["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return found


def fields_named_by(rule: str) -> set[str]:
    return set(re.findall(r"(?:self|oldSelf)\.(\w+)", rule))


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
    properties = mine.get("properties")
    expected = [
        rule
        for rule in theirs.get("x-kubernetes-validations", [])
        if properties is None or fields_named_by(rule["rule"]) <= properties.keys()
    ]
    if mine.get("x-kubernetes-validations", []) != expected:
        yield f"{path}: rules are {mine.get('x-kubernetes-validations')}, really {expected}"


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
        assert mine["spec"]["versions"][0][key] == theirs["spec"]["versions"][0][key]


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (("authSecret",), {"type": "integer"}),
        (("expose", "properties", "service", "properties", "port"), {"default": 80}),
        (("expose", "properties", "router"), {"x-kubernetes-validations": []}),
        (("image",), {"required": ["tag"]}),
        (("storage", "properties", "claim"), {"type": "string"}),
        (("resources", "properties", "limits", "additionalProperties"), {"pattern": ".*"}),
    ],
)
def test_a_difference_is_found(path: tuple[str, ...], change: dict[str, Any]) -> None:
    doctored = schema(ours("nimservices"))
    node = doctored["properties"]["spec"]["properties"]
    for step in path:
        node = node.setdefault(step, {})
    node.update(change)
    assert list(differences(doctored, schema(real("nimservices")), "nimservices")) != []


def test_fields_of_a_rule_are_found() -> None:
    assert fields_named_by("!(has(self.a) && oldSelf.b.c == self.a.d)") == {"a", "b"}
