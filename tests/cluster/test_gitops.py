"""What Argo CD, Flux, Helm and kubectl do again and again: it changes nothing, and their keys stay where they are."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from local.audit import WRITES, AuditLog
from local.cluster import OPERATOR_USER
from local.objects import Objects
from tests.support.services import CLAIM, CR, DEPLOYMENT, NIMSERVICE, pod_template, present, sample, settled

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")
LABELS = {
    "app.kubernetes.io/instance": "team-a-models",
    "app.kubernetes.io/managed-by": "Helm",
    "argocd.argoproj.io/instance": "team-a-models",
    "kustomize.toolkit.fluxcd.io/name": "models",
    "kustomize.toolkit.fluxcd.io/namespace": "team-a",
    "helm.toolkit.fluxcd.io/name": "models",
}
ANNOTATIONS = {
    "argocd.argoproj.io/tracking-id": "team-a-models:runai-nim.io/RunaiNimService:team-a/llama-8b",
    "argocd.argoproj.io/sync-wave": "1",
    "kustomize.toolkit.fluxcd.io/checksum": "x",
    "meta.helm.sh/release-name": "models",
    "meta.helm.sh/release-namespace": "team-a",
}
WAYS = {
    "client-side": ("apply",),
    "server-side": ("apply", "--server-side", "--field-manager=argocd-controller"),
    "replace": ("replace",),
}
FOREIGN = ("argocd", "fluxcd", "helm.sh", "kubectl.kubernetes.io/last-applied-configuration")


def manifest(namespace: str) -> str:
    cr = sample("gpu-portion")
    cr["metadata"] |= {"namespace": namespace, "labels": LABELS, "annotations": ANNOTATIONS}
    return json.dumps(cr)


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_the_same_manifest_again_changes_nothing(
    way: str, objects: Objects, namespace: str, kubectl: Callable[..., str], audit_log: AuditLog
) -> None:
    first = ("create", "--save-config") if way == "replace" else WAYS[way]
    kubectl(*first, "--filename=-", stdin=manifest(namespace))
    settled(objects, "llama-8b", "Running")
    kinds = (CR, NIMSERVICE, CLAIM, DEPLOYMENT)
    names = {CLAIM: "llama-8b-model-store"}

    def versions() -> dict[str, str]:
        return {k: present(objects, k, names.get(k, "llama-8b"))["metadata"]["resourceVersion"] for k in kinds}

    # kubectl replace takes the annotation away that it does not find in the file; from then on nothing changes.
    kubectl(*WAYS[way], "--filename=-", stdin=manifest(namespace))
    before = versions()
    mark = audit_log.mark()
    for _ in range(3):
        kubectl(*WAYS[way], "--filename=-", stdin=manifest(namespace))
    time.sleep(2)

    assert versions() == before
    requests = audit_log.requests(mark, OPERATOR_USER)
    assert [request for request in requests if request.verb in WRITES and request.namespace == namespace] == []


def test_nothing_of_ours_is_in_the_resource_but_its_status(
    objects: Objects, namespace: str, kubectl: Callable[..., str]
) -> None:
    kubectl(*WAYS["server-side"], "--filename=-", stdin=manifest(namespace))
    settled(objects, "llama-8b", "Running")
    live = present(objects, CR, "llama-8b")

    assert live["spec"] == sample("gpu-portion")["spec"]
    assert (live["metadata"]["labels"], live["metadata"]["annotations"]) == (LABELS, ANNOTATIONS)
    assert {"finalizers", "ownerReferences"}.isdisjoint(live["metadata"])
    fields = {entry["manager"]: set(entry["fieldsV1"]) for entry in live["metadata"]["managedFields"]}
    assert fields["runai-nim-operator"] == {"f:status"}


def test_tracking_keys_are_not_copied(objects: Objects, namespace: str, kubectl: Callable[..., str]) -> None:
    kubectl(*WAYS["client-side"], "--filename=-", stdin=manifest(namespace))
    settled(objects, "llama-8b", "Running")
    made = [(NIMSERVICE, "llama-8b"), (CLAIM, "llama-8b-model-store"), (DEPLOYMENT, "llama-8b")]

    def keys(metadata: dict[str, Any]) -> set[str]:
        return {*metadata.get("labels", {}), *metadata.get("annotations", {})}

    for kind, name in made:
        found = keys(present(objects, kind, name)["metadata"])
        assert found
        assert [key for key in found if any(part in key for part in FOREIGN)] == []
    template = pod_template(objects, "llama-8b")["metadata"]
    assert [key for key in keys(template) if any(part in key for part in FOREIGN)] == []
    values = {value for kind, name in made for value in present(objects, kind, name)["metadata"]["labels"].values()}
    assert "team-a-models" not in values
