"""What `make e2e` says where it can't run. That it runs is shown where there is a container engine alone."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from local.cluster import CHECKOUT
from local.e2e import images_of_samples


def e2e(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`make e2e` with the programs of one folder."""
    given = {name: value for name, value in os.environ.items() if name != "NIM_OPERATOR_CHART"}
    command = [sys.executable, "-m", "local", "e2e"]
    return subprocess.run(
        command,
        cwd=CHECKOUT,
        env=given | {"PATH": str(path)} | environment,
        text=True,
        capture_output=True,
        check=False,
    )


def program(folder: Path, name: str, code: int) -> None:
    """A program that does nothing but end with a code."""
    path = folder / name
    path.write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("there", "why"),
    [
        ({}, "there is no docker"),
        ({"docker": 0}, "there is no kind"),
        ({"docker": 1, "kind": 0}, "Docker does not run"),
    ],
)
def test_without_an_engine_one_line_says_that_nothing_was_proven(
    there: dict[str, int], why: str, tmp_path: Path
) -> None:
    for name, code in there.items():
        program(tmp_path, name, code)
    ended = e2e(tmp_path)

    assert (ended.returncode, ended.stdout) == (0, f"make e2e: skipped, nothing is proven: {why}.\n")


def test_the_nim_operator_s_chart_is_asked_for(tmp_path: Path) -> None:
    for name in ("docker", "kind"):
        program(tmp_path, name, 0)
    ended = e2e(tmp_path)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert "NIM_OPERATOR_CHART=" in ended.stderr


def test_the_models_of_the_samples_have_an_image() -> None:
    assert images_of_samples() >= {"nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.5"}
