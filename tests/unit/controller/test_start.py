"""What the operator's process says if it can't start."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def start(kubeconfig: Path) -> tuple[int, list[dict[str, str]]]:
    """Exit code and log of the process, whose lines must all be JSON."""
    command = [sys.executable, "-m", "runai_nim"]
    answer = subprocess.run(
        command, env={"KUBECONFIG": str(kubeconfig)}, capture_output=True, text=True, check=False, timeout=60
    )
    return answer.returncode, [json.loads(line) for line in (answer.stdout + answer.stderr).splitlines()]


@pytest.mark.parametrize("content", [None, "", "plain text", "{a: b}", "[]", "clusters: 1", "{", "contexts: [1]"])
def test_without_a_usable_kubeconfig_a_line_says_so_and_no_traceback(content: str | None, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    if content is not None:
        kubeconfig.write_text(content)

    code, log = start(kubeconfig)

    errors = [line["message"] for line in log if line["level"] == "ERROR"]
    assert code == 1
    assert len(errors) == 1
    assert "no usable kubeconfig: " in errors[0]
    assert errors[0].endswith("; name one in the environment variable KUBECONFIG")
    assert not any("exc_info" in line for line in log)
