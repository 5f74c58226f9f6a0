"""Every field that a NIMService may have comes back, or is reported: none is dropped without a word."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cluster import CHECKOUT
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.importing import import_nimservice
from runai_nim.domain.translate import translate
from tests.support.decisions import input_of
from tests.support.golden import stored
from tests.unit.domain.importing.test_hand_written import SPEC

CUT_DOWN = CHECKOUT / "local" / "crds" / "nimservices.yaml"
REAL_CRDS = Path(os.environ.get("NIM_OPERATOR_CRDS") or CHECKOUT.parent / "shared" / "nim-operator-crds")
FILES = [CUT_DOWN, *sorted(REAL_CRDS.glob("*nimservices*.yaml"))]
CONTEXT = Context(load_settings({}, {}), {"runai/queue": "team-a"})
Path_ = tuple[str | int, ...]
ELSEWHERE = {
    ("spec", "affinity", "nodeAffinity"): "the preference of a term that selects no pool",
    ("spec", "expose", "router", "hostDomainName"): "makes no route without ingress and gateway",
    ("spec", "livenessProbe", "enabled"): "true is the default",
    ("spec", "readinessProbe", "enabled"): "true is the default",
    ("spec", "startupProbe", "enabled"): "true is the default",
    ("spec", "priorityClassName"): "becomes a label",
    ("spec", "replicas"): "1 is the default",
    ("spec", "storage", "pvc"): "the claim's own properties become those of the claim that the operator creates",
}
"""Fields that come back in another form or say nothing, and why."""


def leaves(schema: dict[str, Any], path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Path and an example of every leaf below a schema; lists have one item."""
    if "properties" in schema:
        for name, part in schema["properties"].items():
            yield from leaves(part, (*path, name))
    elif "items" in schema:
        yield from leaves(schema["items"], (*path, 0))
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from leaves(schema["additionalProperties"], (*path, "example.com/key"))
    else:
        yield path, example(schema)


def example(schema: dict[str, Any]) -> Any:
    """A value of the schema's type that is no default."""
    if "enum" in schema:
        return schema["enum"][-1]
    examples = {"boolean": True, "integer": max(schema.get("minimum", 1), 7), "object": {"a": "b"}, "string": "high"}
    return examples.get(schema.get("type", "string"), "high")


def with_leaf(path: Path_, value: Any) -> dict[str, Any]:
    """A NIMService with this leaf; names of list items, and what else is required beside it, are left out."""
    made: Any = value
    for step in reversed(path[1:]):
        made = [made] if step == 0 else {step: made}
    spec = {**SPEC}
    for name, part in made.items():
        spec[name] = {**spec[name], **part} if isinstance(spec.get(name), dict) else part
    for switch in (spec["expose"].get("ingress"), spec.get("scale")):
        if switch:
            switch.setdefault("enabled", True)
    kind = {"apiVersion": "apps.nvidia.com/v1alpha1", "kind": "NIMService", "metadata": {"name": "llama"}}
    return {**kind, "spec": spec}


def value_at(value: Any, path: Path_) -> Any:
    for step in path:
        if isinstance(value, list) and step == 0:
            value = value[0] if value else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def is_reported(path: Path_, found: str) -> bool:
    text = ""
    for step in path:
        text += f".{step}" if str(step).isalnum() and step != 0 else f"[{step}]"
        if text.removeprefix(".") == found:
            return True
    return False


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_field_of_the_kind_comes_back_or_is_reported(file: Path) -> None:
    crd = yaml.safe_load(file.read_text(encoding="utf-8"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    lost = []
    for path, value in leaves(schema, ("spec",)):
        nimservice = with_leaf(path, value)
        imported = import_nimservice(nimservice, CONTEXT, "team-a")
        if any(is_reported(path, finding.path) for finding in imported.findings):
            continue
        desired = translate(input_of(stored(imported.manifest), CONTEXT))
        rejected = any(finding.severity == "error" for finding in desired.findings)
        is_kept = value_at(desired.nimservice, path) == value or any(path[: len(known)] == known for known in ELSEWHERE)
        if not rejected and not is_kept:
            lost.append((path, value))

    assert lost == []
