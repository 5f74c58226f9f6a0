"""Parses YAML or JSON into documents: values as in JSON, with the position of each in the text.

It reads, and rejects, the same as the Go YAML parsers of Kubernetes.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import yaml

from runai_nim.cli.diagnostic import CommandError, Diagnostic, Position
from runai_nim.cli.input_files import InputText, read_input

MAX_DOCUMENT_DEPTH: Final = 100
"""Maximum nesting of a document. The API server's types have fewer than 20 levels."""
MAX_DOCUMENT_VALUES: Final = 300_000
"""Maximum number of values in a text; an alias counts as the values that it refers to."""
_MAX_STEPS: Final = 64
"""Number of dots and brackets in a path that are tried as the end of its next key."""
_TOO_DEEP: Final = f"must not be nested deeper than {MAX_DOCUMENT_DEPTH} levels"
_TOO_MANY: Final = f"must contain at most {MAX_DOCUMENT_VALUES} values, with aliases expanded: split it"

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = f"{_TAG}merge"
# PyYAML reads JSON's 1e3 as a string, and 22:30 as a number with base 60.
_EXPONENT: Final = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+")
_TWO_HALVES: Final = re.compile(r"((?<!\\)(?:\\\\)*)(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})")
_STEPS: Final = re.compile(r"[.\[]")
_LARGEST_BITS: Final = 1024
"""Maximum size of an integer: a floating-point number's range. Go converts it; Python can't print much larger ones."""
_CONSTRUCTOR: Final[Any] = yaml.constructor.SafeConstructor()

ValuePositions = dict[str | int, Position]


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a text, or an object of a cluster.

    `positions`: of the keys and items of each mapping and list in `value`, by its id; an object of a cluster has none.
    """

    file: str
    value: Any
    position: Position
    positions: Mapping[int, ValuePositions] = field(repr=False)

    def locate(self, path: str, start: Any = None, position: Position | None = None) -> Position:
        """The position of `path` (`spec.nodePools[2]`, `metadata.labels[a/b]`), or of the nearest enclosing value.

        The path is relative to `start`, a mapping of this document at `position`; by default to the document itself.
        """
        value, found = (self.value, self.position) if start is None else (start, position or self.position)
        rest = path
        while rest and self.positions and (step := _step(value, rest)):
            key, rest = step
            found = self.positions[id(value)][key]
            value = value[key]
        return found


def _step(value: Any, path: str) -> tuple[Any, str] | None:
    """The key of `value` with which `path` continues, and the rest. Keys may contain dots, so the longest match
    wins."""
    if isinstance(value, list):
        match = re.match(r"\[([0-9]{1,9})\]", path)
        return (int(match[1]), path[match.end() :]) if match and int(match[1]) < len(value) else None
    if not isinstance(value, dict):
        return None
    starts = islice(_STEPS.finditer(path, 1), _MAX_STEPS)
    for end in (len(path), *reversed([start.start() for start in starts])):
        text = path[:end]
        for key in (text[1:] if text[0] == "." else text, text[1:-1] if text[0] + text[-1] == "[]" else text):
            if key in value:
                return key, path[end:]
    return None


class _UnusableError(Exception):
    """The document is unreadable after `mark`."""

    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(message)
        self.mark = mark


@dataclass
class _Reader:
    """Converts the nodes of one text to values and records their positions."""

    file: str
    places: dict[int, ValuePositions] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _referenced_values: list[Any] = field(default_factory=list)
    """Keeps every mapping and list with positions alive, so that ids stay unique."""
    _count: int = 0

    def value(self, node: yaml.Node, depth: int = 0) -> Any:
        self._count += 1
        if self._count > MAX_DOCUMENT_VALUES:
            raise _UnusableError(_TOO_MANY, node.start_mark)
        if depth > MAX_DOCUMENT_DEPTH:
            raise _UnusableError(_TOO_DEEP, node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if node.tag not in (f"{_TAG}seq", f"{_TAG}map"):
            raise _UnusableError(_unsupported_tag(node), node.start_mark)
        return self._list(node, depth) if isinstance(node, yaml.SequenceNode) else self._mapping(node, depth)

    def _list(self, node: yaml.SequenceNode, depth: int) -> list[Any]:
        result = [self.value(item, depth + 1) for item in node.value]
        self._keep(result, {index: _position(item.start_mark) for index, item in enumerate(node.value)})
        return result

    def _mapping(self, node: yaml.Node, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        places: ValuePositions = {}
        merged: list[dict[str, Any]] = []
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged += self._merge_sources(value_node, depth)
                continue
            key = self._key(key_node)
            position = _position(key_node.start_mark)
            if key in result:
                self._report_duplicate(key, position, places[key])
            result[key] = self.value(value_node, depth + 1)
            places[key] = position
        for other in merged:
            for key in [key for key in other if key not in result]:
                result[key] = other[key]
                places[key] = self.places[id(other)][key]
        self._keep(result, places)
        return result

    def _merge_sources(self, node: yaml.Node, depth: int) -> list[dict[str, Any]]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found = [self.value(one, depth + 1) for one in nodes]
        if not all(isinstance(one, dict) for one in found):
            raise _UnusableError("<< must refer to a mapping", node.start_mark)
        return found

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise _UnusableError("a key must be a string", node.start_mark)
        return str(node.value)

    def _report_duplicate(self, key: str, again: Position, first: Position) -> None:
        message = f'duplicate key "{key}" in lines {first.line} and {again.line}: remove one'
        self.diagnostics.append(Diagnostic(self.file, again, message, reason="DuplicateKey"))

    def _keep(self, value: Any, places: ValuePositions) -> None:
        self._referenced_values.append(value)
        self.places[id(value)] = places


def read_documents(text: InputText) -> Iterator[Document | Diagnostic]:
    """All non-empty documents of a text, and its YAML errors. Never raises for any text."""
    if text.failure:
        yield text.failure
        return
    content = _replace_surrogates(text.content)
    try:
        _check_extent(content)
        for node in yaml.compose_all(content, Loader=_LOADER):
            reader = _Reader(text.name)
            value = reader.value(node)
            yield from reader.diagnostics
            if value is not None:
                yield Document(text.name, value, _position(node.start_mark), reader.places)
    except (_UnusableError, yaml.YAMLError) as error:
        yield _unusable_diagnostic(text, error)


def _replace_surrogates(content: str) -> str:
    """Join surrogate pairs, with which JSON escapes characters beyond 16 bits and which YAML rejects."""
    if content.lstrip()[:1] not in ("{", "["):
        return content
    return _TWO_HALVES.sub(lambda match: match[1] + json.loads(f'"{match[2]}"'), content)


def read_single_document(argument: str) -> Document:
    """The single document of a file or of standard input; an empty one if there is none. Raises CommandError."""
    documents: list[Document] = []
    for text in read_input(argument):
        for found in read_documents(text):
            if isinstance(found, Diagnostic):
                raise CommandError(f"{found.place} {found.message}")
            documents.append(found)
    if len(documents) > 1:
        raise CommandError(f"{argument} must contain one document: it contains {len(documents)}")
    return documents[0] if documents else Document(argument, {}, Position(), {})


def _check_extent(content: str) -> None:
    """Check size and nesting before the document is built, because the C parser has no limits."""
    depth = 0
    for count, event in enumerate(yaml.parse(content, Loader=_LOADER)):
        if count > 3 * MAX_DOCUMENT_VALUES:  # a mapping has an event for its key, its value and its end
            raise _UnusableError(_TOO_MANY, event.start_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DOCUMENT_DEPTH:
                raise _UnusableError(_TOO_DEEP, event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _unusable_diagnostic(text: InputText, error: Exception) -> Diagnostic:
    mark = getattr(error, "problem_mark", None) or getattr(error, "mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    if isinstance(error, _UnusableError):
        return Diagnostic(text.name, _position(mark), reason)
    return Diagnostic(text.name, _position(mark) if mark else Position(1, 1), f"must be YAML or JSON: {reason}")


def _position(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1)


def _unsupported_tag(node: yaml.Node) -> str:
    return f"must not have the YAML tag {node.tag}: Kubernetes supports no tags"


def _scalar(node: yaml.ScalarNode) -> Any:
    kind = node.tag.removeprefix(_TAG)
    text = str(node.value)
    if kind == "str" and not node.style and _EXPONENT.fullmatch(text):
        kind = "float"
    if kind in ("str", "timestamp", "value") or (kind in ("int", "float") and ":" in text):
        return text
    if kind not in _SCALARS:
        raise _UnusableError(_unsupported_tag(node), node.start_mark)
    try:
        value = _SCALARS[kind](node)
        if isinstance(value, int) and value.bit_length() > _LARGEST_BITS:
            raise ValueError("too large")
    except (LookupError, ValueError) as error:  # of an empty text, IndexError
        raise _UnusableError(f"must be a valid {kind}", node.start_mark) from error
    if isinstance(value, float) and not math.isfinite(value):
        raise _UnusableError("must be a finite number", node.start_mark)
    return value


_SCALARS: Final[Mapping[str, Any]] = {
    "null": lambda _: None,
    "bool": _CONSTRUCTOR.construct_yaml_bool,
    "int": _CONSTRUCTOR.construct_yaml_int,
    "float": lambda node: float(str(node.value).replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan")),
}
