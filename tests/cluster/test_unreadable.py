"""Objects that can't be decoded are left out and named, whether a watch or a LIST brings them; all others go on."""

import json
from collections.abc import Callable

import pytest

from local.cluster import LocalCluster, Program
from local.objects import Objects, wait_for
from runai_nim.api import well_known
from tests.support.hostile_objects import LARGE, claim, nimservice, undecodable
from tests.support.prometheus import scrape
from tests.support.services import CLAIM, NIMSERVICE, condition, present, sample, settled

LISTED = LARGE.keys() - {"claim", "nimcache"}
"""Those of others are not listed, but read by name."""


def test_what_cannot_be_decoded(
    cluster: LocalCluster, objects: Objects, namespace: str, kubectl: Callable[..., str], operator_process: Program
) -> None:
    cluster.stand_in.stop()  # it reads JSON as Kopf does, and nobody guards it
    operator_process.start()
    began = operator_process.log.stat().st_size
    for kind, make in LARGE.items():
        kubectl("create", "--filename=-", f"--namespace={namespace}", stdin=undecodable(make(kind)))
    goes_on(objects, "first")
    wait_for(lambda: left_out(operator_process, began, namespace) == LARGE.keys())

    began = operator_process.log.stat().st_size
    operator_process.start()
    wait_for(lambda: cluster.ask("/readyz") == (200, "ok"), 60)
    goes_on(objects, "second")
    wait_for(lambda: left_out(operator_process, began, namespace) >= LISTED)
    kinds = scrape(cluster).by("kind", "runai_nim_unreadable_objects_total").keys()
    assert {"persistentvolumeclaims", "nimservices", "pods", "runainimservices"} <= kinds
    readable = '--patch={"metadata": {"managedFields": [{}]}}'
    kubectl("patch", "rnim", "resource", "--type=merge", readable, f"--namespace={namespace}")
    settled(objects, "resource", "NIMServiceNotSeen")


@pytest.mark.long
def test_no_claim_is_lost_that_cannot_be_read(
    cluster: LocalCluster, objects: Objects, namespace: str, kubectl: Callable[..., str], operator_process: Program
) -> None:
    """Whether the NIMService that is handed over owns it is not known before it can be read."""
    cluster.stand_in.stop()
    where = f"--namespace={namespace}"
    theirs = nimservice("llama-8b")
    theirs["metadata"]["annotations"][well_known.ADOPT] = "true"
    owner = objects.apply({**theirs, "spec": {**theirs["spec"], "env": []}})
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": "llama-8b"}
    weights = claim("weights")
    weights["metadata"]["ownerReferences"] = [{**reference, "uid": owner["metadata"]["uid"]}]
    kubectl("create", "--filename=-", where, stdin=undecodable(weights))

    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "WriteRefused")
    message = condition(objects, "llama-8b", "Ready")["message"]
    assert f"PersistentVolumeClaim {namespace}/weights can't be parsed" in message
    assert not present(objects, NIMSERVICE, "llama-8b")["metadata"].get("ownerReferences")

    kubectl("patch", "pvc", "weights", "--type=merge", '--patch={"metadata": {"managedFields": [{}]}}', where)
    settled(objects, "llama-8b", "NIMServiceNotSeen", 60)
    assert not present(objects, CLAIM, "weights")["metadata"].get("ownerReferences")


def goes_on(objects: Objects, name: str) -> None:
    """What others make is acted on."""
    body = sample("gpu-portion")
    body["metadata"]["name"] = name
    objects.apply(body)
    settled(objects, name, "NIMServiceNotSeen")


def left_out(operator: Program, since: int, namespace: str) -> set[str]:
    """Names of what the operator says that it left out."""
    lines = operator.log.read_bytes()[since:].decode().splitlines()
    said = [json.loads(line) for line in lines if '"object skipped"' in line]
    return {line["object"].removeprefix(f"{namespace}/") for line in said}
