"""The guide's examples: manifests with nothing wrong in them, values of the chart, commands that print just that."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cluster import CHECKOUT
from runai_nim.cli.cluster.commands import commands
from runai_nim.config.settings_loader import load_settings
from tests.docs.guide import PAGES, documents

EXAMPLE = re.compile(r"^```console\n\$ (.*?)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HASH = re.compile(r"\b[0-9a-f]{16}\b")
VALUES = json.loads((CHECKOUT / "charts/runai-nim-operator/values.schema.json").read_text(encoding="utf-8"))
ON_A_CLUSTER = [command.name for command in commands.registered_commands]
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def settings_of(page: Path) -> list[dict[str, Any]]:
    """Those of the values that the page shows; else the defaults."""
    return [document["settings"] for document in documents(page) if "settings" in document] or [{}]


MANIFESTS = [
    pytest.param(document, settings, id=f"{page.stem}-{document['metadata']['name']}-{settings.get('external_mode')}")
    for page in PAGES
    for settings in settings_of(page)
    for document in documents(page)
    if document.get("kind") == "RunaiNimService"
]


@pytest.mark.parametrize(("manifest", "settings"), MANIFESTS)
def test_nothing_is_wrong_with_a_manifest(manifest: dict[str, Any], settings: dict[str, Any], tmp_path: Path) -> None:
    (file := tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings))
    command = ["runai-nim", "validate", "-f", "-", f"--settings={file}", "--namespace-label=runai/queue=team-a"]

    answer = subprocess.run(
        command, input=yaml.safe_dump(manifest), env=ENVIRONMENT, capture_output=True, text=True, check=False
    )

    said = "1 RunaiNimService checked: no errors, no warnings\n"
    assert (answer.stdout, answer.stderr, answer.returncode) == ("", said, 0)


def test_each_page_of_what_a_manifest_says_has_one() -> None:
    with_one = {page.stem for page in PAGES for made in documents(page) if made.get("kind") == "RunaiNimService"}

    assert with_one == {
        "autoscaling",
        "compute",
        "container",
        "environment",
        "exposure",
        "first-nim",
        "metadata",
        "model-store",
        "multi-node",
        "scheduling",
    }


def unknown(values: dict[str, Any], schema: dict[str, Any], path: str = "") -> list[str]:
    """Paths of values that the chart does not have."""
    known = schema.get("properties")
    found = []
    if known is None:
        return []
    for name, value in values.items():
        if name not in known:
            found.append(path + name)
        elif isinstance(value, dict):
            found += unknown(value, known[name], f"{path}{name}.")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_values_are_those_of_the_chart(page: Path) -> None:
    for document in documents(page):
        if "kind" not in document:
            assert unknown(document, VALUES) == []
            load_settings(document.get("settings"), {})


def test_an_unknown_value_is_found() -> None:
    assert unknown({"rest": {"tls": {"secret": "x"}, "enabled": True}, "x": 1}, VALUES) == ["rest.tls.secret", "x"]


EXAMPLES = [
    pytest.param(command, output, id=f"{page.stem}-{command[:40]}")
    for page in PAGES
    for command, output in EXAMPLE.findall(page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("command", "output"), EXAMPLES)
def test_an_example_prints_what_the_guide_shows(command: str, output: str) -> None:
    answer = subprocess.run(
        ["sh", "-c", command],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=CHECKOUT,
    )

    assert HASH.sub("<hash>", answer.stdout) == HASH.sub("<hash>", output)


def test_every_command_has_an_example() -> None:
    page = (CHECKOUT / "docs" / "guide" / "command-line.md").read_text(encoding="utf-8")
    shown = {found[1] for command, _ in EXAMPLE.findall(page) if (found := re.search(r"runai-nim (\w+)", command))}

    assert shown == {"render", "validate", "diff", "explain", "convert", "import"}


def test_every_command_on_a_cluster_is_shown() -> None:
    page = (CHECKOUT / "docs" / "guide" / "command-line.md").read_text(encoding="utf-8")

    assert [name for name in ON_A_CLUSTER if f"\nrunai-nim {name}" not in page] == []
