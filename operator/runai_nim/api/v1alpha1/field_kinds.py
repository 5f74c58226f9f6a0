"""The kind of each field of a spec, from the types: a policy's rules and comparisons depend on it.

A path is relative to spec: `compute.gpuPortionRequest`. Fields that identify or describe an item of a list have the
path of a policy's rule, `tolerations.attributes.effect`.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from runai_nim.api.v1alpha1.spec import RunaiNimServiceSpec


class FieldKind(StrEnum):
    """What a field's value is."""

    STRING = "string"
    ENUMERATION = "enumeration"
    INTEGER = "integer"
    NUMBER = "number"
    BYTES = "bytes"
    QUANTITY = "quantity"
    SIZE = "size"
    """A number of bytes with the rules of a string, as Run:ai's API has them."""
    BOOLEAN = "boolean"
    ARRAY = "array"
    LIST = "list"
    """Objects without rules (`addedAttrValues`), replaced as a whole."""
    ITEMS = "items"
    """Objects with a name, which policies add and lock one by one."""
    BLOCK = "block"
    """An object with fields of its own."""


_SCALARS: Final = {
    bool: FieldKind.BOOLEAN,
    int: FieldKind.INTEGER,
    Decimal: FieldKind.NUMBER,
    str: FieldKind.STRING,
}
_QUANTITIES: Final = {
    "cpuMemoryRequest": FieldKind.BYTES,
    "cpuMemoryLimit": FieldKind.BYTES,
    "gpuMemoryRequest": FieldKind.BYTES,
    "gpuMemoryLimit": FieldKind.BYTES,
    "metricThresholdQuantity": FieldKind.QUANTITY,
    "size": FieldKind.SIZE,
}
"""Strings that are compared as amounts."""
ATTRIBUTES: Final[Mapping[str, Mapping[str, str]]] = {
    "imagePullSecrets": {"name": "name", "userCredentials": "userCredential"},
    "tolerations": {name: name for name in ("operator", "key", "value", "effect", "seconds", "exclude")},
}
"""Attributes of items that rules can bound, by list: the rule's name (Run:ai's API says userCredentials) and the
item's field."""


def core_type(annotation: Any) -> Any:
    """The type without None and metadata: `int` of `Annotated[int, …] | None`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return core_type(get_args(annotation)[0])
    if origin in (Union, UnionType):
        (inner,) = (part for part in get_args(annotation) if part is not type(None))
        return core_type(inner)
    return annotation


def kind_of(name: str, annotation: Any) -> FieldKind:
    """The kind of the field with this name and type."""
    if name in _QUANTITIES:
        return _QUANTITIES[name]
    core = core_type(annotation)
    if get_origin(core) is Literal:
        return FieldKind.ENUMERATION
    if get_origin(core) is tuple:
        item = item_model(annotation)
        if item is None:
            return FieldKind.ARRAY
        return FieldKind.ITEMS if "exclude" in item.model_fields else FieldKind.LIST
    return _SCALARS.get(core, FieldKind.BLOCK)


def item_model(annotation: Any) -> type[BaseModel] | None:
    """The type of a list's items; None for scalars."""
    core = core_type(get_args(core_type(annotation))[0])
    return core if isinstance(core, type) and issubclass(core, BaseModel) else None


def _fields(model: type[BaseModel], parent: str) -> Iterator[tuple[str, FieldKind]]:
    for field in model.model_fields.values():
        name = str(field.alias)
        path = f"{parent}{name}"
        kind = kind_of(name, field.annotation)
        if kind == FieldKind.BLOCK:
            yield from _fields(core_type(field.annotation), f"{path}.")
        else:
            yield path, kind
        item = item_model(field.annotation) if kind == FieldKind.ITEMS else None
        if item is not None:
            of_items = {str(found.alias): found.annotation for found in item.model_fields.values()}
            for rule, attribute in ATTRIBUTES.get(name, {}).items():
                yield f"{path}.attributes.{rule}", kind_of(attribute, of_items[attribute])


FIELD_KINDS: Final[Mapping[str, FieldKind]] = dict(_fields(RunaiNimServiceSpec, ""))
"""All fields by path, without blocks."""
ITEM_LISTS: Final = tuple(path for path, kind in FIELD_KINDS.items() if kind == FieldKind.ITEMS)
"""The lists whose items policies add and lock."""
