"""`runai-nim explain`: a field, what it becomes and why; or all fields, one per line. Decides nothing."""

import textwrap
from collections.abc import Iterator

from runai_nim.cli import terminal
from runai_nim.cli.fields import Field, below, find, spec
from runai_nim.domain.translate.tables import TABLES

_WIDTH = 100


def explain(path: str | None) -> None:
    """Write what is known of a field, or all fields. Raises CommandError for a field that the API doesn't have."""
    for line in _described(find(path)) if path else _tree():
        terminal.write_line(line)


def _tree() -> Iterator[str]:
    fields = (spec(), *below(spec()))
    width = max(len(_indented(field)) for field in fields)
    for field in fields:
        yield f"{_indented(field):<{width}}  {field.type}"
    yield ""
    for rows in TABLES.values():
        yield from (f"{row.field}  {row.becomes}" for row in rows if row.field.startswith("metadata."))


def _indented(field: Field) -> str:
    path = field.path.replace("[]", "")
    return "  " * path.count(".") + path.rpartition(".")[2]


def _described(field: Field) -> Iterator[str]:
    yield f"{field.path} ({field.type})"
    yield from _wrapped(str(field.schema["description"]))
    if allowed := ", ".join(field.allowed):
        yield from ("", *_wrapped(f"Allowed: {allowed}."))
    for kind, row in field.rows:
        yield ""
        subject = "Becomes" if row.field == field.path else f"{row.field} becomes"
        yield from _wrapped(f"{subject}, in the {kind}: {row.becomes}.")
        if row.why:
            yield from _wrapped(f"Why: {row.why}")
    if field.children:
        yield from ("", "Fields:")
        yield from _listed(field.children)


def _listed(children: tuple[Field, ...]) -> Iterator[str]:
    width = max(len(child.path) for child in children)
    for child in children:
        yield f"  {child.path:<{width}}  {child.type}"


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False)
