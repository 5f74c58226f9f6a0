"""A body of Run:ai's "NVIDIA NIM" REST API → a manifest of our kind, and what in the body is not of that API.

Pure. The spec is taken over as it is: what is wrong with it is said of the manifest, by `evaluate`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from runai_nim.api import syntax, well_known
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding, truncate, unknown_field

BODY_FIELDS: Final = ("metadata", "spec", "desiredPhase")
"""Fields of a body. desiredPhase is in answers of the API, which are taken too."""
REQUESTED_METADATA: Final = ("name", "useGivenNameAsPrefix", "projectId", "clusterId")
"""Metadata that a request has."""
RUNAI_METADATA: Final = (
    *("id", "gvk", "priority", "category", "preemptibility", "projectName", "tenantId", "departmentId"),
    *("departmentName", "createdAt", "createdBy", "updatedAt", "updatedBy", "deletedAt", "deletedBy"),
)
"""Metadata of an answer of the API that no request has: left out."""


def check_rest_body(body: Mapping[str, Any]) -> Iterator[Finding]:
    """What has no place in a manifest, and metadata of the wrong type."""
    metadata = metadata_of(body)
    suggestions = syntax.SuggestionBudget()
    fields = [("", field, BODY_FIELDS) for field in body if field not in BODY_FIELDS]
    requested = [
        ("metadata.", field, REQUESTED_METADATA)
        for field in metadata
        if field not in (*REQUESTED_METADATA, *RUNAI_METADATA)
    ]
    for parent, field, known_fields in (*fields, *requested):
        yield unknown_field(parent + truncate(field), suggestions.closest_match(field, known_fields))
    phase = body.get("desiredPhase")
    if phase not in (None, "Running", "Stopped"):
        yield Finding(
            reason=Reason.INVALID_VALUE,
            path="desiredPhase",
            value=str(phase),
            must="be Running or Stopped",
            remedy="remove it",
        )
    if not isinstance(metadata.get("useGivenNameAsPrefix"), bool | None):
        rule, remedy = "be true or false", "correct or remove it"
        yield Finding(reason=Reason.INVALID_VALUE, path="metadata.useGivenNameAsPrefix", must=rule, remedy=remedy)


def make_manifest(body: Mapping[str, Any], namespace: str | None) -> dict[str, Any]:
    """The RunaiNimService that `body` asks for, as somebody would write it; `namespace` None leaves it open."""
    metadata = metadata_of(body)
    name = metadata.get("name")
    prefix = metadata.get("useGivenNameAsPrefix") is True and name is not None
    named = {"generateName": f"{name}-"} if prefix else {"name": name}
    spec = without_nulls(body.get("spec"))
    if body.get("desiredPhase") == "Stopped" and isinstance(spec, dict):
        spec.setdefault("desiredPhase", "Stopped")
    return {
        "apiVersion": well_known.API_VERSION,
        "kind": well_known.KIND,
        "metadata": without_nulls({**named, "namespace": namespace}),
        "spec": spec,
    }


def metadata_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body's metadata; empty when it is none."""
    metadata = body.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def without_nulls(value: Any) -> Any:
    """null is what Run:ai's client sends for whatever was not given."""
    if isinstance(value, dict):
        return {name: without_nulls(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value if item is not None]
    return value
