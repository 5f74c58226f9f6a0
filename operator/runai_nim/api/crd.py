"""CustomResourceDefinitions, generated from the API types: structural schemas and CEL rules.

Fields, bounds, descriptions and CEL rules come from the types. `kinds` adds names, columns and subresources.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from runai_nim.api.kinds import ApiKind
from runai_nim.api.well_known import GROUP, VERSION

JsonSchema = dict[str, Any]

# Keywords of pydantic's schema that the API server accepts as they are.
_STRUCTURAL_KEYS = (
    "type",
    "format",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "maxItems",
    "required",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
)
_CONVERTED_KEYS = ("description", "items", "properties", "$ref", "anyOf", "$defs")
# The API server rejects or misreads these. Defaults are applied in translation.
_DROPPED_KEYS = ("title", "default")


def make_crd(kind: ApiKind) -> dict[str, Any]:
    """Return the CRD of a kind (apiextensions.k8s.io/v1) as a plain dict."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.crd_name},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "shortNames": [kind.short_name],
                **({"categories": list(kind.categories)} if kind.categories else {}),
            },
            "scope": "Namespaced" if kind.is_namespaced else "Cluster",
            "versions": [_version(kind)],
        },
    }


def _version(kind: ApiKind) -> dict[str, Any]:
    """The entry of v1alpha1: schema, subresources and the columns of `kubectl get`."""
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [column.as_json() for column in kind.columns],
        "subresources": {"status": {}, **kind.subresources},
        "schema": {"openAPIV3Schema": make_schema(kind)},
    }


def make_schema(kind: ApiKind) -> JsonSchema:
    """Return the structural schema of the whole object."""
    pydantic_schema = kind.model.model_json_schema(by_alias=True)
    # The API server validates these itself: apiVersion and kind as plain strings, metadata as its own type. CEL rules
    # may refer to metadata.name because it is declared here, and its maximum length bounds their cost estimate.
    properties = pydantic_schema["properties"]
    for name in ("apiVersion", "kind"):
        del properties[name]["const"]
    properties["metadata"] = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 253}}}
    schema = structural_schema(pydantic_schema, pydantic_schema["$defs"])
    # Before the first status, tools that compare generations must not take generation 1 for observed.
    schema["properties"]["status"]["default"] = {"observedGeneration": -1}
    schema["required"] = ["spec"]
    return schema


def structural_schema(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> JsonSchema:
    """Turn pydantic's JSON schema into a structural one, without `$ref`, null and `anyOf`.

    Raises ValueError for a choice between several types, which a structural schema can't express, and for a keyword
    that this function doesn't know: the CRD would lack it.
    """
    merged = _resolve_reference(schema, definitions)
    if unknown := _unknown_keywords(merged):
        raise ValueError(f"unknown schema keyword {unknown[0]} in {merged.get('title', 'a type')}: convert or drop it")
    result = {key: merged[key] for key in _STRUCTURAL_KEYS if key in merged}
    if "description" in merged:
        result = {"description": " ".join(merged["description"].split()), **result}
    if "items" in merged:
        result["items"] = structural_schema(merged["items"], definitions)
    if isinstance(merged.get("additionalProperties"), Mapping):
        result["additionalProperties"] = structural_schema(merged["additionalProperties"], definitions)
    if "properties" in merged:
        result["properties"] = {
            name: structural_schema(merged["properties"][name], definitions) for name in merged["properties"]
        }
    return result


def _unknown_keywords(schema: Mapping[str, Any]) -> list[str]:
    known = {*_STRUCTURAL_KEYS, *_CONVERTED_KEYS, *_DROPPED_KEYS}
    # With properties it is rejected by the API server, which prunes unknown fields anyway. A schema is that of a map.
    allowed = schema.get("additionalProperties")
    if (allowed is False and "properties" in schema) or (isinstance(allowed, Mapping) and "properties" not in schema):
        known.add("additionalProperties")
    return sorted(schema.keys() - known)


def _resolve_reference(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a `$ref`, or the one alternative that isn't null; keywords next to it (the description) take
    precedence."""
    if "$ref" in schema:
        return {**_resolve_reference(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions), **schema}
    if "anyOf" in schema:
        return {**_resolve_reference(_single_alternative(schema["anyOf"]), definitions), **schema}
    return schema


def _single_alternative(alternatives: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    alternatives_left = [alternative for alternative in alternatives if alternative.get("type") != "null"]
    if len(alternatives_left) != 1:
        raise ValueError(f"a structural schema needs one type, not {alternatives_left}")
    return alternatives_left[0]
