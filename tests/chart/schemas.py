"""What an API server says of its kinds, as JSON schemas that kubeconform reads, with no field beside the known ones."""

import json
from pathlib import Path
from typing import Any

LOCATION = "{{.ResourceKind}}{{.KindSuffix}}.json"
"""kubeconform's template for the files."""
_AMOUNT = "io.k8s.apimachinery.pkg.api.resource.Quantity"


def write_schemas(openapi: dict[str, Any], folder: Path) -> None:
    """Write a file for each kind of an OpenAPI v2 document."""
    definitions = {name: _closed(definition) for name, definition in openapi["definitions"].items()}
    definitions[_AMOUNT] = {"type": ["string", "number"]}
    (folder / "definitions.json").write_text(json.dumps({"definitions": definitions}))
    for name, definition in definitions.items():
        for kind in definition.get("x-kubernetes-group-version-kind", ()):
            group = kind["group"].split(".")[0]
            parts = [part for part in (kind["kind"], group, kind["version"]) if part]
            path = folder / f"{'-'.join(parts).lower()}.json"
            path.write_text(json.dumps({"$ref": f"definitions.json#/definitions/{name}"}))


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if closed.get("format") == "int-or-string":
        return {"type": ["string", "integer"]}
    if isinstance(closed.get("properties"), dict) and "x-kubernetes-preserve-unknown-fields" not in closed:
        closed.setdefault("additionalProperties", False)
    return closed
