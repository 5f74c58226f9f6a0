"""`runai-nim explain`: describes a field, what it becomes, and why; or lists all fields."""

import textwrap
from collections.abc import Iterator

from runai_nim.api.ours import is_ours
from runai_nim.cli import terminal
from runai_nim.cli.fields import Field, fields_below, find_field, spec_field
from runai_nim.domain.translate.tables import TABLES

_WIDTH = 100


def explain(path: str | None) -> None:
    """Write the description of a field, or all fields. Raises CommandError for an unknown field."""
    for line in _description_lines(find_field(path)) if path else _tree():
        terminal.write_line(line)


def _tree() -> Iterator[str]:
    fields = (spec_field(), *fields_below(spec_field()))
    width = max(len(_indented_name(field)) for field in fields)
    for field in fields:
        yield f"{_indented_name(field):<{width}}  {field.type}"
    yield ""
    for rows in TABLES.values():
        yield from (f"{row.field}  {row.becomes}" for row in rows if row.field.startswith("metadata."))


def _indented_name(field: Field) -> str:
    path = field.path.replace("[]", "")
    return "  " * path.count(".") + path.rpartition(".")[2]


def _description_lines(field: Field) -> Iterator[str]:
    yield f"{field.path} ({field.type})"
    yield from _wrap(str(field.schema["description"]))
    if is_ours(field.path):
        yield from _wrap("Run:ai's API lacks this field.")
    if allowed := ", ".join(field.allowed_values):
        yield from ("", *_wrap(f"Allowed: {allowed}."))
    for kind, row in field.rows:
        yield ""
        subject = "Becomes" if row.field == field.path else f"{row.field} becomes"
        yield from _wrap(f"{subject}, in the {kind}: {row.becomes}.")
        if row.why:
            yield from _wrap(f"Why: {row.why}")
    if field.children:
        yield from ("", "Fields:")
        yield from _children_lines(field.children)


def _children_lines(children: tuple[Field, ...]) -> Iterator[str]:
    width = max(len(child.path) for child in children)
    for child in children:
        yield f"  {child.path:<{width}}  {child.type}"


def _wrap(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False)
