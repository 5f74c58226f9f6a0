"""Applies a PATCH to a stored spec, section by section, and builds the JSON Patch that writes it.

A section is a top-level field of spec. A PATCH replaces it as a whole and keeps the sections that it doesn't contain.
null means "not given", as Run:ai's client sends it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from runai_nim.domain.admission.rest_body import without_nulls

Spec = Mapping[str, Any]


def changed_sections(patch: Spec, stored: Spec, effective: Spec) -> Spec:
    """The PATCH without the sections that only repeat what policies make of the stored ones.

    Answers show the effective spec, so a client that sends it back changes nothing: defaults of policies don't become
    the resource's own values. A section that repeats the stored one stays, as it may displace another.
    """
    given: dict[str, Any] = without_nulls(patch)
    return {
        name: value
        for name, value in given.items()
        if is_same(value, stored.get(name)) or not is_same(value, effective.get(name))
    }


def merge_sections(stored: Spec, patch: Spec) -> dict[str, Any]:
    """The spec after the PATCH. replicas and autoscaling replace each other.

    Run:ai's client always sends `replicas: 1`, so that is ignored if autoscaling is in the PATCH or stored.
    """
    sections: dict[str, Any] = without_nulls(patch)
    if is_same(sections.get("replicas"), 1) and (
        "autoscaling" in sections or "autoscaling" in stored or "replicas" not in stored
    ):
        del sections["replicas"]
    spec = {**stored, **sections}
    if "autoscaling" in sections and "replicas" not in sections and spec.get("replicas", 1) != 1:
        del spec["replicas"]
    if "replicas" in sections and "autoscaling" not in sections:
        spec.pop("autoscaling", None)
    return spec


def json_patch(cr: Mapping[str, Any], spec: Spec, annotations: Mapping[str, str]) -> list[dict[str, Any]]:
    """RFC 6902 patch that sets the spec and these annotations of `cr` if its version is unchanged (else 409)."""
    metadata = cr["metadata"]
    version = {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}
    annotations_of = {**(metadata.get("annotations") or {}), **annotations}
    return [
        version,
        {"op": "add", "path": "/metadata/annotations", "value": annotations_of},
        *_changes(cr.get("spec") or {}, spec),
    ]


def _changes(stored: Spec, spec: Spec) -> Iterator[dict[str, Any]]:
    for name, value in spec.items():
        if name not in stored or not is_same(stored[name], value):
            yield {"op": "add", "path": f"/spec/{name}", "value": value}
    for name in stored.keys() - spec.keys():
        yield {"op": "remove", "path": f"/spec/{name}"}


def is_same(one: Any, other: Any) -> bool:
    """Whether JSON values are equal: 1.0 equals 1, as the API server stores it, but true doesn't."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other and isinstance(one, bool) == isinstance(other, bool))
