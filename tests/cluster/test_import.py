"""`runai-nim import --adopt` on a real API server: its steps hand NIMServices over and say whether pods restart."""

import shlex
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.objects import Object, Objects, wait_for
from tests.cluster.conftest import Command, Shell
from tests.support.services import CR, DEPLOYMENT, NIMSERVICE, gone, present, sample, serve, settled

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")
Run = Callable[..., str]


@pytest.fixture
def run(shell: Shell) -> Run:
    """Run a command as administrator: its stdout."""
    return lambda *words, stdin="": shell(shlex.join(words), stdin=stdin)


def handed_over(run: Run, objects: Objects, namespace: str, folder: Path) -> str:
    """Import what `kubectl get` prints, run the steps of adoption, and return them."""
    live = run("kubectl", "get", "nimservices", "-n", namespace, "-o", "yaml")
    steps = run("runai-nim", "import", "-", "--output-directory", str(folder), "--adopt", stdin=live)
    # kubectl wait lasts as long as the model loads, which no kubelet does here.
    run("sh", "-ec", "\n".join(line for line in steps.splitlines() if not line.startswith("kubectl wait")))
    settled(objects, "llama-8b", "Running", 60)
    return steps


def owners(objects: Objects) -> list[str]:
    references = present(objects, NIMSERVICE, "llama-8b")["metadata"].get("ownerReferences") or []
    return [reference["kind"] for reference in references]


def ready(objects: Objects) -> None:
    wait_for(lambda: present(objects, NIMSERVICE, "llama-8b").get("status", {}).get("state") == "Ready", 60)


def await_garbage_collector(objects: Objects) -> None:
    """Wait until it knows the kind NIMService: before that it orphans none, and deletes them later. It looks for new
    kinds every 30 s."""
    version, kind = NIMSERVICE.split()
    owner_version, owner_kind = CR.split()
    owner = {"apiVersion": owner_version, "kind": owner_kind, "name": "none", "uid": str(uuid.uuid4())}
    spec = {"image": {"repository": "r", "tag": "t"}, "authSecret": "s", "replicas": 0}
    metadata = {"name": "of-nobody", "ownerReferences": [owner]}
    objects.apply({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})
    gone(objects, NIMSERVICE, "of-nobody", 90)


def of_hand(manifest: Object) -> Object:
    """A NIMService as a person applies it: nobody's, and with the name and spec alone."""
    return {**manifest, "metadata": {"name": manifest["metadata"]["name"]}}


@pytest.mark.long
def test_a_nimservice_that_is_as_the_operator_writes_it_keeps_its_pods(
    objects: Objects, run: Run, namespace: str, tmp_path: Path
) -> None:
    rendered = run("runai-nim", "render", "-f", "-", "-n", namespace, stdin=yaml.safe_dump(sample("gpu-portion")))
    documents: list[Any] = list(yaml.safe_load_all(rendered))
    for document in documents:
        objects.apply(of_hand(document) if document["kind"] == "NIMService" else document)
    ready(objects)
    before = present(objects, DEPLOYMENT, "llama-8b")

    steps = handed_over(run, objects, namespace, tmp_path / "out")

    assert steps.startswith("# llama-8b: pods don't restart (the pod template stays the same)\n")
    assert owners(objects) == ["RunaiNimService"]
    after = present(objects, DEPLOYMENT, "llama-8b")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert after["spec"]["template"] == before["spec"]["template"]


@pytest.mark.long
def test_what_an_orphan_is_comes_back_without_a_restart(
    objects: Objects, run: Run, namespace: str, tmp_path: Path
) -> None:
    await_garbage_collector(objects)
    serve(objects)
    before = present(objects, DEPLOYMENT, "llama-8b")
    objects.delete(CR, "llama-8b", "Orphan")
    gone(objects, CR, "llama-8b", 90)
    wait_for(lambda: owners(objects) == [], 90)

    steps = handed_over(run, objects, namespace, tmp_path / "out")

    assert steps.startswith("# llama-8b: pods don't restart (the pod template stays the same)\n")
    assert owners(objects) == ["RunaiNimService"]
    after = present(objects, DEPLOYMENT, "llama-8b")
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert after["spec"]["template"] == before["spec"]["template"]


def test_the_nimservices_of_a_namespace_are_read_live(
    objects: Objects, run: Run, command: Command, namespace: str, kubectl: Callable[..., str], tmp_path: Path
) -> None:
    kubectl("label", "namespace", namespace, "runai/queue=team-a")
    serve(objects)  # belongs to a RunaiNimService
    version, kind = NIMSERVICE.split()
    spec = {
        "image": {"repository": "nvcr.io/nim/meta/llama", "tag": "1.0"},
        "authSecret": "ngc",
        "storage": {"pvc": {"create": True, "name": "weights", "size": "1Gi", "volumeAccessMode": "ReadWriteOnce"}},
        "expose": {"service": {"port": 8000}},
        "replicas": 0,
    }
    objects.apply({"apiVersion": version, "kind": kind, "metadata": {"name": "raw"}, "spec": spec})

    steps = run(
        "runai-nim", "import", "--live", "-n", namespace, "--output-directory", str(tmp_path / "out"), "--adopt"
    )

    assert steps.startswith("# raw: pods don't restart (scaled to zero)\n")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["kustomization.yaml", f"{namespace}.raw.yaml"]
    run("sh", "-ec", steps)
    (owner,) = wait_for(lambda: present(objects, NIMSERVICE, "raw")["metadata"].get("ownerReferences"), 60)
    assert (owner["kind"], owner["name"]) == ("RunaiNimService", "raw")
    code, out, err = command("import", "--live", "-n", namespace)
    assert (code, out) == (2, "")
    assert err == f"namespace {namespace} has no NIMService without an owner: name another namespace by -n\n"


@pytest.mark.long
def test_a_nimservice_that_the_scheduler_does_not_know_restarts_once_as_announced(
    objects: Objects, run: Run, namespace: str, tmp_path: Path
) -> None:
    spec = {
        "image": {"repository": "nvcr.io/nim/meta/llama", "tag": "1.0"},
        "authSecret": "ngc",
        "storage": {"pvc": {"create": True, "name": "weights", "size": "1Gi", "volumeAccessMode": "ReadWriteOnce"}},
        "resources": {"limits": {"nvidia.com/gpu": 1}},
        "expose": {"service": {"port": 8000}},
        "replicas": 1,
    }
    version, kind = NIMSERVICE.split()
    objects.apply({"apiVersion": version, "kind": kind, "metadata": {"name": "llama-8b"}, "spec": spec})
    ready(objects)
    before = present(objects, DEPLOYMENT, "llama-8b")

    steps = handed_over(run, objects, namespace, tmp_path / "out")

    assert steps.startswith("# llama-8b: pods restart once (spec.schedulerName, spec.labels[runai-nim.io/service])\n")
    after = present(objects, DEPLOYMENT, "llama-8b")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    assert present(objects, NIMSERVICE, "llama-8b")["spec"]["storage"]["pvc"]["name"] == "weights"
    claim = present(objects, "v1 PersistentVolumeClaim", "weights")
    assert claim["metadata"].get("ownerReferences") is None
