"""The chart's values: scripts/values.yaml and the operator's settings → values.yaml, its JSON schema, its reference.

An object that lists its properties takes no others, so that a misspelt value is refused.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from runai_nim.config.settings import Settings
from runai_nim.config.settings_loader import load_settings

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "scripts/values.yaml"
NOTICE = f"Generated from {SOURCE} and operator/runai_nim/config/settings.py by scripts/generate.py. Do not edit."
ABOUT_SETTINGS = (
    "Settings of the operator. One that is left out has the default of the dialect, but for leader_election and "
    "lease_namespace, which the chart sets. A change restarts the pods. These are all of them, each with its default:"
)

Node = dict[str, Any]

_RENAMED = {"gt": "exclusiveMinimum", "ge": "minimum", "le": "maximum"}
_LEFT_OUT = ("title", "default", "anyOf", "$ref")


def schema_text() -> str:
    """Return the JSON schema that Helm holds values against."""
    root = {"$schema": "http://json-schema.org/draft-07/schema#", "$comment": NOTICE, "title": "Values", **_values()}
    return json.dumps(_closed(root), indent=2, ensure_ascii=False) + "\n"


def values_text() -> str:
    """Return values.yaml: every value with its default, under what the source says of it."""
    return f"# {NOTICE}\n" + "".join(_value(name, node, 0) for name, node in _values()["properties"].items())


def reference_text() -> str:
    """Return every value as a page."""
    rows = "\n".join(
        f"| `{path}` | {_type(node)} | `{json.dumps(node['default'])}` | {node['description']} |"
        for path, node in _leaves(_values())
    )
    return f"""<!-- {NOTICE} -->

# Values of the chart

`charts/runai-nim-operator`. What isn't here is refused, as is a value of another type.

| value | type | default | meaning |
| --- | --- | --- | --- |
{rows}

## settings

What the operator reads from its settings file. Strings that have no default are `""`. Where the dialect `kai` has
another default than `runai`, it stands in the last column. [deploy/settings.yaml](../../deploy/settings.yaml) says more
of each.

| value | type | default | meaning | default with kai |
| --- | --- | --- | --- | --- |
{chr(10).join(_setting_rows())}
"""


def _values() -> Node:
    properties = yaml.safe_load((ROOT / SOURCE).read_text(encoding="utf-8"))
    # Beside replicas: what the pods do before what they are made of.
    before, after = _split(properties, "extraEnv")
    return {"type": "object", "properties": before | {"settings": _settings()} | after}


def _split(properties: Node, at: str) -> tuple[Node, Node]:
    index = list(properties).index(at)
    items = list(properties.items())
    return dict(items[:index]), dict(items[index:])


def _settings() -> Node:
    schema = Settings.model_json_schema()
    properties = {name: _setting(node, schema["$defs"]) for name, node in schema["properties"].items()}
    return {"type": "object", "default": {}, "description": ABOUT_SETTINGS, "properties": properties}


def _setting(node: Node, definitions: Node) -> Node:
    """A setting as Helm can check it: null takes a value away there, and "" says none."""
    choices: list[Node] = [choice for choice in node.get("anyOf", []) if choice != {"type": "null"}]
    parts = definitions[node["$ref"].rpartition("/")[2]] if "$ref" in node else {}
    kept = {_RENAMED.get(key, key): value for key, value in {**parts, **node}.items() if key not in _LEFT_OUT}
    if parts:
        kept["properties"] = {name: _setting(part, definitions) for name, part in parts["properties"].items()}
    return kept | (choices[0] if choices else {})


def _closed(node: Node) -> Node:
    """The schema without what is for people alone to read, and closed where it lists its properties."""
    closed = dict(node)
    if "properties" in node:
        closed["properties"] = {name: _closed(below) for name, below in node["properties"].items()}
        if "required" not in node:  # an item of a list of Kubernetes' own, of which only the name is of interest here
            closed["additionalProperties"] = False
    return closed


def _value(name: str, node: Node, depth: int) -> str:
    pad = "  " * depth
    comment = textwrap.fill(node["description"], 118, initial_indent=pad + "# ", subsequent_indent=pad + "# ")
    if name == "settings":
        given = (ROOT / "deploy" / "settings.yaml").read_text(encoding="utf-8").split("\n\n", 1)[1]
        return f"\n{comment}\n#\n{textwrap.indent(given, '#   ', lambda _: True)}settings: {{}}\n".replace(
            "#   \n", "#\n"
        )
    if "default" not in node:
        below = "".join(_value(inner, part, depth + 1) for inner, part in node["properties"].items())
        return f"\n{comment}\n{pad}{name}:\n{below}"
    default = yaml.safe_dump({name: node["default"]}, sort_keys=False, width=120)
    return ("" if depth else "\n") + f"{comment}\n{textwrap.indent(default, pad)}"


def _leaves(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    for name, below in node["properties"].items():
        here = f"{path}.{name}" if path else name
        if "default" in below:
            yield here, below | ({"description": "See below."} if here == "settings" else {})
        else:
            yield from _leaves(below, here)


def _setting_rows() -> Iterator[str]:
    runai, kai = (load_settings({"dialect": dialect}, {}) for dialect in ("runai", "kai"))
    for name, node in _settings()["properties"].items():
        ours, theirs = (_shown(getattr(settings, name)) for settings in (runai, kai))
        differs = theirs if theirs != ours and name != "dialect" else ""
        yield f"| `settings.{name}` | {_type(node)} | {ours} | {node['description']} | {differs} |"


def _shown(value: Any) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_defaults=True)
    value = "" if value is None else dict(value) if isinstance(value, Mapping) else value
    return f"`{json.dumps(value)}`"


def _type(node: Node) -> str:
    if "enum" in node:
        return ", ".join(f"`{str(value).lower() if isinstance(value, bool) else value}`" for value in node["enum"])
    return "list" if node["type"] == "array" else str(node["type"])
