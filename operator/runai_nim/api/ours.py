"""The fields of a spec that Run:ai's API lacks, from their marks (`Ours`) on the types."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel

from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.api.v1alpha1.schema import Ours


def _marked_fields(path: str, annotation: Any) -> Iterator[tuple[str, Ours]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for field in annotation.model_fields.values():
            below = f"{path}.{field.alias}"
            mark = next((found for found in field.metadata if isinstance(found, Ours)), None)
            yield from _marked_fields(below, field.annotation) if mark is None else [(below, mark)]
    of_items = f"{path}[]" if get_origin(annotation) is tuple else path
    for part in get_args(annotation):
        yield from _marked_fields(of_items, part)


OURS: Final[Mapping[str, Ours]] = dict(_marked_fields("spec", RunaiNimServiceSpec))
"""Marks by path: `spec.desiredPhase`, and `spec.list[].field` for a field of an item. Fields below a marked one are
not listed."""


def is_ours(path: str) -> bool:
    """Whether Run:ai's API lacks the field at that path: a marked one, or one below it."""
    return any(path == marked or path.startswith((f"{marked}.", f"{marked}[]")) for marked in OURS)
