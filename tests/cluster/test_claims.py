"""Every way to a deleted claim, with the garbage collector at work: each row of the guide's table."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kubernetes.dynamic.exceptions import NotFoundError, ResourceNotFoundError

from local.cluster import CHECKOUT, LocalCluster, Program
from local.control_plane import ControlPlane
from local.loopback import answers
from local.objects import Object, Objects, wait_for
from tests.support.services import CLAIM, CR, NIMSERVICE, gone, present, reason, sample, settled

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")

NIMCACHE = "apps.nvidia.com/v1alpha1 NIMCache"
GUIDE = (CHECKOUT / "docs" / "guide" / "model-store.md").read_text(encoding="utf-8")
TABLE = re.compile(r"^\| (.+?) \| (.+?) \| (.+?) \| (stays|goes)(?:[,:;] .+?)? \|$", re.MULTILINE)
SECONDS = 60
"""The garbage collector takes up to half a minute to learn of a kind whose CRD is new."""

Do = Callable[[Objects, str], None]


def serve(objects: Objects, name: str, reason: str = "Running", **pvc: Any) -> None:
    """Apply a RunaiNimService of that name on the claim `<name>-weights`, and wait until it is served."""
    body = sample("gpu-portion", modelStore={"pvc": {"claimName": f"{name}-weights", **pvc}})
    body["metadata"]["name"] = name
    objects.apply(body)
    settled(objects, name, reason, SECONDS, generation=present(objects, CR, name)["metadata"]["generation"])


def made(retention: str) -> Do:
    return lambda objects, name: serve(objects, name, claimInfo={"size": "1Gi"}, retentionPolicy=retention)


def changed_to_retain(objects: Objects, name: str) -> None:
    made("Delete")(objects, name)
    assert owners(objects, name) == ["RunaiNimService"]
    serve(objects, name, retentionPolicy="Retain")  # nor is the size asked for, of a claim that is there
    wait_for(lambda: owners(objects, name) == [])


def another_named(objects: Objects, name: str) -> None:
    made("Delete")(objects, name)
    serve(objects, name, claimName=f"{name}-others", claimInfo={"size": "1Gi"}, retentionPolicy="Retain")


def named_as_existing_later(objects: Objects, name: str) -> None:
    made("Delete")(objects, name)
    serve(objects, name, existingPvc=True)
    wait_for(lambda: owners(objects, name) == [])


def made_for_an_earlier_one(objects: Objects, name: str) -> None:
    made("Retain")(objects, name)
    objects.delete(CR, name)
    gone(objects, NIMSERVICE, name, SECONDS)
    made("Delete")(objects, name)


def a_claim(name: str, owner: Object | None = None) -> Object:
    metadata: Object = {"name": f"{name}-weights"}
    if owner:
        known = {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": name,
            "uid": owner["metadata"]["uid"],
        }
        metadata["ownerReferences"] = [known | {"controller": True, "blockOwnerDeletion": True}]
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def found(objects: Objects, name: str) -> None:
    objects.apply(a_claim(name))
    made("Delete")(objects, name)


def named_as_existing(objects: Objects, name: str) -> None:
    objects.apply(a_claim(name))
    serve(objects, name, existingPvc=True)


def of_the_nim_operator(objects: Objects, name: str) -> None:
    """A NIMService that a person made, whose claim the NIM Operator makes and owns."""
    pvc = {"create": True, "name": f"{name}-weights", "size": "1Gi", "volumeAccessMode": "ReadWriteOnce"}
    spec = {
        "image": {"repository": "r", "tag": "t"},
        "authSecret": "s",
        "storage": {"pvc": pvc},
        "expose": {"service": {"port": 8000}},
        "replicas": 1,
    }
    objects.apply({"apiVersion": NIMSERVICE.split()[0], "kind": "NIMService", "metadata": {"name": name}, "spec": spec})
    wait_for(lambda: (objects.get(NIMSERVICE, name) or {}).get("status", {}).get("state") == "Ready", SECONDS)
    assert owners(objects, name) == ["NIMService"]


def handed_over(objects: Objects, name: str) -> None:
    of_the_nim_operator(objects, name)
    objects.patch(NIMSERVICE, name, {"metadata": {"annotations": {"runai-nim.io/adopt": "true"}}})
    serve(objects, name, existingPvc=True)


def handed_over_without_its_claim(objects: Objects, name: str) -> None:
    of_the_nim_operator(objects, name)
    objects.patch(NIMSERVICE, name, {"metadata": {"annotations": {"runai-nim.io/adopt": "true"}}})
    serve(objects, name, claimName=f"{name}-others", claimInfo={"size": "1Gi"})


def of_a_nimcache(objects: Objects, name: str) -> None:
    """As the NIM Operator makes it, owned by the NIMCache; a RunaiNimService uses the cache."""
    source = {"ngc": {"authSecret": "ngc", "modelPuller": "nvcr.io/nim/x:1"}}
    cache = {"apiVersion": NIMCACHE.split()[0], "kind": "NIMCache", "metadata": {"name": name}}
    owner = objects.apply({**cache, "spec": {"source": source, "storage": {"pvc": {"create": True}}}})
    objects.apply(a_claim(name, owner))
    objects.patch(NIMCACHE, name, {"status": {"state": "Ready", "pvc": f"{name}-weights", "conditions": []}}, "status")
    body = sample("gpu-portion", modelStore={"nimCache": {"name": name}})
    body["metadata"]["name"] = name
    objects.apply(body)
    settled(objects, name, "Running", SECONDS)


def owners(objects: Objects, name: str) -> list[str]:
    """Kinds of the owners of the claim."""
    references = present(objects, CLAIM, f"{name}-weights")["metadata"].get("ownerReferences") or []
    return [reference["kind"] for reference in references]


WHOSE: Mapping[str, Do] = {
    "created by this operator, `Retain`": made("Retain"),
    "created by this operator, `Delete`": made("Delete"),
    "created with `Delete`, changed to `Retain`": changed_to_retain,
    "created with `Delete`, then `claimName` names another claim": another_named,
    "created with `Delete`, then `existingPvc: true`": named_as_existing_later,
    "left by an earlier RunaiNimService with the same name; the new one has `Delete`": made_for_an_earlier_one,
    "existed before; `Delete`": found,
    "existed before; `existingPvc: true`": named_as_existing,
    "created by the NIM Operator for a NIMService (`storage.pvc.create`)": of_the_nim_operator,
    "the same, NIMService adopted, claim named in the RunaiNimService": handed_over,
    "the same, NIMService adopted, another claim named": handed_over_without_its_claim,
    "created by the NIM Operator for a NIMCache": of_a_nimcache,
}
KINDS = {"RunaiNimService": CR, "NIMService": NIMSERVICE, "NIMCache": NIMCACHE}
CRDS = {
    "the CRD of RunaiNimService": (CR, "runainimservices.runai-nim.io"),
    "the CRD of NIMService": (NIMSERVICE, "nimservices.apps.nvidia.com"),
}
OF_ANY = {("any", "the claim"), ("any", "the namespace")}


@dataclass(frozen=True)
class Row:
    """Of the table."""

    whose: str
    deleted: str
    policies: tuple[str, ...]
    stays: bool


ROWS = [
    Row(whose, deleted, tuple(how.title() for how in policies.split(", ")), stays == "stays")
    for whose, deleted, policies, stays in TABLE.findall(GUIDE)
]


def those(deleted: Iterable[str]) -> list[Any]:
    """The rows of what is deleted, as parameters."""
    found = (row for row in ROWS if row.deleted in deleted)
    return [pytest.param(row, id=f"{row.whose}: {row.deleted} {'+'.join(row.policies)}") for row in found]


def test_every_row_is_tried() -> None:
    assert len(ROWS) == len([line for line in GUIDE.splitlines() if re.search(r"\| (stays|goes)\b", line)])
    assert {row.whose for row in ROWS if row.deleted in KINDS} == WHOSE.keys()
    rest = {(row.whose, row.deleted) for row in ROWS if row.deleted not in KINDS}
    assert {(whose, deleted) for whose, deleted in rest if deleted not in CRDS} == OF_ANY
    assert {whose for whose, deleted in rest if deleted in CRDS} <= WHOSE.keys()


@pytest.mark.parametrize("row", those(KINDS))
def test_a_row(objects: Objects, row: Row) -> None:
    """All policies side by side, each with a resource of its own."""
    kind = KINDS[row.deleted]
    names = [policy.lower() for policy in row.policies]
    for name in names:
        WHOSE[row.whose](objects, name)
    uids = {name: present(objects, kind, name)["metadata"]["uid"] for name in names}
    for name, policy in zip(names, row.policies, strict=True):
        objects.delete(kind, name, policy)
    for name in names:
        wait_for(partial(_gone_or_made_anew, objects, kind, name, uids[name]), SECONDS)
        if kind == CR and name != "orphan":
            gone(objects, NIMSERVICE, name, SECONDS)
        await_end(objects, f"{name}-weights", stays=row.stays)


def await_end(objects: Objects, claim: str, *, stays: bool) -> None:
    """Wait until the claim is gone, or nothing can take it any more."""
    if stays:
        wait_for(partial(lasts, objects, claim), SECONDS)
    else:
        gone(objects, CLAIM, claim, SECONDS)


def _gone_or_made_anew(objects: Objects, kind: str, name: str, uid: str) -> bool:
    live = objects.get(kind, name)
    return live is None or live["metadata"]["uid"] != uid


def lasts(objects: Objects, name: str) -> bool:
    """Is the claim there to stay: not being deleted, and nothing that is gone owns it?"""
    metadata = present(objects, CLAIM, name)["metadata"]
    assert "deletionTimestamp" not in metadata
    living = [live["metadata"]["uid"] for kind in KINDS.values() for live in listed(objects, kind)]
    return all(owner["uid"] in living for owner in metadata.get("ownerReferences") or ())


def listed(objects: Objects, kind: str) -> list[Object]:
    """Objects of a kind; none where it is not installed."""
    try:
        return objects.list(kind)
    except (NotFoundError, ResourceNotFoundError):
        return []


@pytest.mark.long
def test_the_deletion_of_a_nimcache_older_than_the_watch_is_noticed(
    objects: Objects, cluster: LocalCluster, operator_process: Program
) -> None:
    of_a_nimcache(objects, "nim")
    operator_process.start()  # its watch of NIMCaches starts without a list of them
    wait_for(lambda: answers(cluster.readyz_url))
    time.sleep(1)  # the restarted operator reads the NIMCache
    objects.delete(NIMCACHE, "nim")  # in the background, so without an event before the deletion
    wait_for(lambda: reason(objects, "nim", "StorageReady") == "NIMCacheNotFound", SECONDS)


def test_the_claim_itself_goes_with_its_last_pod_and_is_made_anew(
    objects: Objects, kubectl: Callable[..., str]
) -> None:
    made("Retain")(objects, "nim")
    objects.apply(a_pod("nim-weights"))
    before = present(objects, CLAIM, "nim-weights")["metadata"]["uid"]
    objects.delete(CLAIM, "nim-weights")
    wait_for(lambda: reason(objects, "nim", "StorageReady") == "ClaimTerminating")
    assert present(objects, CLAIM, "nim-weights")["metadata"]["uid"] == before
    kubectl("delete", "pod", "user", "--force", "--grace-period=0", f"--namespace={objects.namespace}")
    wait_for(lambda: (objects.get(CLAIM, "nim-weights") or {"metadata": {"uid": before}})["metadata"]["uid"] != before)


def a_pod(claim: str) -> Object:
    """On a node, which the claim is protected for."""
    volume = {"name": "model", "persistentVolumeClaim": {"claimName": claim}}
    spec = {"nodeName": "node-1", "containers": [{"name": "c", "image": "i"}], "volumes": [volume]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "user"}, "spec": spec}


def test_the_namespace_takes_all_claims(
    objects: Objects, control_plane: ControlPlane, kubectl: Callable[..., str]
) -> None:
    name = f"{objects.namespace}-gone"
    kubectl("create", "namespace", name)
    with Objects(Path(control_plane.kubeconfig), name) as theirs:
        made("Retain")(theirs, "nim")
        found(theirs, "other")
        kubectl("delete", "namespace", name, "--timeout=60s")
        assert theirs.list(CLAIM) == []


@pytest.mark.long
@pytest.mark.parametrize("row", those(CRDS))
def test_a_kind_takes_what_its_objects_own(
    objects: Objects, cluster: LocalCluster, kubectl: Callable[..., str], row: Row
) -> None:
    kind, crd = CRDS[row.deleted]
    WHOSE[row.whose](objects, "nim")
    # By now the garbage collector has to know the kind, which an earlier test may just have installed.
    (made("Delete") if kind == CR else of_the_nim_operator)(objects, "witness")
    objects.delete(kind, "witness")
    gone(objects, CLAIM, "witness-weights", SECONDS)
    try:
        kubectl("delete", "crd", crd, "--timeout=60s")
        await_end(objects, "nim-weights", stays=row.stays)
    finally:
        cluster.operator.stop()  # without its own kind it ends anyway
        cluster.apply_manifests()
