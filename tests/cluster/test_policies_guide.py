"""The guide's page about policies: its commands for a cluster, in their order, and what it says of the outcome."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cluster import CHECKOUT
from local.control_plane import ControlPlane
from local.objects import Objects, wait_for
from tests.support.services import CR, NIMSERVICE, condition, present

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")
PAGE = (CHECKOUT / "docs" / "guide" / "policies.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
MESSAGES = re.findall(r"^```text\n(.*?)\n```$", PAGE, re.DOTALL | re.MULTILINE)
TEAM = "runai-research"
Shell = Callable[[str], str]


@pytest.fixture
def shell(control_plane: ControlPlane) -> Shell:
    """Run a block of the page from the checkout, as administrator; it ends with the first command that fails."""
    programs = (str(Path(sys.executable).parent), str(control_plane.kubectl_program().parent), os.environ["PATH"])
    environment = {**os.environ, "KUBECONFIG": str(control_plane.kubeconfig), "PATH": os.pathsep.join(programs)}

    def run(block: str) -> str:
        command = ["sh", "-ec", block]
        done = subprocess.run(command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def team(all_objects: Objects) -> Iterator[Objects]:
    """The page's namespace; its policies go with it, the cluster's is deleted."""
    metadata: dict[str, Any] = {"name": TEAM, "labels": {"runai/queue": "research"}}
    all_objects.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    yield all_objects.of(TEAM)
    for name in ("platform", "research"):
        all_objects.delete("runai-nim.io/v1alpha1 ClusterRunaiNimPolicy", name)
    all_objects.delete("v1 Namespace", TEAM)


def test_the_page_s_commands_do_what_it_says(shell: Shell, team: Objects) -> None:
    apply_cap, too_much, enough, apply_registry, broken, apply_department = BLOCKS
    shell(apply_cap)
    described = shell(too_much)
    assert MESSAGES[0] in described
    assert team.get(NIMSERVICE, "llama-8b") is None

    assert re.search(r"gpu-team +True +1 +[01] ", shell(enough))
    assert [one["name"] for one in present(team, CR, "llama-8b")["status"]["policies"]] == ["gpu-team"]
    before = wait_for(lambda: team.get(NIMSERVICE, "llama-8b"))["spec"]

    shell(apply_registry)
    assert re.search(r"platform +True +1 +1 ", shell(broken))
    assert "spec.image is" in condition(team, "llama-8b", "PolicyCompliant")["message"]
    (row,) = json.loads(shell(f"runai-nim list -n {TEAM} -o json"))
    assert (row["policies"], row["policyCompliant"]) == ([{"name": "gpu-team", "scope": "project"}], False)
    shell(apply_department)
    policies = [one["name"] for one in present(team, CR, "llama-8b")["status"]["policies"]]
    assert policies == ["gpu-team"]  # those that it is rendered under
    assert present(team, NIMSERVICE, "llama-8b")["spec"] == before
