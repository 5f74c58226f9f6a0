"""Argo CD's own tests of deploy/argocd, in its layout: health, and which actions there are and what they change."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime, lua_type

from local.cluster import CHECKOUT
from runai_nim.domain.status import ROWS

CUSTOMIZATIONS = CHECKOUT / "deploy" / "argocd" / "resource_customizations"
OURS = CUSTOMIZATIONS / "runai-nim.io" / "RunaiNimService"
NOW = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def run(script: Path, obj: dict[str, Any]) -> Any:
    """What a script returns for an object, as Argo CD runs it: with `obj`, and little else."""
    lua = LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    lua.globals()["obj"] = to_lua(lua, obj)
    return from_lua(lua.execute(script.read_text(encoding="utf-8")))


def to_lua(lua: LuaRuntime, value: Any) -> Any:
    if isinstance(value, dict):
        return lua.table_from({key: to_lua(lua, below) for key, below in value.items()})
    if isinstance(value, list):
        return lua.table_from([to_lua(lua, item) for item in value])
    return value


def from_lua(value: Any) -> Any:
    if lua_type(value) != "table":
        return value
    plain = {key: from_lua(below) for key, below in value.items()}
    return list(plain.values()) if plain and all(isinstance(key, int) for key in plain) else plain


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def health_tests() -> Iterator[Any]:
    for path in sorted(CUSTOMIZATIONS.glob("*/*/health_test.yaml")):
        for test in load(path)["tests"]:
            yield pytest.param(path.parent, test, id=f"{path.parent.name}-{Path(test['inputPath']).stem}")


@pytest.mark.parametrize(("folder", "test"), list(health_tests()))
def test_health(folder: Path, test: dict[str, Any]) -> None:
    assert run(folder / "health.lua", load(folder / test["inputPath"])) == test["healthStatus"]


def test_every_input_is_used() -> None:
    for folder in CUSTOMIZATIONS.glob("*/*"):
        used = {Path(test["inputPath"]).name for test in load(folder / "health_test.yaml")["tests"]}
        assert used == {path.name for path in (folder / "testdata").iterdir()}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.when)
def test_every_row_of_the_status_table_has_a_health(row: Any) -> None:
    reason = row.reason if isinstance(row.reason, str) else "Unschedulable"
    conditions = [{"type": "Ready", "status": row.ready, "reason": reason, "message": row.when}]
    if row.progress:
        conditions.append({"type": row.progress, "status": "True", "reason": reason, "message": row.when})
    status = {"observedGeneration": 1, "phase": row.phase, "conditions": conditions}

    health = run(OURS / "health.lua", {"metadata": {"generation": 1}, "status": status})

    assert health["message"] == row.when
    assert (row.ready == "True") == (health["status"] in ("Healthy", "Suspended"))
    assert row.progress != "Stalled" or health["status"] == "Degraded"


ACTIONS = load(OURS / "actions" / "action_test.yaml")


@pytest.mark.parametrize("test", ACTIONS["discoveryTests"], ids=lambda test: test["inputPath"])
def test_discovery(test: dict[str, Any]) -> None:
    found = run(OURS / "actions" / "discovery.lua", load(OURS / "actions" / test["inputPath"]))

    assert found == {action.pop("name"): action for action in (dict(action) for action in test["result"])}


@pytest.mark.parametrize("test", ACTIONS["actionTests"], ids=lambda test: test["action"])
def test_an_action(test: dict[str, Any]) -> None:
    folder = OURS / "actions"
    changed = run(folder / test["action"] / "action.lua", load(folder / test["inputPath"]))
    expected = load(folder / test["expectedOutputPath"])

    assert NOW.sub("2026-01-01T00:00:00Z", yaml.safe_dump(changed)) == yaml.safe_dump(expected)


def test_every_action_is_offered_and_tried() -> None:
    there = {path.parent.name for path in (OURS / "actions").glob("*/action.lua")}

    assert there == {test["action"] for test in ACTIONS["actionTests"]}
    assert there == {action["name"] for action in ACTIONS["discoveryTests"][0]["result"]}
