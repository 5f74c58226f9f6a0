"""Checks what the API server checks of any object, and of this kind: apiVersion, metadata, unknown top-level fields.

`validate` checks the spec, the name and labels.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding, child_path, truncate, unknown_field
from runai_nim.domain.validate.parse import yaml_text
from runai_nim.domain.validate.secrets import is_secret_name
from runai_nim.domain.validate.suggestions import FieldRemedies

OBJECT_FIELDS: Final = ("apiVersion", "kind", "metadata", "spec", "status")
"""Top-level fields of an object."""
_METADATA: Final = (
    *("name", "generateName", "namespace", "labels", "annotations", "finalizers", "ownerReferences", "uid"),
    *("creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields"),
    *("resourceVersion", "selfLink"),
)
_GENERATED_METADATA: Final = "xxxxx"
"""Placeholder for the five characters that the API server appends to a generateName."""


def check_object_schema(manifest: Mapping[str, Any]) -> Iterator[Finding]:
    """One finding for each violation of the object schema."""
    if manifest.get("apiVersion") != well_known.API_VERSION:
        yield _invalid("apiVersion", manifest.get("apiVersion"), f"be {well_known.API_VERSION}", "correct it")
    yield from check_unknown_fields("", manifest, OBJECT_FIELDS)
    if not isinstance(manifest.get("spec"), Mapping):
        yield _invalid("spec", None, "be a mapping", "add it, with the NIM to serve")
    yield from check_metadata(manifest.get("metadata"))
    for name, part in manifest["spec"].items() if isinstance(manifest.get("spec"), Mapping) else ():
        yield from _check_nulls(f"spec.{name}", part)


def check_unknown_fields(parent: str, mapping: Mapping[str, Any], known_fields: Iterable[str]) -> Iterator[Finding]:
    """One finding for each field of the mapping that isn't known. `parent` ends with a dot or is empty."""
    remedies = FieldRemedies()
    for name in mapping:
        if name not in known_fields:
            yield unknown_field(parent + truncate(name), remedies.remedy(parent.rstrip("."), name, known_fields))


def _check_nulls(path: str, value: Any) -> Iterator[Finding]:
    """`kubectl apply` drops null values, `kubectl apply --server-side` only directly below spec."""
    parts = value.items() if isinstance(value, dict) else ()
    for name, part in parts:
        if part is None:
            rule = "not be null, because server-side apply rejects null"
            remedy = "remove it"
            yield Finding(
                reason=Reason.IGNORED_FIELD,
                path=child_path(path, name),
                must=rule,
                remedy=remedy,
                severity="warning",
            )
        elif isinstance(part, (dict, list)):
            yield from _check_nulls(child_path(path, name), part)
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, (dict, list)):
            yield from _check_nulls(f"{path}[{index}]", item)


def check_metadata(metadata: Any) -> Iterator[Finding]:
    """One finding for each violation of the metadata's schema."""
    if not isinstance(metadata, Mapping):
        yield _invalid("metadata", None, "be a mapping", "add it, with a name")
        return
    yield from check_unknown_fields("metadata.", metadata, _METADATA)
    for field in ("name", "generateName", "namespace"):
        if not isinstance(metadata.get(field), str | None):
            yield _invalid(f"metadata.{field}", metadata[field], "be a string", _quoted(metadata[field]))
    if not metadata.get("name") and not metadata.get("generateName"):
        yield Finding(
            reason=Reason.REQUIRED_FIELD,
            path="metadata.name",
            must="be set",
            remedy="add it, or generateName",
        )
    for field in ("labels", "annotations"):
        yield from _check_string_map(f"metadata.{field}", metadata.get(field))


def _check_string_map(path: str, mapping: Any) -> Iterator[Finding]:
    if not isinstance(mapping, Mapping | None):
        yield _invalid(path, None, "be a mapping of strings", "correct or remove it")
        return
    for key, value in (mapping or {}).items():
        if not isinstance(value, str):
            shown = None if is_secret_name(str(key)) else value
            yield _invalid(f"{path}[{key}]", shown, "be a string", _quoted(shown))


def _quoted(value: Any) -> str:
    return f'quote it, "{yaml_text(value)}"' if isinstance(value, int | float) else "quote it"


def _invalid(path: str, value: Any, rule: str, remedy: str) -> Finding:
    return Finding(
        reason=Reason.INVALID_VALUE,
        path=path,
        value=yaml_text(value) if isinstance(value, str | int | float) else None,
        must=rule,
        remedy=remedy,
    )


def to_stored_object(manifest: Mapping[str, Any], namespace: str, uid: str = "") -> dict[str, Any]:
    """The object as the API server stores it, in `namespace` if it names none, with a generated name if requested.

    Metadata of the wrong type is dropped, so that the rest can be checked.
    """
    raw_metadata = manifest.get("metadata")
    metadata = dict(raw_metadata) if isinstance(raw_metadata, Mapping) else {}
    name = _display(metadata.get("name"))
    prefix = _display(metadata.get("generateName"))
    metadata["name"] = name or (prefix + _GENERATED_METADATA if prefix else "")
    metadata["namespace"] = _display(metadata.get("namespace")) or namespace
    metadata["uid"] = uid or _display(metadata.get("uid"))
    for field in ("labels", "annotations"):
        texts = metadata.get(field)
        items = texts.items() if isinstance(texts, Mapping) else ()
        metadata[field] = {key: value for key, value in items if isinstance(value, str)}
    return {**manifest, "metadata": metadata}


def for_name_prefix(finding: Finding, manifest: Mapping[str, Any]) -> Finding:
    """Move a finding about a generated name to its generateName."""
    metadata = manifest.get("metadata")
    generated = isinstance(metadata, Mapping) and metadata.get("generateName") and not metadata.get("name")
    return replace(finding, path="metadata.generateName") if generated and finding.path == "metadata.name" else finding


def _display(value: Any) -> str:
    return value if isinstance(value, str) else ""
