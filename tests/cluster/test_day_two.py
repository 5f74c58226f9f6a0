"""Commands on a cluster, on a real API server: what they show is what is there, and they ask for no more."""

import itertools
import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.audit import AuditLog
from local.cluster import Program
from local.control_plane import ADMINISTRATOR, ControlPlane
from local.objects import Objects
from tests.cluster.conftest import INTERRUPTIBLE, Command
from tests.support.services import CR, sample, serve, settled

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")


@pytest.mark.long
def test_list_shows_what_is_there(
    objects: Objects, namespace: str, command: Command, stand_in: Program, audit_log: AuditLog
) -> None:
    serve(objects)
    stopped = sample("gpu-portion", desiredPhase="Stopped")
    stopped["metadata"]["name"] = "another"
    objects.apply(stopped)
    settled(objects, "another", "Stopped")
    stand_in.stop()  # it has the administrator's kubeconfig, too
    mark = audit_log.mark()

    code, out, err = command("list", "-n", namespace)

    header, *rows = (line.split() for line in out.splitlines())
    assert (code, err, header) == (0, "", ["NAME", "PHASE", "REASON", "GPU", "REPLICAS", "URL", "AGE"])
    assert [row[:3] for row in rows] == [["another", "Stopped", "Stopped"], ["llama-8b", "Running", "Running"]]
    asked = {(r.verb, r.resource) for r in audit_log.requests(mark, ADMINISTRATOR) if r.namespace == namespace}
    assert asked == {("list", "runainimservices")}
    (row,) = json.loads(command("list", "-n", namespace, "--phase", "Running", "-o", "json")[1])
    assert (row["name"], row["ready"], row["readyReplicas"]) == ("llama-8b", True, 1)
    assert (row["policies"], row["policyCompliant"]) == ([], None)
    assert command("list", "-n", namespace, "--by-project")[1].splitlines()[1].split() == ["-", "0.5", "0", "2", "2"]
    assert command("list", "-n", namespace, "--phase", "Failed")[1] == ""
    assert command("list", "-n", namespace, "-l", "no=such")[:2] == (0, "")
    assert command("list", "-n", namespace, "-o", "name")[1].splitlines() == [
        "runainimservice.runai-nim.io/another",
        "runainimservice.runai-nim.io/llama-8b",
    ]


def test_a_selector_that_is_none_is_told_with_what_one_is(command: Command) -> None:
    code, out, err = command("list", "-l", "a=b c")

    assert (code, out) == (2, "")
    assert err.startswith("--selector is \"a=b c\" but must be a label selector, such as team=search: found 'c'")


def test_a_context_that_is_not_there_is_one_line(command: Command) -> None:
    code, out, err = command("list", "--context", "nonexistent")

    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("the cluster can't be read: ")
    assert "Traceback" not in err


def test_status_shows_the_objects_down_to_the_pods(objects: Objects, namespace: str, command: Command) -> None:
    objects.apply(sample("gpu-portion"))

    code, out, err = command("status", "llama-8b", "-n", namespace, "--wait", "--timeout", "60s")

    assert code == 0
    progress = err.splitlines()
    assert all(line.startswith("waiting: ") for line in progress)
    assert all(line != later for line, later in itertools.pairwise(progress))
    assert out.splitlines()[0] == f"RunaiNimService {namespace}/llama-8b: Running, ready (Running)"
    for kind in ("NIMService", "Deployment", "PersistentVolumeClaim"):
        assert f"─ {kind} llama-8b" in out
    assert re.search("Translated +True +Translated", out)
    told = json.loads(command("status", "llama-8b", "-n", namespace, "-o", "json")[1])
    assert told["ready"] is True
    assert told["tree"]["children"][0]["kind"] == "NIMService"
    assert "Running" in {event["reason"] for event in told["events"]}


@pytest.mark.long
def test_status_of_what_is_not_ready_or_not_there(objects: Objects, namespace: str, command: Command) -> None:
    serve(objects)
    refused = sample("gpu-portion", image=None)
    refused["metadata"]["name"] = "refused"
    objects.apply(refused)

    code, out, err = command("status", "refused", "-n", namespace, "--wait", "--timeout", "1s", "-o", "json")
    assert (code, json.loads(out)["ready"], err) == (1, False, "")
    code, out, _ = command("status", "refused", "-n", namespace, "--wait", "--timeout", "60s")
    assert (code, "not ready (RequiredField)" in out) == (1, True)
    assert re.search("─ NIMService +doesn't exist", out)

    code, out, err = command("status", "lama-8b", "-n", namespace)
    assert (code, out) == (1, "")
    assert err == f'no RunaiNimService "lama-8b" in namespace {namespace}; did you mean llama-8b?\n'


def test_status_says_what_may_not_be_read(
    objects: Objects,
    namespace: str,
    command: Command,
    reader: Callable[..., Path],
) -> None:
    serve(objects)

    code, out, err = command("status", "llama-8b", "-n", namespace, "--kubeconfig", str(reader("get,list")))

    assert (code, err) == (0, "")
    for kind in ("NIMService", "Deployment", "PersistentVolumeClaim", "Pod", "Events"):
        assert re.search(f"{kind} +can't be read: .* is forbidden", out), kind


@pytest.mark.long
def test_the_shell_completes_live_names(objects: Objects, namespace: str, administrator: dict[str, str]) -> None:
    for name in ("llama-8b", "llama-70b", "other"):
        service = sample("gpu-portion")
        service["metadata"]["name"] = name
        objects.apply(service)

    def completed(line: str) -> list[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_RUNAI_NIM_COMPLETE": "complete_bash"}
        return subprocess.check_output(["runai-nim"], env=administrator | words, text=True).split()

    assert completed(f"runai-nim status -n {namespace} lla") == ["llama-70b", "llama-8b"]
    assert completed(f"runai-nim stop --namespace {namespace} llama-8b l") == ["llama-70b"]
    assert completed(f"runai-nim logs --namespace {namespace} --context none l") == []


@pytest.fixture
def watching(control_plane: ControlPlane, namespace: str) -> Iterator[Callable[..., Iterator[str]]]:
    """Start a command that goes on; its lines as they come."""
    running: list[subprocess.Popen[str]] = []

    def watching(*arguments: str) -> Iterator[str]:
        program = [*INTERRUPTIBLE, *arguments]
        process = subprocess.Popen(
            [*program, "--watch", "-n", namespace, "--kubeconfig", str(control_plane.kubeconfig)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        return iter(process.stdout)

    yield watching
    for process in running:
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert (process.wait(20), process.stderr.read()) == (130, "")
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def test_list_goes_on_with_changes_and_deletions(objects: Objects, watching: Callable[..., Iterator[str]]) -> None:
    serve(objects)
    lines = watching("list")
    assert next(lines).split()[0] == "NAME"
    assert next(lines).split()[:2] == ["llama-8b", "Running"]

    objects.apply(sample("gpu-portion", desiredPhase="Stopped"))
    assert next(line for line in lines if line.split()[1] == "Stopped").startswith("llama-8b")
    objects.delete(CR, "llama-8b")
    assert next(line for line in lines if line.split()[1] == "Deleted").startswith("llama-8b")


@pytest.mark.long
def test_status_goes_on_with_changes(objects: Objects, namespace: str, watching: Callable[..., Iterator[str]]) -> None:
    serve(objects)
    lines = watching("status", "llama-8b")
    about = f"RunaiNimService {namespace}/llama-8b: "
    assert next(lines) == f"{about}Running, ready (Running)\n"

    objects.apply(sample("gpu-portion", desiredPhase="Stopped"))
    assert next(line for line in lines if line.startswith(f"{about}Stopped, ready"))
