"""The examples of the guide: their output is what the command prints."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide" / "command-line.md"
EXAMPLES = re.findall(r"^```console\n\$ (.*?)\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


HASH = re.compile(r"\b[0-9a-f]{16}\b")


@pytest.mark.parametrize(("command", "output"), EXAMPLES)
def test_an_example_prints_what_the_guide_shows(command: str, output: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    answer = subprocess.run(
        ["sh", "-c", command],
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert HASH.sub("<hash>", answer.stdout) == HASH.sub("<hash>", output)


def test_every_command_has_an_example() -> None:
    shown = {re.search(r"runai-nim (\w+)", command)[1] for command, _ in EXAMPLES}  # type: ignore[index]

    assert shown == {"render", "validate", "diff", "explain", "convert"}
