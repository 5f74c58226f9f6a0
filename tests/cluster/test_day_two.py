"""Commands on a cluster, on a real API server: what they show is what is there, and they ask for no more."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local.audit import AuditLog
from local.control_plane import ADMINISTRATOR, ControlPlane
from local.objects import Objects
from tests.support.services import sample, serve, settled

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(control_plane: ControlPlane) -> Command:
    """Run the command line as administrator: exit code, stdout, stderr."""

    def command(*arguments: str) -> tuple[int, str, str]:
        answer = subprocess.run(
            [str(Path(sys.executable).parent / "runai-nim"), *arguments, f"--kubeconfig={control_plane.kubeconfig}"],
            env={**os.environ, "KUBECONFIG": "/nonexistent"},
            capture_output=True,
            text=True,
            check=False,
        )
        return answer.returncode, answer.stdout, answer.stderr

    return command


def test_list_shows_what_is_there(objects: Objects, namespace: str, command: Command, audit_log: AuditLog) -> None:
    serve(objects)
    stopped = sample("gpu-portion", desiredPhase="Stopped")
    stopped["metadata"]["name"] = "another"
    objects.apply(stopped)
    settled(objects, "another", "Stopped")
    mark = audit_log.mark()

    code, out, err = command("list", "-n", namespace)

    header, *rows = (line.split() for line in out.splitlines())
    assert (code, err, header) == (0, "", ["NAME", "PHASE", "REASON", "GPU", "REPLICAS", "URL", "AGE"])
    assert [row[:3] for row in rows] == [["another", "Stopped", "Stopped"], ["llama-8b", "Running", "Running"]]
    asked = {(r.verb, r.resource) for r in audit_log.requests(mark, ADMINISTRATOR) if r.namespace == namespace}
    assert asked == {("list", "runainimservices")}
    (row,) = json.loads(command("list", "-n", namespace, "--phase", "Running", "-o", "json")[1])
    assert (row["name"], row["ready"], row["readyReplicas"]) == ("llama-8b", True, 1)
    assert command("list", "-n", namespace, "--phase", "Failed")[1] == ""
    assert command("list", "-n", namespace, "-l", "no=such")[:2] == (0, "")
    assert command("list", "-n", namespace, "-o", "name")[1].splitlines() == [
        "runainimservice.runai-nim.io/another",
        "runainimservice.runai-nim.io/llama-8b",
    ]


def test_a_context_that_is_not_there_is_one_line(command: Command) -> None:
    code, out, err = command("list", "--context", "nonexistent")

    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("the cluster can't be read: ")
    assert "Traceback" not in err
