"""`runai-nim doctor` on a real API server, which has neither GPUs nor a scheduler."""

import json
import tarfile
from pathlib import Path

import pytest

from local.audit import AuditLog
from local.cluster import Program
from local.control_plane import ADMINISTRATOR, ControlPlane
from local.objects import Objects
from tests.cluster.conftest import Command
from tests.support.services import serve

pytestmark = pytest.mark.usefixtures("operator_process")


def test_it_finds_what_is_there_and_what_is_not_and_only_reads(
    objects: Objects, command: Command, stand_in: Program, audit_log: AuditLog
) -> None:
    serve(objects)
    stand_in.stop()  # it has the administrator's kubeconfig, too, and may still write about earlier tests
    mark = audit_log.mark()

    code, out, err = command("doctor")

    assert (code, err) == (1, "")
    lines = out.splitlines()
    for expected in (
        "ok       Kubernetes: v1.",
        "ok       RunaiNimService: runai-nim.io/v1alpha1, with all fields of this command",
        "ok       RunaiNimPolicy: runai-nim.io/v1alpha1, with all fields of this command",
        "ok       ClusterRunaiNimPolicy: runai-nim.io/v1alpha1, with all fields of this command",
        "ok       NIMService: it has all fields that the operator writes",
        "warning  operator: no Deployment of it was found: install the chart",
        "problem  GPUs: no node offers nvidia.com/gpu (0 nodes): install the NVIDIA GPU Operator, or its device plugin",
    ):
        assert any(line.startswith(expected) for line in lines), (expected, out)
    assert {request.verb for request in audit_log.requests(mark, ADMINISTRATOR)} <= {"get", "list"}


@pytest.mark.long
def test_a_bundle_of_a_cluster_holds_what_a_bug_report_needs_and_no_secret(
    objects: Objects, command: Command, stand_in: Program, namespace: str, tmp_path: Path
) -> None:
    serve(objects, environmentVariables=[{"name": "HF_TOKEN", "value": "hf_planted"}])
    objects.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "ngc"},
            "stringData": {"NGC_API_KEY": "planted-too"},
        }
    )
    bundle = tmp_path / "report.tar.gz"

    code, out, err = command("doctor", "--bundle", str(bundle), "-o", "json")

    assert (code, bool(json.loads(out)["checks"])) == (1, True)
    assert f"{bundle} is written, without values of variables" in err
    with tarfile.open(bundle) as archive:
        texts = {
            Path(member.name).stem: file.read().decode()
            for member in archive.getmembers()
            if (file := archive.extractfile(member))
        }
    leaks = {kind for kind, text in texts.items() for secret in ("hf_planted", "planted-too") if secret in text}
    assert leaks == set()
    for kind in ("runainimservices", "nimservices", "deployments", "pods", "persistentvolumeclaims", "events"):
        found = json.loads(texts[kind])
        assert any(one["metadata"]["namespace"] == namespace for one in found), kind
    assert "HF_TOKEN" in texts["nimservices"]


@pytest.mark.long
def test_the_context_is_that_of_the_option(command: Command, control_plane: ControlPlane) -> None:
    assert command("doctor", "--context", "local", "--kubeconfig", str(control_plane.kubeconfig))[1].startswith("ok")
    code, out, err = command("doctor", "--context", "none")
    assert (code, out, 'the kubeconfig has no context "none": ' in err) == (2, "", True)
