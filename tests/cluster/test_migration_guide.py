"""The guide's page about moving here: its commands on a cluster with NIMServices of somebody, in their order."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from local.objects import Objects, wait_for
from tests.cluster.conftest import Shell
from tests.support.guide_pages import blocks, project
from tests.support.services import CR, NIMSERVICE, gone, present, settled

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")
TEAM = "runai-team-a"


@pytest.fixture
def shell_directory(tmp_path: Path) -> Path:
    """The page's commands write files."""
    return tmp_path


@pytest.fixture
def team(all_objects: Objects) -> Iterator[Objects]:
    """The page's namespace, with a NIMService that the NIM Operator serves."""
    version, kind = NIMSERVICE.split()
    spec = {
        "image": {"repository": "nvcr.io/nim/meta/llama", "tag": "1.0"},
        "authSecret": "ngc-api-key",
        "storage": {"pvc": {"create": True, "size": "1Gi", "volumeAccessMode": "ReadWriteOnce"}},
        "resources": {"limits": {"nvidia.com/gpu": 1}},
        "expose": {"service": {"port": 8000}},
        "replicas": 1,
    }
    with project(all_objects, TEAM) as objects:
        objects.apply({"apiVersion": version, "kind": kind, "metadata": {"name": "llama"}, "spec": spec})
        wait_for(lambda: present(objects, NIMSERVICE, "llama").get("status", {}).get("state") == "Ready", 60)
        yield objects


def test_the_page_s_commands_do_what_it_says(shell: Shell, team: Objects, tmp_path: Path) -> None:
    read_settings, take_over, run_steps, look, from_runai, back = blocks("migration")
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
