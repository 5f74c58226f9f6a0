"""The guide's page about moving here: its commands on a cluster with NIMServices of somebody, in their order."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cluster import CHECKOUT
from local.control_plane import ControlPlane
from local.objects import Objects, wait_for
from tests.support.services import CR, NIMSERVICE, gone, present, settled

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")
PAGE = (CHECKOUT / "docs" / "guide" / "migration.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^ *```sh\n(.*?)^ *```$", PAGE, re.DOTALL | re.MULTILINE)
TEAM = "runai-team-a"
Shell = Callable[[str], str]


@pytest.fixture
def shell(control_plane: ControlPlane, tmp_path: Path) -> Shell:
    """Run a block of the page in its own directory, as administrator; it ends with the first command that fails."""
    programs = (str(Path(sys.executable).parent), str(control_plane.kubectl_program().parent), os.environ["PATH"])
    environment = {**os.environ, "KUBECONFIG": str(control_plane.kubeconfig), "PATH": os.pathsep.join(programs)}

    def run(block: str) -> str:
        command = ["sh", "-ec", block]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def team(all_objects: Objects) -> Iterator[Objects]:
    """The page's namespace, with a NIMService that the NIM Operator serves."""
    metadata: dict[str, Any] = {"name": TEAM, "labels": {"runai/queue": "team-a"}}
    all_objects.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    objects = all_objects.of(TEAM)
    version, kind = NIMSERVICE.split()
    spec = {
        "image": {"repository": "nvcr.io/nim/meta/llama", "tag": "1.0"},
        "authSecret": "ngc-api-key",
        "storage": {"pvc": {"create": True, "size": "1Gi", "volumeAccessMode": "ReadWriteOnce"}},
        "resources": {"limits": {"nvidia.com/gpu": 1}},
        "expose": {"service": {"port": 8000}},
        "replicas": 1,
    }
    objects.apply({"apiVersion": version, "kind": kind, "metadata": {"name": "llama"}, "spec": spec})
    wait_for(lambda: present(objects, NIMSERVICE, "llama").get("status", {}).get("state") == "Ready", 60)
    yield objects
    all_objects.delete("v1 Namespace", TEAM)


def test_the_page_s_commands_do_what_it_says(shell: Shell, team: Objects, tmp_path: Path) -> None:
    read_settings, take_over, run_steps, look, from_runai, back = BLOCKS
    assert (read_settings.split()[0], from_runai.split()[1]) == ("helm", "import")
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump({"settings": {}}))

    shell(take_over)
    steps = tmp_path / "adopt.sh"
    # kubectl wait lasts as long as the model loads, which no kubelet does here.
    steps.write_text(
        "".join(line for line in steps.read_text().splitlines(True) if not line.startswith("kubectl wait"))
    )
    shell(run_steps)
    settled(team, "llama", "Running", 60)
    shown = shell(look)

    assert re.search(r"^llama +Running ", shown, re.MULTILINE)
    assert re.search(r"^llama +RunaiNimService$", shown, re.MULTILINE)
    shell(back)
    gone(team, CR, "llama")
    assert present(team, NIMSERVICE, "llama")
