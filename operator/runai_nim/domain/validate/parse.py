"""Parses a spec into its types and turns errors into findings."""

import copy
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.finding import Finding, Rule, child_path, unknown_field
from runai_nim.domain.validate.suggestions import FieldRemedies

# pydantic's messages begin with "Input should …", "String should …" or, for our checks, "Value error, must …".
_ERROR_PREFIX: Final = re.compile(r"^(?:Value error, must|[\w ]+ should) ")
_OBJECT_ERRORS: Final = re.compile(r"a valid dictionary or instance of \w+")
_TYPES: Final = {
    "boolean": "true or false",
    "integer": "an integer",
    "number": "a number",
    "string": "a string",
    "tuple": "a list",
}
_TYPE: Final = re.compile(rf"a valid ({'|'.join(_TYPES)})")
_UNQUOTED_PATTERNS: Final = {"int_type": re.compile("[0-9]+"), "bool_type": re.compile("true|false")}
"""Patterns by pydantic error type: a string that is invalid only because of its quotes."""
_SECRET_PATHS: Final = frozenset({"environmentVariables", "exposedUrl"})
_RULES: Final = {
    "greater_than_equal": Rule.MIN,
    "less_than_equal": Rule.MAX,
    "literal_error": Rule.OPTIONS,
}
"""pydantic's error types and the API's rules."""
AMOUNTS: Final = frozenset({"size", "cpuMemoryRequest", "cpuMemoryLimit", "gpuMemoryRequest", "gpuMemoryLimit"})
"""Fields with a quantity."""
_NAMED_LISTS: Final = frozenset({"environmentVariables", "labels", "annotations"})
"""Lists that other APIs have as mappings."""


def parse_findings(error: ValidationError) -> Iterator[Finding]:
    """One finding for each error, with a path as in the API: `spec.compute.gpuRequestType`, `spec.nodePools[2]`.

    For an unknown field the finding suggests the intended one.
    """
    remedies = FieldRemedies()
    for mistake in error.errors(include_url=False, include_context=False):
        if mistake["type"] == "extra_forbidden":
            yield _unknown_field(mistake["loc"], remedies)
        elif mistake["type"] == "missing":
            yield Finding(
                reason=Reason.REQUIRED_FIELD, path=_field_path(mistake["loc"]), must="be set", remedy="add it"
            )
        else:
            yield _invalid_value(mistake)


def parse_valid_fields(
    spec: Mapping[str, Any], error: ValidationError
) -> tuple[RunaiNimServiceSpec | None, frozenset[str]]:
    """The spec without unreadable parts, for the other rules, and the top-level fields with errors.

    A list with an error is dropped as a whole, so that indexes stay those of the user. None if nothing is readable.
    """
    rest = copy.deepcopy(dict(spec))
    mistakes = [mistake["loc"] for mistake in error.errors(include_url=False, include_input=False)]
    for loc in mistakes:
        _remove_path(rest, tuple(itertools.takewhile(lambda part: isinstance(part, str), loc)))
    try:
        spec_part = RunaiNimServiceSpec.model_validate(rest, by_alias=True, by_name=False)
    except ValidationError:  # what was missing in a list, or of another type altogether
        return None, frozenset()
    return spec_part, frozenset(f"spec.{loc[0]}" for loc in mistakes)


def _remove_path(tree: Any, path: tuple[Any, ...]) -> None:
    for part in path[:-1]:
        tree = tree.get(part) if isinstance(tree, dict) else None
    if isinstance(tree, dict) and path:
        tree.pop(path[-1], None)


def _unknown_field(loc: Sequence[str | int], remedies: FieldRemedies) -> Finding:
    *parents, last = loc
    name = str(last)
    parent = _field_path(part for part in parents if isinstance(part, str))
    return unknown_field(child_path(_field_path(parents), name), remedies.remedy(parent, name, _known_fields(parents)))


def _invalid_value(mistake: ErrorDetails) -> Finding:
    value, loc = mistake["input"], mistake["loc"]
    is_shown = isinstance(value, str | int | float) and _SECRET_PATHS.isdisjoint(loc)  # people put passwords there
    must = _OBJECT_ERRORS.sub("a mapping", _ERROR_PREFIX.sub("", mistake["msg"]))
    must = _TYPE.sub(lambda match: _TYPES[match[1]], must)
    return Finding(
        reason=Reason.INVALID_VALUE,
        path=_field_path(loc),
        value=_number_text(value) if is_shown else None,
        must=must,
        remedy=_remedy(mistake, is_shown=is_shown),
        rule=_RULES.get(mistake["type"]),
    )


def _remedy(mistake: ErrorDetails, *, is_shown: bool) -> str:
    """The remedy for a value of the wrong type or out of range. It doesn't repeat values that may be secret."""
    kind, value, name = mistake["type"], mistake["input"], mistake["loc"][-1] if mistake["loc"] else ""
    if kind == "string_type" and name in AMOUNTS and isinstance(value, int) and not isinstance(value, bool):
        return f"add a unit, such as {value}Gi"
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f'quote it, "{_number_text(value)}"' if is_shown else "quote it"
    if isinstance(value, str) and kind in _UNQUOTED_PATTERNS and _UNQUOTED_PATTERNS[kind].fullmatch(value):
        return "remove the quotes"
    if kind == "tuple_type" and isinstance(value, Mapping):
        return "write a list, such as [{name: …, value: …}]" if name in _NAMED_LISTS else "write a list"
    if name == "minReplicas" and kind == "greater_than_equal":
        return "correct it, or stop the NIM by desiredPhase: Stopped"
    if name == "metricThreshold" and kind.startswith("int_"):
        return "write a whole number, and choose a metric that exceeds 1, such as a number of requests"
    return "correct or remove it"


def _number_text(value: str | float) -> str:
    """The number as in YAML."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _field_path(loc: Iterable[str | int]) -> str:
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)


def _known_fields(loc: Iterable[str | int]) -> tuple[str, ...]:
    return fields_of(*(part for part in loc if isinstance(part, str)))


@lru_cache  # the API has few paths, and a wrong body may ask for one of them ten thousand times
def fields_of(*path: str) -> tuple[str, ...]:
    """Field names of a part of the spec: `fields_of("modelStore", "pvc")`. Raises KeyError for an unknown part."""
    model: type[BaseModel] = RunaiNimServiceSpec
    for part in path:
        (model,) = _nested_models({field.alias: field.annotation for field in model.model_fields.values()}[part])
    return tuple(str(field.alias) for field in model.model_fields.values())


def _nested_models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _nested_models(part)
