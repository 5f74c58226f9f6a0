"""Parses a spec into its types and turns errors into findings."""

import copy
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from runai_nim.api import quantity
from runai_nim.api.short_numbers import decimal_text
from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.domain.finding import Finding, Rule, child_path, unknown_field
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import secrets
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
_DECIMAL: Final = re.compile(r"[0-9]{0,20}\.[0-9]{1,20}")
_EXACT: Final = 2**53
"""Above it, a floating-point number may not be the integer that was written."""
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
_LISTS_OF_NAMES: Final = frozenset({*_NAMED_LISTS, "imagePullSecrets", "tolerations"})
_KEY_LISTS: Final = frozenset({"labels", "annotations"})
_MODEL_REMEDIES: Final[Mapping[str | int, str]] = {
    "secret": "write {name: …, key: …}",
    "configMap": "write {name: …, key: …}",
    "podFieldRef": "write {path: …}",
    "nimCache": "write {name: …}",
    "pvc": "write {claimName: …}, with existingPvc: true for a claim that exists",
}
"""Remedies for a name in the place of a mapping."""


def parse_findings(
    error: ValidationError, spec: Any = None, root: type[BaseModel] = RunaiNimServiceSpec
) -> Iterator[Finding]:
    """One finding for each error, with a path as in the API: `spec.compute.gpuRequestType`, `spec.nodePools[2]`.

    For an unknown field the finding suggests the intended one. `spec` is what was parsed: by the names in it the
    finding decides whether it may show a value. `root`: the type of the spec, such as a policy's.
    """
    remedies = FieldRemedies()
    for mistake in error.errors(include_url=False, include_context=False):
        if mistake["type"] == "extra_forbidden":
            yield _unknown_field(mistake["loc"], remedies, root)
        elif mistake["type"] == "missing":
            yield Finding(
                reason=Reason.REQUIRED_FIELD, path=_field_path(mistake["loc"]), must="be set", remedy="add it"
            )
        else:
            yield _invalid_value(mistake, is_shown=_is_shown(mistake, spec))


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


def _unknown_field(loc: Sequence[str | int], remedies: FieldRemedies, root: type[BaseModel]) -> Finding:
    *parents, last = loc
    name = str(last)
    names = [part for part in parents if isinstance(part, str)]
    parent = _field_path(names)
    known = fields_of(*names, root=root)
    return unknown_field(child_path(_field_path(parents), name), remedies.remedy(parent, name, known))


def _invalid_value(mistake: ErrorDetails, *, is_shown: bool) -> Finding:
    value = mistake["input"]
    loc = mistake["loc"]
    must = _OBJECT_ERRORS.sub("a mapping", _ERROR_PREFIX.sub("", mistake["msg"]))
    must = _TYPE.sub(lambda match: _TYPES[match[1]], must)
    if mistake["type"] == "string_too_long" and loc[0] in _KEY_LISTS and loc[-1] == "name":
        must += ", the bound of Run:ai's API (Kubernetes allows 253 before the slash and 63 after it)"
    return Finding(
        reason=Reason.INVALID_VALUE,
        path=_field_path(loc),
        value=yaml_text(value) if is_shown else None,
        must=must,
        remedy=_remedy(mistake, is_shown=is_shown),
        rule=_RULES.get(mistake["type"]),
    )


def _is_shown(mistake: ErrorDetails, spec: Any) -> bool:
    """Whether the message may show the value: a scalar that is no secret. People put passwords into exposedUrl, too."""
    value = mistake["input"]
    loc = mistake["loc"]
    if not isinstance(value, str | int | float) or "exposedUrl" in loc:
        return False
    names = list(_names_around(spec, loc))
    if "environmentVariables" in loc and (isinstance(value, str) or (loc[-1] == "value" and not names)):
        return False
    return not any(secrets.is_secret_name(name) for name in names)


def _names_around(spec: Any, loc: Sequence[str | int]) -> Iterator[str]:
    """The names and keys of the list items around a value."""
    value = spec
    for part in loc:
        if isinstance(value, Mapping):
            if isinstance(part, int):  # pydantic names the index of a list that isn't there
                return
            yield from (value[key] for key in ("name", "key") if isinstance(value.get(key), str))
            value = value.get(part)
        elif isinstance(value, Sequence) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return


def _remedy(mistake: ErrorDetails, *, is_shown: bool) -> str:
    """The remedy for a value of the wrong type or out of range. It doesn't repeat values that may be secret."""
    kind = mistake["type"]
    value = mistake["input"]
    loc = mistake["loc"]
    name = str(loc[-1]) if loc else ""
    if kind == "string_type" and isinstance(value, bool | int | float):
        if name in AMOUNTS and not isinstance(value, bool):
            return f"add a unit, such as {yaml_text(value)}Gi"
        return f'quote it, "{yaml_text(value)}"' if is_shown else "quote it"
    if kind == "string_too_long" and name == "name" and loc[0] in _KEY_LISTS:
        return "use a shorter key, or have an administrator set it for every route by external_annotations"
    if kind == "model_type" and len(loc) > 1 and loc[-2] in _LISTS_OF_NAMES:
        return "write {name: …, value: …}" if loc[-2] in _NAMED_LISTS else "write {name: …}"
    if name in _NUMBER_REMEDIES and (found := _NUMBER_REMEDIES[name](kind, value)):
        return found
    return _container_remedy(kind, value, name) or "correct or remove it"


def _container_remedy(kind: str, value: Any, name: str) -> str | None:
    """The remedy for a mapping, a list or a scalar in the place of another of them."""
    if isinstance(value, str):
        if kind in _UNQUOTED_PATTERNS and _UNQUOTED_PATTERNS[kind].fullmatch(value):
            return "remove the quotes"
        if kind == "tuple_type":
            return "write a list, such as [{name: …}]" if name in _LISTS_OF_NAMES else "write a list, such as [a, b]"
    if kind == "tuple_type" and isinstance(value, Mapping):
        return "write a list, such as [{name: …, value: …}]" if name in _NAMED_LISTS else "write a list"
    if kind == "model_type" and isinstance(value, str):
        return _MODEL_REMEDIES.get(name)
    if kind == "string_type" and isinstance(value, Mapping | list):
        return "write one string"
    return None


def _devices_remedy(kind: str, value: Any) -> str | None:
    if kind.startswith("int_") and isinstance(value, float) and 0 < value < 1:
        return f"use gpuRequestType: portion and gpuPortionRequest: {value} for a share of a GPU"
    return _unquoted(kind, value)


def _number_remedy(kind: str, value: Any) -> str | None:
    """Of a number that may have decimals: `500m` is 0.5, `50%` too."""
    text = value.strip() if kind == "value_error" and isinstance(value, str) else ""
    with suppress(quantity.QuantityError):
        nanos = quantity.parse(text.removesuffix("%")).nanos
        number = Decimal(nanos) / (10**11 if text.endswith("%") else 10**9)
        if number >= 0:
            return f"write {decimal_text(number)}, a number without quotes and unit"
    return None


def _portion_remedy(kind: str, value: Any) -> str | None:
    if kind == "less_than_equal":
        return "use gpuDevicesRequest for more than one GPU"
    return _number_remedy(kind, value)


def _replicas_remedy(kind: str, value: Any) -> str | None:
    if kind == "greater_than_equal" and value == 0:
        return "stop the NIM by desiredPhase: Stopped, or scale down to minReplicas: 0 by an External or Object metric"
    return _unquoted(kind, value)


def _threshold_remedy(kind: str, value: Any) -> str | None:
    text = repr(value) if isinstance(value, float) else value
    amount = quantity.parse(text).nanos if isinstance(text, str) and _DECIMAL.fullmatch(text) else None
    if amount:
        fitting = f"use metricThresholdQuantity in its place, {quantity.Quantity(amount)}"
        return f"{fitting}, or choose a count, such as num_requests_running"
    if amount == 0 or (kind == "greater_than_equal" and value == 0):
        return "write a whole number of at least 1, or use metricThresholdQuantity in its place, such as 500m for 0.5"
    return _unquoted(kind, value)


def _unquoted(kind: str, value: Any) -> str | None:
    return _container_remedy(kind, value, "")


_NUMBER_REMEDIES: Final[Mapping[str, Callable[[str, Any], str | None]]] = {
    "gpuDevicesRequest": _devices_remedy,
    "gpuPortionRequest": _portion_remedy,
    "gpuPortionLimit": _portion_remedy,
    "cpuCoreRequest": _number_remedy,
    "cpuCoreLimit": _number_remedy,
    "minReplicas": _replicas_remedy,
    "maxReplicas": _replicas_remedy,
    "metricThreshold": _threshold_remedy,
}
"""Remedies of fields with a number, from pydantic's error type and the value; None for the general one."""


def yaml_text(value: str | float) -> str:
    """The scalar as in YAML: `true`, `8192`, `0.5`."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else str(value)


def _field_path(loc: Iterable[str | int]) -> str:
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)


@lru_cache  # the API has few paths, and a wrong body may ask for one of them ten thousand times
def fields_of(*path: str, root: type[BaseModel] = RunaiNimServiceSpec) -> tuple[str, ...]:
    """Field names of a part of the spec: `fields_of("modelStore", "pvc")`. Raises KeyError for an unknown part."""
    model = root
    for part in path:
        (model,) = _nested_models({field.alias: field.annotation for field in model.model_fields.values()}[part])
    return tuple(str(field.alias) for field in model.model_fields.values())


def _nested_models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _nested_models(part)
