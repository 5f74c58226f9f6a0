"""The command line as its users have it: arguments and input go in, output and exit code come out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from runai_nim.cli.app import app


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


Run = Callable[..., Answer]


@pytest.fixture
def run() -> Run:
    """run("validate", "-f", path, stdin=...) -> Answer; whatever is raised but an exit fails the test."""

    def run(*arguments: Any, stdin: str | bytes = "") -> Answer:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, catch_exceptions=False)
        return Answer(result.exit_code, result.stdout, result.stderr)

    return run


MINIMAL = """\
apiVersion: runai-nim.io/v1alpha1
kind: RunaiNimService
metadata:
  name: llama
spec:
  image: nvcr.io/nim/meta/llama:1.0
  ngcAuthSecret: ngc
  modelStore:
    nimCache: {name: cache}
  servingPort: {port: 8000}
  compute: {gpuDevicesRequest: 1}
"""
"""Eleven lines; what a case adds begins in line 12, as a part of spec."""
