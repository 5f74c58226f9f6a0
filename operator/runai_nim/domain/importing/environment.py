"""NIMService → spec.environmentVariables."""

from collections.abc import Mapping
from typing import Any, Final

from runai_nim.domain.importing.rows import BackwardRow, ImportSource, spec_fragment
from runai_nim.domain.translate.rules import Fragment


def _env_fragment(source: ImportSource) -> Fragment:
    """One item for each name: a second item of a name stays, and is reported."""
    variables: dict[str, dict[str, Any]] = {}
    for index, item in source.remainder.items(dict, "spec", "env"):
        fields = _fields(item)
        name = item.get("name")
        if fields and isinstance(name, str) and name not in variables:
            source.remainder.drop("spec", "env", index)
            variables[name] = {"name": name, **fields}
    return spec_fragment(environmentVariables=list(variables.values()))


def _fields(item: dict[str, Any]) -> dict[str, Any]:
    """Fields that say the same as a variable of a NIMService; empty if there are none. Without a source it is empty."""
    match item:
        case {"valueFrom": {"secretKeyRef": {"name": name, "key": key, **more}, **other}} if not _says(more, other):
            return {"secret": {"name": name, "key": key}}
        case {"valueFrom": {"configMapKeyRef": {"name": name, "key": key, **more}, **other}} if not _says(more, other):
            return {"configMap": {"name": name, "key": key}}
        case {"valueFrom": {"fieldRef": {"fieldPath": path}, **other}} if not _says(other):
            return {"podFieldRef": {"path": path}}
        case {"valueFrom": dict()}:
            return {}
        case {"value": str(value)}:
            return {"value": value}
    return {} if "value" in item else {"value": ""}


def _says(*rests: Mapping[Any, Any]) -> bool:
    """Whether other fields beside those of a reference have a value: `optional: true`."""
    return any(value for rest in rests for value in rest.values())


ROWS: Final = (BackwardRow(("spec.environmentVariables",), _env_fragment),)
