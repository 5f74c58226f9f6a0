"""The part of a NIMService that is not yet a field of the RunaiNimService."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

from runai_nim.domain.translate.rules import LeafPath

T = TypeVar("T")
_EMPTY: Final[tuple[Any, ...]] = (None, "", {}, [])
_PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")


class Remainder:
    """A copy of a NIMService from which rows take what they turn into fields.

    A value of another type than a row expects stays, so that it is reported.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._root = copy.deepcopy(dict(manifest))

    def peek(self, *path: str | int) -> Any:
        """The value at a path; None if there is none, or it was taken."""
        value: Any = self._root
        for step in path:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int):
                value = value[step]
            else:
                return None
        return value

    def take(self, kind: type[T], *path: str | int) -> T | None:
        """Remove and return a value of this type; None for any other."""
        value = self.peek(*path)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            return None
        self.drop(*path)
        return value

    def drop(self, *path: str | int) -> None:
        """Remove a value, if it exists. The other items of a list keep their indexes."""
        parent = self.peek(*path[:-1])
        if isinstance(parent, dict | list) and self.peek(*path) is not None:
            parent[path[-1]] = None  # type: ignore[index]

    def keys(self, *path: str | int) -> list[str]:
        """Keys of the mapping at a path; empty for any other value."""
        value = self.peek(*path)
        return [key for key, part in value.items() if part is not None] if isinstance(value, dict) else []

    def items(self, kind: type[T], *path: str | int) -> list[tuple[int, T]]:
        """Index and value of the items of this type in the list at a path."""
        value = self.peek(*path)
        items = enumerate(value) if isinstance(value, list) else ()
        return [(index, item) for index, item in items if isinstance(item, kind)]

    def subtract(self, rendered: Mapping[str, Any]) -> None:
        """Remove what a rendered NIMService has, too: no field needs to state it."""
        _subtract(self._root, rendered)

    def leaves(self) -> Iterator[tuple[LeafPath, Any]]:
        """Each remaining leaf. An empty value and false equal absence, but for a probe that is switched off."""
        return _leaves(self._root, ())


def _subtract(value: dict[str, Any], rendered: Mapping[str, Any]) -> None:
    for key in value.keys() & rendered.keys():
        if isinstance(value[key], dict) and isinstance(rendered[key], Mapping):
            _subtract(value[key], rendered[key])
        elif value[key] == rendered[key]:
            value[key] = None


def _leaves(value: Any, path: LeafPath) -> Iterator[tuple[LeafPath, Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    elif value not in _EMPTY and (value is not False or _is_probe_switch(path)):
        yield path, value


def _is_probe_switch(path: LeafPath) -> bool:
    return len(path) == 3 and path[1] in _PROBES and path[2] == "enabled"
