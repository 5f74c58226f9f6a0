"""What a repository has beside its code: hooks, templates, metadata. They agree with the gate and name no host."""

import re
import subprocess
import tomllib
from typing import Any

import pytest
import yaml

from local.cluster import CHECKOUT

MAKEFILE = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
TEMPLATES = sorted((CHECKOUT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_hooks_run_what_the_gate_runs_and_fetch_nothing() -> None:
    config = yaml.safe_load((CHECKOUT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    programs = {hook["entry"].split()[0] for hook in hooks}

    assert {repository["repo"] for repository in config["repos"]} == {"local"}
    assert {hook["language"] for hook in hooks} == {"system"}
    assert programs == {".venv/bin/ruff", ".venv/bin/codespell", "make"}
    assert all(f"$(RUN){program.removeprefix('.venv/bin/')}" in MAKEFILE for program in programs - {"make"})


def test_make_check_is_what_ci_runs() -> None:
    ran = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "check"], cwd=CHECKOUT, check=True, capture_output=True, text=True
    )

    assert ran.stdout.split() == [".ci/run"]


def test_make_help_lists_every_target() -> None:
    shown = subprocess.run(["make", "help"], cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout

    assert re.findall(r"^  (\S+) ", shown, re.MULTILINE) == re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_form_for_issues_asks_something(path: Any) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))

    if path.name != "config.yml":
        assert form.keys() == {"name", "description", "labels", "body"}
        ids = [field["id"] for field in form["body"] if field["type"] != "markdown"]
        assert len(ids) == len(set(ids)) > 0


def test_the_package_says_that_it_is_typed_and_that_no_index_takes_it() -> None:
    assert (CHECKOUT / "operator" / "runai_nim" / "py.typed").exists()
    assert {"Typing :: Typed", "Private :: Do Not Upload"} <= set(PROJECT["classifiers"])
    assert (CHECKOUT / "NOTICE").exists()
