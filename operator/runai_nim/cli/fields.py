"""The fields of a RunaiNimService by path, from the CRD's schema and the rows."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from runai_nim.api import syntax
from runai_nim.api.crd import make_schema
from runai_nim.api.kinds import RUNAI_NIM_SERVICE
from runai_nim.cli.diagnostic import CommandError
from runai_nim.domain.translate.rules import MappingRow
from runai_nim.domain.translate.tables import TABLES

Schema = Mapping[str, Any]
_BOUNDS: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "{} or more characters",
    "maxLength": "at most {} characters",
    "maxItems": "at most {} items",
    "pattern": "matching {}",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its path (`spec.environmentVariables[].name`), its schema, whether its parent requires it."""

    path: str
    schema: Schema
    required: bool = False

    @property
    def type(self) -> str:
        """`string`, `list of object`, …"""
        kind = str(self.schema["type"])
        return f"list of {self.schema['items']['type']}" if kind == "array" else kind

    @property
    def allowed_values(self) -> Iterator[str]:
        """Constraints on the value, one phrase each, such as `at most 63 characters`."""
        schema = self.schema.get("items", self.schema)
        if "enum" in schema:
            yield f"one of {', '.join(map(str, schema['enum']))}"
        for name, text in _BOUNDS.items():
            if name in schema:
                yield text.format(schema[name])
        if "maxItems" in self.schema:
            yield _BOUNDS["maxItems"].format(self.schema["maxItems"])
        if self.required:
            yield "required in each item"

    @property
    def children(self) -> tuple["Field", ...]:
        """Direct children in the order of the API."""
        return tuple(_children(self.path, self.schema))

    @property
    def rows(self) -> tuple[tuple[str, MappingRow], ...]:
        """Mapping rows of the field, or of its nearest ancestor that has some, each with the object's kind."""
        path = self.path
        while path:
            if matching_rows := tuple(
                (kind, row) for kind, rows in TABLES.items() for row in rows if row.field == path
            ):
                return matching_rows
            path = path.rpartition(".")[0].removesuffix("[]")
        return ()


@functools.cache
def spec_field() -> Field:
    """The field `spec`."""
    return Field("spec", make_schema(RUNAI_NIM_SERVICE)["properties"]["spec"])


def fields_below(field: Field) -> Iterator[Field]:
    """All descendants, parents before children."""
    for child in field.children:
        yield child
        yield from fields_below(child)


def find_field(path: str) -> Field:
    """The field with that path; `spec.` and `[]` are optional. Raises CommandError with the closest match."""
    known = {field.path: field for field in (spec_field(), *fields_below(spec_field()))}
    bare = {_without_indexes(name): field for name, field in known.items()}
    full_path = bare.get(_without_indexes(path)) or bare.get(f"spec.{_without_indexes(path)}")
    if full_path:
        return full_path
    del bare["spec"]
    near = (
        syntax.closest_match(_without_indexes(path), bare)
        or syntax.closest_match(f"spec.{_without_indexes(path)}", bare)
        or _path_by_last_name(path, bare)
    )
    hint = f"did you mean {bare[near].path}?" if near else "runai-nim explain lists all fields"
    raise CommandError(f'unknown field "{path}": {hint}')


def _children(path: str, schema: Schema) -> Iterator[Field]:
    if "items" in schema:
        path = f"{path}[]"
        schema = schema["items"]
    required = schema.get("required", ())
    for name, child in schema.get("properties", {}).items():
        yield Field(f"{path}.{name}", child, name in required)


def _without_indexes(path: str) -> str:
    return path.replace("[]", "").strip(".")


def _path_by_last_name(path: str, bare: Mapping[str, Field]) -> str | None:
    """A field of that name in another block."""
    last = {name.rpartition(".")[2]: name for name in bare}
    near = syntax.closest_match(path.rpartition(".")[2], last)
    return last[near] if near else None
