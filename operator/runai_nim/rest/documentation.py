"""The OpenAPI document as one HTML page, without scripts and without anything from elsewhere."""

import html
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}"
    "code{font:13px/1.4 ui-monospace,monospace;background:#f3f3f3;padding:.1em .3em;border-radius:3px}"
    "section{border:1px solid #ddd;border-radius:6px;padding:.2em 1em 1em;margin:1em 0}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3em .8em .3em 0;"
    "border-top:1px solid #eee}th{font-weight:600}.method{font-weight:700;color:#fff;background:#36c;border-radius:3px;"
    "padding:.1em .5em}.required{color:#b00}"
)


def documentation_page(document: Mapping[str, Any]) -> str:
    """An HTML page with every call, and every type as a table of its fields."""
    info = document["info"]
    schemas = document["components"]["schemas"]
    calls = [
        (method.upper(), path, call) for path, methods in document["paths"].items() for method, call in methods.items()
    ]
    title = html.escape(info["title"])
    return "".join(
        (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>',
            f"<h1>{title}</h1><p>{html.escape(info['description'])}</p>",
            f'<p>Version {html.escape(info["version"])}. <a href="openapi.json">openapi.json</a> for programs.</p>',
            "<h2>Calls</h2>",
            *(_call(*call) for call in calls),
            "<h2>Types</h2>",
            *(_type(name, schema) for name, schema in schemas.items()),
            "</html>",
        )
    )


def _call(method: str, path: str, call: Mapping[str, Any]) -> str:
    body = _content(call.get("requestBody", {}))
    token = "" if call.get("security") else "<p>Needs no token.</p>"
    answers = [
        (code, html.escape(answer["description"]), _content(answer)) for code, answer in call["responses"].items()
    ]
    parameters = [
        (_field(one["name"], is_required=one["required"]), _type_of(one["schema"]), _text(one))
        for one in call.get("parameters", ())
    ]
    return (
        f'<section><h3><span class="method">{method}</span> <code>{html.escape(path)}</code></h3>'
        f"<p>{html.escape(call['summary'])}.</p>{token}{f'<p>Body: {body}</p>' if body else ''}"
        f"{_table(('parameter', 'type', 'meaning'), parameters) if parameters else ''}"
        f"{_table(('answer', 'meaning', 'body'), answers)}</section>"
    )


def _content(holder: Mapping[str, Any]) -> str:
    return ", ".join(_type_of(content["schema"]) for content in holder.get("content", {}).values())


def _type(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        (_field(field, is_required=field in required), _type_of(one), _text(one))
        for field, one in schema.get("properties", {}).items()
    ]
    fields = _table(("field", "type", "meaning"), rows) if rows else f"<p>{_type_of(schema)}</p>"
    return f'<section id="{html.escape(name)}"><h3>{html.escape(name)}</h3><p>{_text(schema)}</p>{fields}</section>'


def _field(name: str, *, is_required: bool) -> str:
    return f"<code>{html.escape(name)}</code>" + (' <span class="required">required</span>' if is_required else "")


def _text(described: Mapping[str, Any]) -> str:
    return html.escape(described.get("description", ""))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of cells in HTML."""
    return f"<table>{_row('th', head)}{''.join(_row('td', row) for row in rows)}</table>"


def _row(tag: str, cells: tuple[str, ...]) -> str:
    return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"


def _type_of(schema: Mapping[str, Any]) -> str:
    """A type in HTML: a link, `list of …`, the allowed values, or a JSON type with its bounds. null is left out."""
    if "$ref" in schema:
        name = html.escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_type_of(one) for one in alternatives if one.get("type") != "null"))
    if values := schema.get("enum") or ([schema["const"]] if "const" in schema else []):
        return ", ".join(f"<code>{html.escape(str(value))}</code>" for value in values)
    if "items" in schema:
        return f"list of {_type_of(schema['items'])}"
    bounds = ", ".join(_bounds(schema))
    return html.escape(schema.get("type", "any")) + (f" ({html.escape(bounds)})" if bounds else "")


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    words = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    yield from (f"{word} {schema[bound]}" for bound, word in words.items() if bound in schema)
    if "maxLength" in schema:
        yield f"at most {schema['maxLength']} characters"
    if "format" in schema:
        yield schema["format"]
