"""The fields of the NIMService kind in a cluster, from its schema or from the NIM Operator's version.

It compares names, required lists and lower bounds, but not types. For an unknown field server-side apply returns 500,
like a failing API server, so the operator checks fields before it writes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from runai_nim.api.untrusted_values import mapping, number, words

FieldPath = tuple[str, ...]
Version = tuple[int, int, int]

INTRODUCED_IN: Final[Mapping[FieldPath, Version]] = {
    ("spec", "multiNode"): (3, 0, 0),
    ("spec", "affinity"): (3, 0, 2),
    ("spec", "expose", "router"): (3, 1, 0),
    ("spec", "multiNode", "ray"): (3, 1, 1),
}
"""The NIM Operator version that introduced a field; unlisted fields exist in every supported version."""
_ZERO_REPLICAS_SINCE: Final[Version] = (3, 1, 0)
"""First version that allows 0 replicas."""
_OPTIONAL_SECRET_SINCE: Final[Version] = (3, 1, 3)
"""First version in which authSecret is optional."""
_SCALING_TO_ZERO_SINCE: Final[Version] = (3, 1, 3)
"""First version that allows autoscaling to 0 replicas, by its release notes. The main branch that was read is older."""
RELEASES: Final[Mapping[str, str]] = {
    "3.0.2": "3.0.2",
    "3.1.0": "3.1.0",
    "3.1.1": "3.1.2",
    "3.1.2": "3.1.2",
    "3.1.3": "main",
    "3.1.4": "main",
}
"""Releases of the NIM Operator, and the version whose CRD was read for each.

`main` is that of 2026-08-19. Where it isn't the release's own CRD, the release notes say what differs.
"""
MAIN: Final = "main"
"""The NIM Operator's main branch of 2026-08-19; its kind has what the newest release has, but autoscaling to 0."""
OLDEST_RELEASE, *_, NEWEST_RELEASE = RELEASES
_VERSION: Final = re.compile(r"v?([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})")


class VersionError(ValueError):
    """The text is not a version of the NIM Operator. The message says what is allowed."""


@dataclass(frozen=True, slots=True)
class MissingField:
    """A rendered field that the kind lacks, or whose value it doesn't allow.

    `since_version`: the version that introduced it; empty if unknown.
    """

    path: FieldPath
    value: str
    since_version: str


@dataclass(frozen=True, slots=True)
class NIMServiceSchema:
    """The NIMService kind of a cluster.

    `fields`: names of the fields below each field, an empty mapping if any name is allowed; None stands for an unknown
    kind, in which no field is missing. `allows_zero_replicas`: whether replicas may be 0. `requires_auth_secret`:
    whether authSecret is required. `allows_zero_min_replicas`: whether the autoscaler's minReplicas may be 0.
    """

    fields: Mapping[str, Any] | None = None
    missing_paths: frozenset[FieldPath] = frozenset()
    allows_zero_replicas: bool = True
    requires_auth_secret: bool = True
    allows_zero_min_replicas: bool = True

    @classmethod
    def of_version(cls, text: str) -> Self:
        """The kind in that version of the NIM Operator, such as `3.0.2` or `main`. Raises VersionError."""
        version = _version(NEWEST_RELEASE if text == MAIN else text)
        lacking = frozenset(path for path, since in INTRODUCED_IN.items() if version < since)
        return cls(
            missing_paths=lacking,
            allows_zero_replicas=version >= _ZERO_REPLICAS_SINCE,
            requires_auth_secret=version < _OPTIONAL_SECRET_SINCE,
            allows_zero_min_replicas=text != MAIN and version >= _SCALING_TO_ZERO_SINCE,
        )

    @classmethod
    def of_schema(cls, schema: Mapping[str, Any]) -> Self:
        """The kind from its OpenAPI schema, as in a CRD or in API discovery."""
        spec = _part(schema, "spec")
        return cls(
            fields=_field_names(schema),
            allows_zero_replicas=number(_part(spec, "replicas").get("minimum")) <= 0,
            requires_auth_secret="authSecret" in words(spec.get("required")),
            allows_zero_min_replicas=number(_part(spec, "scale", "hpa", "minReplicas").get("minimum")) <= 0,
        )

    @classmethod
    def of_crd(cls, crd: Mapping[str, Any]) -> Self:
        """The kind from the stored version of its CustomResourceDefinition. Raises KeyError or TypeError for other
        objects."""
        versions = [version for version in crd["spec"]["versions"] if version.get("storage")]
        return cls.of_schema(versions[0]["schema"]["openAPIV3Schema"])

    def has_field(self, path: FieldPath) -> bool:
        """Whether the kind has the field at that path, such as `("spec", "multiNode", "ray")`."""
        if any(path[: len(missing)] == missing for missing in self.missing_paths):
            return False
        known = self._fields_below(path[:-1])
        return not known or path[-1] in known

    def missing_fields(self, manifest: Mapping[str, Any]) -> Iterator[MissingField]:
        """Every field of a rendered NIMService that the kind lacks, without fields below a missing one."""
        for path in _missing_paths(manifest.get("spec", {}), self._fields_below(("spec",)), ("spec",)):
            yield MissingField(path, "", _version_text(INTRODUCED_IN.get(path)))
        missing = sorted(path for path in self.missing_paths if _has_path(manifest, path))
        yield from (
            MissingField(path, "", _version_text(INTRODUCED_IN.get(path)))
            for path in missing
            if not any(path[: len(other)] == other for other in missing if other != path)
        )
        if not self.allows_zero_replicas and manifest.get("spec", {}).get("replicas") == 0:
            yield MissingField(("spec", "replicas"), "0", _version_text(_ZERO_REPLICAS_SINCE))

    def _fields_below(self, path: FieldPath) -> Mapping[str, Any]:
        fields: Mapping[str, Any] = self.fields or {}
        for name in path:
            fields = fields.get(name, {})
        return fields


def nearest_release(text: str) -> str:
    """The release of RELEASES by which a version is judged: itself, the newest before it, or the oldest of all.

    Raises VersionError.
    """
    before = [release for release in RELEASES if _version(release) <= _version(text)]
    return before[-1] if before else OLDEST_RELEASE


def _version(text: str) -> Version:
    match = _VERSION.fullmatch(text)
    if match is None:
        raise VersionError(f'"{text}" is not a version of the NIM Operator; use one such as {NEWEST_RELEASE}, {MAIN}')
    return int(match[1]), int(match[2]), int(match[3])


def _part(schema: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The schema of a field below an object's; empty without one."""
    for name in path:
        schema = mapping(mapping(schema.get("properties")).get(name))
    return schema


def _field_names(found: Any) -> dict[str, Any]:
    """Field names below a schema, including those of list items; an empty mapping if the schema allows any name."""
    schema = mapping(found)
    if "items" in schema:
        return _field_names(schema["items"])
    if "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields"):
        return {}
    return {name: _field_names(part) for name, part in mapping(schema.get("properties")).items()}


def _missing_paths(value: Any, names: Mapping[str, Any], path: FieldPath) -> Iterator[FieldPath]:
    if isinstance(value, list):
        reported: set[FieldPath] = set()
        for item in value:
            paths = set(_missing_paths(item, names, path)) - reported
            reported |= paths
            yield from sorted(paths)
    elif isinstance(value, Mapping) and names:
        for name, part in value.items():
            if name not in names:
                yield (*path, name)
            else:
                yield from _missing_paths(part, names[name], (*path, name))


def _has_path(manifest: Any, path: FieldPath) -> bool:
    for name in path:
        if not isinstance(manifest, Mapping) or name not in manifest:
            return False
        manifest = manifest[name]
    return True


def _version_text(version: Version | None) -> str:
    return ".".join(map(str, version)) if version else ""
