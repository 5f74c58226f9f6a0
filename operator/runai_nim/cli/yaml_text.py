"""Formats values as YAML with one scalar on each line and optional comments."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import yaml

from runai_nim.api import syntax
from runai_nim.domain.translate.rules import LeafPath

_WIDTH: Final = 2**20
"""Lines are not folded, so every scalar ends on its first line."""
_MAX_COMMENT_COLUMN: Final = 88
"""Comments are aligned up to this column; on longer lines they follow the text."""
_LINE_BREAKS: Final = frozenset("\n\r\x85\u2028\u2029")


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if _LINE_BREAKS & set(text):
        style = '"'  # where a line break is written as \n
    elif not syntax.is_yaml_text(text):
        style = "'"  # PyYAML leaves some words unquoted that Go's parsers read as numbers
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def to_yaml(value: Any) -> str:
    """Format one document; keys keep their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


def to_annotated_yaml(value: Any, origin_of: Callable[[LeafPath], str]) -> str:
    """Like `to_yaml`, with `# <note>` on each line that has a value and a note."""
    lines = to_yaml(value).splitlines()
    ends = {line: path for path, line in _leaf_lines(yaml.compose("\n".join(lines) + "\n"), ())}
    notes = {line: text for line, path in ends.items() if (text := origin_of(path))}
    column = max((len(lines[line]) for line in notes if len(lines[line]) <= _MAX_COMMENT_COLUMN), default=0)
    for line, text in notes.items():
        lines[line] = f"{lines[line]:<{column}}  # {text}"
    return "\n".join(lines) + "\n"


def _leaf_lines(node: Any, path: LeafPath) -> Iterator[tuple[LeafPath, int]]:
    if isinstance(node, yaml.MappingNode) and node.value:
        for key, value in node.value:
            yield from _leaf_lines(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode) and node.value:
        for index, item in enumerate(node.value):
            yield from _leaf_lines(item, (*path, index))
    elif node is not None:
        yield path, node.start_mark.line
