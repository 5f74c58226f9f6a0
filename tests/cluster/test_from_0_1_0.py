"""Claims and routes of version 0.1.0, which have neither uid nor hash: they go on, and none is lost."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local.cluster import LocalCluster
from local.objects import Object, Objects, wait_for
from runai_nim.api import well_known
from tests.support.services import CLAIM, CR, NIMSERVICE, gone, present, sample, settled
from tests.upgrade.frozen_outputs import OPERATOR_ENVIRONMENT, Record, records
from tests.upgrade.leftovers import INGRESS, everything, make, without_marks

pytestmark = pytest.mark.usefixtures("stand_in")

NAMES = ("claim-new-annotations", "claim-new-deleted-with-the-service", "exposed-url-ingress")


@pytest.fixture
def stopped(cluster: LocalCluster) -> Iterator[LocalCluster]:
    """The operator does not run until the test starts it."""
    cluster.operator.stop()
    yield cluster
    cluster.operator.stop()


def left(name: str, namespace: str) -> Record:
    """What 0.1.0 left of a resource that it had brought to rest."""
    (found,) = [record for record in records("0.1.0", "stored.jsonl") if record["name"] == name]
    moved: Record = json.loads(json.dumps(found).replace(name, namespace))  # each had a namespace of its own name
    return moved


@pytest.mark.parametrize("name", NAMES)
def test_what_it_made_gets_its_marks_and_nothing_else_changes(
    stopped: LocalCluster, objects: Objects, name: str
) -> None:
    record = left(name, objects.namespace)
    make(stopped, record)
    before = everything(stopped, objects.namespace)
    stopped.operator.start(environment=OPERATOR_ENVIRONMENT)
    (child,) = [child for child in record["children"] if child["kind"] != "NIMService"]
    wait_for(lambda: well_known.SPEC_HASH in annotations(objects, child))
    if child["kind"] == "PersistentVolumeClaim":
        uid = present(objects, CR, record["cr"]["metadata"]["name"])["metadata"]["uid"]
        assert annotations(objects, child)[well_known.SERVICE_UID] == uid
    time.sleep(1)
    after = everything(stopped, objects.namespace)
    assert [without_marks(obj) for obj in after] == [without_marks(obj) for obj in before]


def test_what_is_taken_away_from_what_it_made_goes(stopped: LocalCluster, objects: Objects) -> None:
    record = left("claim-new-annotations", objects.namespace)
    make(stopped, record)
    claim = record["children"][0]
    cr = record["cr"]
    assert annotations(objects, claim).keys() == {"example.com/tier", "bare"}
    objects.patch(CR, cr["metadata"]["name"], {"spec": {"modelStore": {"pvc": {"claimInfo": {"addedAttrValues": []}}}}})
    stopped.operator.start(environment=OPERATOR_ENVIRONMENT)
    wait_for(lambda: annotations(objects, claim).keys() == {well_known.SPEC_HASH, well_known.SERVICE_UID})


def annotations(objects: Objects, child: Object) -> dict[str, Any]:
    kind = CLAIM if child["kind"] == "PersistentVolumeClaim" else INGRESS
    return present(objects, kind, child["metadata"]["name"])["metadata"].get("annotations") or {}


def test_what_it_had_taken_for_its_own_is_released(stopped: LocalCluster, objects: Objects) -> None:
    """An earlier RunaiNimService of the name left the claim; 0.1.0 made the later one its owner."""
    claim: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "weights", "labels": {well_known.SERVICE_LABEL: "llama-8b"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    apply_as_operator(stopped, objects, claim)
    time.sleep(1.1)  # creation times are whole seconds
    pvc = {"claimName": "weights", "retentionPolicy": "Delete", "claimInfo": {"size": "1Gi"}}
    later = objects.apply(sample("gpu-portion", modelStore={"pvc": pvc}))
    owner = {
        "apiVersion": well_known.API_VERSION,
        "kind": well_known.KIND,
        "name": "llama-8b",
        "uid": later["metadata"]["uid"],
    }
    owned = {**claim["metadata"], "ownerReferences": [owner | {"controller": True, "blockOwnerDeletion": True}]}
    apply_as_operator(stopped, objects, {**claim, "metadata": owned})

    stopped.operator.start()
    settled(objects, "llama-8b", "Running", 60)
    metadata = present(objects, CLAIM, "weights")["metadata"]
    assert "ownerReferences" not in metadata
    assert well_known.SERVICE_UID not in (metadata.get("annotations") or {})
    objects.delete(CR, "llama-8b", "Foreground")
    gone(objects, CR, "llama-8b", 60)
    gone(objects, NIMSERVICE, "llama-8b", 60)
    assert "deletionTimestamp" not in present(objects, CLAIM, "weights")["metadata"]


def apply_as_operator(cluster: LocalCluster, objects: Objects, manifest: Object) -> None:
    cluster.kubectl(
        *("apply", "--server-side", f"--field-manager={well_known.FIELD_MANAGER}", "--filename=-"),
        f"--namespace={objects.namespace}",
        stdin=yaml.safe_dump(manifest),
    )
