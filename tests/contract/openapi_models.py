"""What a pydantic model says of every field below it, flat: path → type, bounds, default, requiredness.

`environmentVariables[].secret.name` is a path. What is absent (a bound, a default, being required) is not mentioned.
"""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

Facts = dict[str, Any]
_KNOWN = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "enum", "default")
# Run:ai's client is generated: its patterns are in the source of validators only, and most allow anything.
_PATTERN = re.compile(r'if not re\.match\(r"(?!\.\*")(.*)", value\)')


def field_facts(model: type[BaseModel]) -> dict[str, Facts]:
    """Every field below `model`, by its path in the API's own spelling."""
    schema = model.model_json_schema(by_alias=True)
    definitions = {**schema.get("$defs", {}), model.__name__: schema}
    for part in set(_models(model)):
        for name, pattern in _patterns(part):
            definitions[part.__name__]["properties"][name]["pattern"] = pattern
    return dict(_fields(schema, "", definitions))


def _fields(schema: Mapping[str, Any], path: str, definitions: Mapping[str, Any]) -> Iterator[tuple[str, Facts]]:
    for name, field in schema.get("properties", {}).items():
        required = {"required": True} if name in schema.get("required", ()) else {}
        yield from _field(field, f"{path}.{name}" if path else name, definitions, required)


def _field(
    field: Mapping[str, Any], path: str, definitions: Mapping[str, Any], required: Facts
) -> Iterator[tuple[str, Facts]]:
    found = _resolved(field, definitions)
    bounds = {name: found[name] for name in _KNOWN if found.get(name) is not None}
    yield path, {"type": found["type"], **bounds, **required}
    yield from _fields(found, path, definitions)
    if "items" in found:
        yield from _field(found["items"], f"{path}[]", definitions, {})


def _resolved(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without references and null; a choice of number and integer is a number."""
    if "$ref" in field:
        return {**_resolved(definitions[field["$ref"].rsplit("/", 1)[-1]], definitions), **field}
    if "anyOf" in field:
        choices = {choice.get("type"): choice for choice in field["anyOf"] if choice.get("type") != "null"}
        if choices.keys() == {"number", "integer"}:
            del choices["integer"]
        (choice,) = choices.values()
        return {**_resolved(choice, definitions), **field}
    return field


def _patterns(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    for validator in model.__pydantic_decorators__.field_validators.values():
        for pattern in _PATTERN.findall(inspect.getsource(validator.func)):
            for name in validator.info.fields:
                yield model.model_fields[name].alias or name, pattern


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """All models that a field of this type can hold, and those below them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    for part in get_args(annotation):
        yield from _models(part)
