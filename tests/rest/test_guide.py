"""The lines of the guide that try the REST API out, typed as they are there."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from local.cluster import CHECKOUT
from local.control_plane import ControlPlane
from local.programs import programs
from local.rest import Rest

SECTION = re.compile(r"^## Try it$(.*?)^## ", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def blocks() -> list[str]:
    page = (CHECKOUT / "docs" / "guide" / "rest.md").read_text(encoding="utf-8")
    (section,) = SECTION.findall(page)
    return BLOCK.findall(section)


def test_the_process_starts_by_the_line_of_the_guide(blocks: list[str], rest: Rest) -> None:
    (line,) = (line for line in blocks[0].splitlines() if "runai_nim.rest" in line)
    assert line.startswith(".venv/bin/python -m runai_nim.rest --host 127.0.0.1 --port 8080")


def test_curl_creates_reads_and_lists_a_workload(
    blocks: list[str], rest: Rest, control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    script = "".join(blocks[1:]).replace("http://127.0.0.1:8080", rest.url).replace("runai-team-a", namespace)
    script = script.replace(f"kubectl create namespace {namespace}", "true").replace("team-a", f"team-{namespace}")
    environment = {
        "PATH": f"{programs()}{os.pathsep}{os.environ['PATH']}",
        "KUBECONFIG": str(control_plane.kubeconfig),
        "HOME": str(tmp_path),
        "no_proxy": "127.0.0.1",
    }

    answer = subprocess.run(["sh", "-eu", "-c", script], env=environment, capture_output=True, text=True, check=False)

    assert answer.returncode == 0, answer.stderr
    assert '"name":"llama"' in answer.stdout.replace('": ', '":')
    assert "runainimservice.runai-nim.io/llama" in answer.stdout
    assert (
        f'"projectName":"team-{namespace}","namespace":"{namespace}","type":"NIMService","name":"llama"'
        in answer.stdout
    )
    assert answer.stdout.endswith('{"count":1}')
