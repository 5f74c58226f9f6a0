"""Commands that change RunaiNimServices, on a real API server: what they say is what is stored, and nothing more."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local.audit import WRITES, AuditLog
from local.cluster import Program
from local.control_plane import ADMINISTRATOR, ControlPlane
from local.objects import Objects, wait_for
from runai_nim.api.well_known import RESTARTED_AT
from runai_nim.cli.cluster.change_services import FIELD_MANAGER
from tests.cluster.conftest import Command
from tests.support.services import (
    CR,
    DEPLOYMENT,
    NIMSERVICE,
    condition,
    pod_template,
    present,
    sample,
    serve,
    settled,
)

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")
MISSING = "is managed by Argo CD, which would revert the change: make it in Git, or pass --force"


def spec_of(objects: Objects, name: str = "llama-8b") -> dict[str, object]:
    spec: dict[str, object] = present(objects, CR, name)["spec"]
    return spec


def test_stop_start_and_scale(objects: Objects, namespace: str, command: Command) -> None:
    serve(objects)
    place = f"{namespace}/llama-8b"

    assert command("stop", "llama-8b", "-n", namespace) == (0, f"{place}: spec.desiredPhase: (not set) → Stopped\n", "")
    settled(objects, "llama-8b", "Stopped")
    assert command("stop", "llama-8b", "-n", namespace) == (0, f"{place} is stopped already: nothing to do\n", "")
    code, out, err = command("scale", "llama-8b", "2", "-n", namespace)
    assert (code, out) == (0, f"{place}: spec.replicas: (not set) → 2\n")
    assert err == f"{place} is stopped: runai-nim start starts it with this number\n"
    assert command("start", "llama-8b", "-n", namespace)[:2] == (0, f"{place}: spec.desiredPhase: Stopped → Running\n")
    settled(objects, "llama-8b", "Running", generation=4)
    assert spec_of(objects)["replicas"] == 2
    managers = {entry["manager"] for entry in present(objects, CR, "llama-8b")["metadata"]["managedFields"]}
    assert FIELD_MANAGER in managers


def test_a_stop_by_rest_or_kubectl_is_undone(
    objects: Objects, namespace: str, command: Command, kubectl: Callable[..., str]
) -> None:
    where = f"--namespace={namespace}"
    objects.apply(sample("gpu-portion"))
    kubectl("patch", "rnim", "llama-8b", where, "--type=merge", "--patch", '{"spec": {"desiredPhase": "Stopped"}}')
    assert command("start", "llama-8b", "-n", namespace)[0] == 0
    assert spec_of(objects)["desiredPhase"] == "Running"
    kubectl("scale", "rnim", "llama-8b", where, "--replicas=0")
    assert command("start", "llama-8b", "-n", namespace)[1] == f"{namespace}/llama-8b: spec.replicas: 0 → 1\n"


@pytest.mark.long
def test_a_restart_replaces_the_pods_once(objects: Objects, namespace: str, command: Command) -> None:
    serve(objects)
    before = pod_template(objects, "llama-8b")
    first = present(objects, CR, "llama-8b")["spec"]

    code, out, err = command("restart", "llama-8b", "-n", namespace)

    path, _, at = out.strip().partition(": (not set) → ")
    assert (code, path, err) == (0, f"{namespace}/llama-8b: metadata.annotations[{RESTARTED_AT}]", "")
    wait_for(lambda: pod_template(objects, "llama-8b")["metadata"]["annotations"].get(RESTARTED_AT) == at)
    changed = pod_template(objects, "llama-8b")
    assert changed["spec"] == before["spec"]
    settled(objects, "llama-8b", "Running")
    deployment = present(objects, DEPLOYMENT, "llama-8b")["metadata"]["generation"]
    assert present(objects, CR, "llama-8b")["spec"] == first
    command("pause", "llama-8b", "-n", namespace)
    command("resume", "llama-8b", "-n", namespace)
    time.sleep(2)
    assert present(objects, DEPLOYMENT, "llama-8b")["metadata"]["generation"] == deployment


@pytest.mark.long
def test_a_paused_service_stays_as_it_is_until_resumed(objects: Objects, namespace: str, command: Command) -> None:
    serve(objects)
    at = ("-n", namespace)

    assert command("pause", "llama-8b", *at)[0] == 0
    assert command("pause", "llama-8b", *at)[1] == f"{namespace}/llama-8b is paused already: nothing to do\n"
    code, _, err = command("restart", "llama-8b", *at)
    assert (code, "use runai-nim resume first" in err) == (1, True)
    code, _, err = command("stop", "llama-8b", *at)
    assert (code, err) == (0, f"{namespace}/llama-8b is paused: the operator acts on it after runai-nim resume\n")
    wait_for(lambda: condition(objects, "llama-8b", "Translated").get("reason") == "Paused")
    assert present(objects, NIMSERVICE, "llama-8b")["spec"]["replicas"] == 1
    assert command("resume", "llama-8b", *at)[1].endswith("[runai-nim.io/paused]: true → (not set)\n")
    settled(objects, "llama-8b", "Stopped")


def test_a_dry_run_is_checked_and_not_stored(
    objects: Objects, namespace: str, command: Command, audit_log: AuditLog, stand_in: Program
) -> None:
    objects.apply(sample("gpu-portion"))
    stand_in.stop()  # it has the administrator's kubeconfig, too
    before = spec_of(objects)
    mark = audit_log.mark()

    code, out, _ = command("scale", "llama-8b", "3", "-n", namespace, "--dry-run=server")

    assert (code, out) == (0, f"{namespace}/llama-8b: spec.replicas: (not set) → 3 (server dry run)\n")
    assert spec_of(objects) == before
    asked = [(r.verb, r.resource) for r in audit_log.requests(mark, ADMINISTRATOR) if r.namespace == namespace]
    assert asked[:2] == [("get", "runainimservices"), ("patch", "runainimservices")]


@pytest.mark.long
def test_what_git_would_revert_is_refused(
    objects: Objects, namespace: str, command: Command, audit_log: AuditLog, stand_in: Program
) -> None:
    managed = sample("gpu-portion")
    managed["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "x"}
    objects.apply(managed)
    stand_in.stop()
    mark = audit_log.mark()

    code, out, err = command("stop", "llama-8b", "-n", namespace)

    assert (code, out, err) == (1, "", f"{namespace}/llama-8b {MISSING}\n")
    requests = audit_log.requests(mark, ADMINISTRATOR)
    assert [r for r in requests if r.verb in WRITES and r.namespace == namespace] == []
    code, out, err = command("stop", "llama-8b", "-n", namespace, "--force")
    assert (code, out.count("\n")) == (0, 1)
    assert "is managed by Argo CD, which will revert the change" in err
    assert spec_of(objects)["desiredPhase"] == "Stopped"


@pytest.mark.long
def test_each_name_counts(objects: Objects, namespace: str, command: Command) -> None:
    objects.apply(sample("gpu-portion"))

    code, out, err = command("stop", "lama-8b", "llama-8b", "-n", namespace)

    assert (code, out.count("→")) == (1, 1)
    assert err == f'no RunaiNimService "lama-8b" in namespace {namespace}; did you mean llama-8b?\n'
    assert spec_of(objects)["desiredPhase"] == "Stopped"


@pytest.mark.long
def test_scaling_beside_autoscaling_and_above_multi_node_is_refused(
    objects: Objects, namespace: str, command: Command
) -> None:
    autoscaling = {"metric": "num_requests_running", "metricThreshold": 5, "minReplicas": 1, "maxReplicas": 2}
    objects.apply(sample("gpu-portion", autoscaling=autoscaling))
    several = sample("gpu-portion", multiNode={"workers": 1}, compute={"gpuDevicesRequest": 8})
    several["metadata"]["name"] = "several"
    objects.apply(several)
    settled(objects, "several", "Running", seconds=40)

    code, _, err = command("scale", "llama-8b", "2", "-n", namespace)
    assert (code, "has autoscaling, which sets 1 to 2 replicas" in err) == (1, True)
    code, _, err = command("scale", "several", "5", "-n", namespace)
    assert (code, "has multiNode, whose replicas must be at most 1" in err) == (1, True)


def test_without_rights_it_is_one_line(
    objects: Objects,
    namespace: str,
    command: Command,
    reader: Callable[..., Path],
) -> None:
    objects.apply(sample("gpu-portion"))
    who = ("-n", namespace, "--kubeconfig", str(reader("get")))

    code, out, err = command("stop", "llama-8b", *who)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"{namespace}/llama-8b: not changed: runainimservices.runai-nim.io")
    code, out, err = command("stop", "other", *who)
    assert (code, out) == (1, "")
    assert err == f'no RunaiNimService "other" in namespace {namespace}, runai-nim list shows all\n'


def test_a_concurrent_change_is_not_overwritten(
    objects: Objects, namespace: str, control_plane: ControlPlane, kubectl: Callable[..., str]
) -> None:
    """Two that scale at the same time: one after the other, whoever comes second tells what the first has set."""
    objects.apply(sample("gpu-portion"))
    where = ["-n", namespace, "--kubeconfig", str(control_plane.kubeconfig)]
    program = str(Path(sys.executable).parent / "runai-nim")
    numbers = (2, 3, 4)
    running = [
        subprocess.Popen(
            [program, "scale", "llama-8b", str(number), *where],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in numbers
    ]
    told = [one.communicate()[0].rpartition("spec.replicas: ")[2].strip() for one in running]

    written = dict(line.split(" → ")[::-1] for line in told if line)
    at = str(spec_of(objects)["replicas"])
    chain = []
    while at != "(not set)":
        chain.append(at)
        at = written[at]
    assert len(chain) == len(written) >= 1
    assert {one.returncode for one in running} <= {0, 2}
    assert json.loads(kubectl("get", "rnim", "llama-8b", f"--namespace={namespace}", "--output=json"))["spec"]
