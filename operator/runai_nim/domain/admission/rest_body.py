"""Converts a body of Run:ai's "NVIDIA NIM" REST API to a manifest, and reports fields that are not part of that API.

The spec is copied unchanged; `evaluate` checks the manifest.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding, truncate, unknown_field
from runai_nim.domain.validate.suggestions import FieldRemedies

BODY_FIELDS: Final = ("metadata", "spec", "desiredPhase")
"""Top-level fields of a body. desiredPhase occurs in answers of the API, which are also accepted."""
REQUESTED_METADATA: Final = ("name", "useGivenNameAsPrefix", "projectId", "clusterId")
"""Metadata fields of a request."""
RUNAI_METADATA: Final = (
    *("id", "gvk", "priority", "category", "preemptibility", "projectName", "tenantId", "departmentId"),
    *("departmentName", "createdAt", "createdBy", "updatedAt", "updatedBy", "deletedAt", "deletedBy"),
)
"""Metadata fields that only answers of the API have; they are dropped."""


def check_rest_body(body: Mapping[str, Any]) -> Iterator[Finding]:
    """One finding for each part of the body that can't be converted."""
    metadata = metadata_of(body)
    remedies = FieldRemedies()
    fields = [("", field, BODY_FIELDS) for field in body if field not in BODY_FIELDS]
    requested = [
        ("metadata.", field, REQUESTED_METADATA)
        for field in metadata
        if field not in (*REQUESTED_METADATA, *RUNAI_METADATA)
    ]
    for parent, field, known_fields in (*fields, *requested):
        yield unknown_field(parent + truncate(field), remedies.remedy(parent.rstrip("."), field, known_fields))
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
        rule = "be true or false"
        remedy = "correct or remove it"
        yield Finding(reason=Reason.INVALID_VALUE, path="metadata.useGivenNameAsPrefix", must=rule, remedy=remedy)


def make_manifest(body: Mapping[str, Any], namespace: str | None) -> dict[str, Any]:
    """The RunaiNimService for `body`, as a user would write it; without a namespace if `namespace` is None."""
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
    """The body's metadata; empty if it is not a mapping."""
    metadata = body.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def without_nulls(value: Any) -> Any:
    """Drop null values, which Run:ai's client sends for unset fields: `{"a": None, "b": 1}` gives `{"b": 1}`."""
    if isinstance(value, dict):
        return {name: without_nulls(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value if item is not None]
    return value
