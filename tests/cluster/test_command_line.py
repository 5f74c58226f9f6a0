"""`runai-nim diff --live` on a real API server: what it says would change is what the operator then changes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.audit import AuditLog
from local.cluster import LocalCluster, Program
from local.control_plane import ADMINISTRATOR, ControlPlane
from local.objects import Objects, wait_for
from runai_nim.api import well_known
from tests.cluster.conftest import Command
from tests.support.services import CLAIM, NIMSERVICE, present, sample, serve, settled

pytestmark = pytest.mark.usefixtures("operator_process")
Live = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def live(command: Command, namespace: str) -> Live:
    """Compare a manifest with the cluster as administrator: the exit code, lines and messages."""

    def live(manifest: dict[str, Any], *options: str) -> tuple[int, list[str], str]:
        arguments = ("diff", "-f", "-", "--live", "-n", namespace, *options)
        code, out, err = command(*arguments, stdin=yaml.safe_dump(manifest))
        return code, out.splitlines(), err

    return live


def test_it_says_what_the_operator_then_does(
    objects: Objects,
    live: Live,
    kubectl: Callable[..., str],
    namespace: str,
    stand_in: Program,
    audit_log: AuditLog,
) -> None:
    kubectl("label", "namespace", namespace, "runai/queue=team-a")
    first = sample("gpu-portion", labels=[{"name": "team", "value": "search"}])
    code, lines, err = live(first)
    assert (code, err, lines[0]) == (1, "", f"RunaiNimService {namespace}/llama-8b")
    assert lines[-1] == "  pods restart: no (the NIMService is new)"
    assert "+ spec.resources.requests.storage: 100Gi  # spec.modelStore.pvc.claimInfo.size" in lines

    objects.apply(first)
    settled(objects, "llama-8b", "Running")
    stand_in.stop()  # it has the administrator's kubeconfig, too
    mark = audit_log.mark()
    assert live(first) == (0, [], "")

    second = sample("gpu-portion", replicas=2)
    expected = [
        f"RunaiNimService {namespace}/llama-8b",
        "  NIMService llama-8b",
        "- spec.labels.team: search",
        "- spec.replicas: 1",
        "+ spec.replicas: 2  # spec.replicas",
        "  pods restart: yes (the pod template changes)",
    ]
    code, lines, err = live(second)
    assert (code, lines) == (1, expected)
    assert "warning: spec.modelStore.pvc.claimName should name a claim with ReadWriteMany for 2 pods" in err
    assert {r.verb for r in audit_log.requests(mark, ADMINISTRATOR) if r.namespace == namespace} <= {"get", "list"}

    objects.apply(second)
    wait_for(lambda: present(objects, NIMSERVICE, "llama-8b")["spec"]["replicas"] == 2, 20)
    assert "team" not in present(objects, NIMSERVICE, "llama-8b")["spec"]["labels"]
    assert live(second)[:2] == (0, [])


@pytest.mark.long
def test_the_namespace_is_that_of_the_context(
    objects: Objects, control_plane: ControlPlane, namespace: str, stand_in: Program, tmp_path: Path
) -> None:
    config = yaml.safe_load(control_plane.kubeconfig.read_text(encoding="utf-8"))
    context = config["contexts"][0]["context"]
    config["contexts"] = [
        {"name": "local", "context": context},
        {"name": "other", "context": context | {"namespace": namespace}},
    ]
    (kubeconfig := tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    serve(objects)
    program = str(Path(sys.executable).parent / "runai-nim")
    manifest = yaml.safe_dump(sample("gpu-portion"))

    def diff(*options: str) -> tuple[int, str]:
        answer = subprocess.run(
            [program, "diff", "-f", "-", "--live", "--kubeconfig", str(kubeconfig), *options],
            input=manifest,
            capture_output=True,
            text=True,
            check=False,
        )
        return answer.returncode, answer.stdout.partition("\n")[0]

    assert diff("--context", "other") == (0, "")
    assert diff() == (1, "RunaiNimService default/llama-8b")
    assert diff("-n", namespace) == (0, "")
    assert diff("--context", "none")[0] == 2


@pytest.mark.long
def test_what_the_operator_would_refuse_is_trouble(objects: Objects, live: Live, stand_in: Program) -> None:
    serve(objects)
    assert present(objects, CLAIM, "llama-8b-model-store")

    code, lines, err = live(sample("gpu-portion", modelStore={"pvc": {"claimInfo": {"size": "50Gi"}}}))

    assert (code, lines) == (2, [])
    assert 'error: spec.modelStore.pvc.claimInfo.size is "50Gi" but must not be below the 100Gi of claim' in err


@pytest.mark.long
def test_a_claim_that_is_there_needs_no_size(objects: Objects, live: Live, stand_in: Program) -> None:
    unsized = sample("gpu-portion", modelStore={"pvc": {}})
    code, lines, err = live(unsized)
    assert (code, lines) == (2, [])
    assert "error: spec.modelStore.pvc.claimInfo.size must be set when the claim has to be made" in err

    serve(objects)
    code, lines, _ = live(unsized)
    assert (code, lines) == (0, [])
    for retention, says in (("Delete", "will be deleted together with"), ("Retain", "is released from")):
        changed = sample("gpu-portion", modelStore={"pvc": {"retentionPolicy": retention}})
        assert f"PersistentVolumeClaim llama-8b-model-store {says}" in live(changed)[2]
        objects.apply(changed)
        owned = retention == "Delete"
        wait_for(lambda owned=owned: owned == ("ownerReferences" in _claim(objects)["metadata"]))  # type: ignore[misc]


def _claim(objects: Objects) -> dict[str, Any]:
    return present(objects, CLAIM, "llama-8b-model-store")


@pytest.mark.long
def test_what_is_lost_and_kept_by_adopting_is_said(objects: Objects, live: Live, stand_in: Program) -> None:
    pvc = {"create": True, "name": "weights", "size": "1Gi", "volumeAccessMode": "ReadWriteOnce"}
    theirs = {
        "image": {"repository": "a", "tag": "b"},
        "authSecret": "s",
        "storage": {"pvc": pvc},
        "expose": {"service": {"port": 8000}},
        "nodeSelector": {"pool": "a"},
    }
    metadata = {"name": "llama-8b", "annotations": {"runai-nim.io/adopt": "true"}}
    objects.apply(
        {"apiVersion": "apps.nvidia.com/v1alpha1", "kind": "NIMService", "metadata": metadata, "spec": theirs}
    )
    wait_for(lambda: objects.get(CLAIM, "weights"))
    body = sample("gpu-portion", modelStore={"pvc": {"existingPvc": True, "claimName": "weights"}})

    code, lines, err = live(body)

    assert code == 1
    assert {"- spec.nodeSelector.pool: a", "- spec.storage.pvc.size: 1Gi"} <= set(lines)
    released = "PersistentVolumeClaim weights is released from NIMService llama-8b, so it is no longer deleted with it"
    assert released in err
    objects.apply(body)
    settled(objects, "llama-8b", "Running", 60)
    assert "nodeSelector" not in present(objects, NIMSERVICE, "llama-8b")["spec"]


def test_somebody_else_s_nimservice_is_said(objects: Objects, live: Live, stand_in: Program) -> None:
    theirs = {"image": {"repository": "a", "tag": "b"}, "authSecret": "s", "storage": {}, "expose": {"service": {}}}
    objects.apply(
        {
            "apiVersion": "apps.nvidia.com/v1alpha1",
            "kind": "NIMService",
            "metadata": {"name": "llama-8b"},
            "spec": theirs,
        }
    )

    code, lines, err = live(sample("gpu-portion"))

    assert (code, lines) == (2, [])
    assert "<stdin>:" in err
    assert 'error: metadata.name is "llama-8b" but must not be the name of an existing NIMService' in err


def test_what_a_paused_resource_would_adopt_is_said(objects: Objects, live: Live, stand_in: Program) -> None:
    spec = {"image": {"repository": "r", "tag": "t"}, "authSecret": "s", "storage": {"emptyDir": {}}, "replicas": 1}
    spec["expose"] = {"service": {"port": 8000}}
    version, kind = NIMSERVICE.split()
    annotations = {well_known.ADOPT: "true"}
    metadata = {"name": "llama-8b", "annotations": annotations}
    objects.apply({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})
    paused = sample("gpu-portion")
    paused["metadata"]["annotations"] = {well_known.PAUSED: "true"}
    objects.apply(paused)
    settled(objects, "llama-8b", "Paused")
    code, lines, err = live(paused)
    assert code == 1
    assert "  NIMService llama-8b" in lines
    assert "without it, it would write this" in err
    assert present(objects, NIMSERVICE, "llama-8b")["spec"]["image"]["repository"] == "r"


def test_a_cluster_that_doesn_t_answer_is_one_line(live: Live, cluster: LocalCluster, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text("a: [")
    command = [str(Path(sys.executable).parent / "runai-nim"), "diff", "-f", "deploy/samples", "--live"]

    answer = subprocess.run(
        command,
        env={**os.environ, "KUBECONFIG": str(tmp_path / "kubeconfig")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 2
    assert answer.stderr.startswith("the cluster can't be read: ")
    assert "Traceback" not in answer.stderr


@pytest.mark.long
@pytest.mark.usefixtures("stand_in")
def test_labels_that_may_not_be_read_are_unknown(objects: Objects, live: Live, reader: Callable[..., Path]) -> None:
    serve(objects)
    routes = (
        "ingresses.networking.k8s.io",
        "httproutes.gateway.networking.k8s.io",
        "grpcroutes.gateway.networking.k8s.io",
    )
    kubeconfig = reader("get,list", "nimservices.apps.nvidia.com", "persistentvolumeclaims", *routes)

    code, lines, err = live(sample("gpu-portion"), "--kubeconfig", str(kubeconfig))

    assert (code, lines) == (0, [])
    assert "the namespace should have a label" not in err
    assert "the namespace should have a label" in live(sample("gpu-portion"))[2]
