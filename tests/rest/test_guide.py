"""The lines of the guide that try the REST API out and call it by Run:ai's client, typed as they are there."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.cluster import CHECKOUT
from local.control_plane import ControlPlane
from local.programs import programs
from local.rest import Rest
from tests.rest.conftest import PEOPLE, Project
from tests.rest.test_details import allow, rule

SECTION = re.compile(r"^## Try it$(.*?)^## ", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PRINTED = r"""[0-9a-f-]{36}
\['llama'\] None
1
llama-\w{5}
\S+ {'phaseUpdate': {'phase': 'Creating', .*}}
\['[0-9a-f-]{36}'\] \[\]
{'max': 4.*}
"""
"""Nothing serves the workload here: there are neither pods nor events."""


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


def test_the_client_runs_every_python_block_in_order(
    runapy: object,
    rest: Rest,
    team: Project,
    tokens: dict[str, str],
    control_plane: ControlPlane,
    capsys: pytest.CaptureFixture[str],
) -> None:
    allow(control_plane, team, "see", "editor", [rule("", ["pods", "events"], "list")])
    script = "".join(PYTHON.findall((CHECKOUT / "docs" / "guide" / "rest.md").read_text(encoding="utf-8")))
    replaced = {
        '"…"': repr(tokens["editor"]),
        "ci/pipeline": f"{PEOPLE}/editor",
        "https://nim.example.com": rest.url,
        "team-a": team.id,
    }
    for shown, here in replaced.items():
        assert shown in script
        script = script.replace(shown, here)

    names: dict[str, Any] = {}
    try:
        exec(compile(script, "rest.md", "exec"), names)  # noqa: S102  # the guide's own text
    finally:
        if client := names.get("client"):
            client.close()

    printed = capsys.readouterr().out
    assert re.fullmatch(PRINTED, printed), printed
