"""Errors of reading a spec into its types, as findings. Decides nothing about what a readable spec may hold."""

import copy
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from runai_nim import syntax
from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.validate.finding import Finding, Reason, below, unknown_field

# pydantic's sentences begin "Input should …", "String should …" or, for our own checks, "Value error, must …".
_BEGINNING: Final = re.compile(r"^(?:Value error, must|[\w ]+ should) ")
_AN_OBJECT: Final = re.compile(r"a valid dictionary or instance of \w+")
_MAY_BE_SECRET: Final = frozenset({"environmentVariables", "exposedUrl"})


def findings_from_parse_error(error: ValidationError) -> Iterator[Finding]:
    """One finding per mistake, its path in the API's own spelling: `spec.compute.gpuRequestType`, `spec.nodePools[2]`.

    A field that the API doesn't have is answered with the nearest one that it has.
    """
    suggestions = syntax.Suggestions()
    for mistake in error.errors(include_url=False, include_context=False):
        if mistake["type"] == "extra_forbidden":
            yield _unknown_field(mistake["loc"], suggestions)
        elif mistake["type"] == "missing":
            yield Finding(Reason.REQUIRED_FIELD, _path(mistake["loc"]), None, "be set", "add it")
        else:
            yield _wrong_value(mistake)


def readable_rest(spec: Mapping[str, Any], error: ValidationError) -> tuple[RunaiNimServiceSpec | None, frozenset[str]]:
    """The spec without what could not be read, for the other rules to look at, and the top-level fields concerned.

    Of a list with a mistake in it nothing is left, so that indexes stay those that the user sees. None when nothing
    can be read at all.
    """
    rest = copy.deepcopy(dict(spec))
    mistakes = [mistake["loc"] for mistake in error.errors(include_url=False, include_input=False)]
    for loc in mistakes:
        _remove(rest, tuple(itertools.takewhile(lambda part: isinstance(part, str), loc)))
    try:
        read = RunaiNimServiceSpec.model_validate(rest, by_alias=True, by_name=False)
    except ValidationError:  # what was missing in a list, or of another type altogether
        return None, frozenset()
    return read, frozenset(f"spec.{loc[0]}" for loc in mistakes)


def _remove(tree: Any, path: tuple[Any, ...]) -> None:
    for part in path[:-1]:
        tree = tree.get(part) if isinstance(tree, dict) else None
    if isinstance(tree, dict) and path:
        tree.pop(path[-1], None)


def _unknown_field(loc: Sequence[str | int], suggestions: syntax.Suggestions) -> Finding:
    *parents, name = loc
    near = suggestions.nearest(str(name), _known_fields(parents))
    return unknown_field(below(_path(parents), str(name)), near)


def _wrong_value(mistake: ErrorDetails) -> Finding:
    value, loc = mistake["input"], mistake["loc"]
    shown = isinstance(value, str | int | float) and _MAY_BE_SECRET.isdisjoint(loc)  # people put passwords there
    rule = _AN_OBJECT.sub("a mapping", _BEGINNING.sub("", mistake["msg"]))
    return Finding(Reason.INVALID_VALUE, _path(loc), str(value) if shown else None, rule, "correct or remove it")


def _path(loc: Sequence[str | int]) -> str:
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)


def _known_fields(loc: Iterable[str | int]) -> tuple[str, ...]:
    return _fields_of(*(part for part in loc if isinstance(part, str)))


@lru_cache  # the API has few paths, and a wrong body may ask for one of them ten thousand times
def _fields_of(*path: str) -> tuple[str, ...]:
    model: type[BaseModel] = RunaiNimServiceSpec
    for part in path:
        (model,) = _models({field.alias: field.annotation for field in model.model_fields.values()}[part])
    return tuple(str(field.alias) for field in model.model_fields.values())


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
