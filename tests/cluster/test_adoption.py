"""A NIMService of somebody else: what is said of it, and what becomes of it and its claims once it is handed over."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from local.objects import Object, Objects, wait_for
from runai_nim.api import well_known
from tests.cluster.admission import refusing
from tests.support.services import CLAIM, CR, NIMSERVICE, condition, gone, present, reason, sample, settled
from tests.upgrade.frozen_outputs import cache_ready

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")

ADOPT = {"metadata": {"annotations": {well_known.ADOPT: "true"}}}
CREATED = {"pvc": {"create": True, "name": "weights", "size": "1Gi", "volumeAccessMode": "ReadWriteOnce"}}
STORAGE = "object.spec.storage"
# Those of the NIM Operator's webhook (validateServiceStorageConfiguration, validatePVCImmutability).
ONE_STORAGE = f"""[
  has({STORAGE}.nimCache) && has({STORAGE}.nimCache.name) && {STORAGE}.nimCache.name != '',
  has({STORAGE}.pvc) && (has({STORAGE}.pvc.create) || has({STORAGE}.pvc.name)),
  has({STORAGE}.hostPath) && {STORAGE}.hostPath != '',
  has({STORAGE}.emptyDir)
].filter(defined, defined).size() == 1"""
PVC_IMMUTABLE = (
    "oldObject == null || !has(oldObject.spec.storage.pvc) || !has(oldObject.spec.storage.pvc.create)"
    f" || !oldObject.spec.storage.pvc.create || {STORAGE}.pvc == oldObject.spec.storage.pvc"
)


def theirs(storage: Object, **spec: Any) -> Object:
    """A NIMService as a person makes it."""
    whole = {
        "image": {"repository": "r", "tag": "t"},
        "authSecret": "s",
        "storage": storage,
        "expose": {"service": {"port": 8000}},
        "replicas": 1,
        **spec,
    }
    version, kind = NIMSERVICE.split()
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "llama-8b"}, "spec": whole}


def serving(objects: Objects, storage: Object, **spec: Any) -> None:
    objects.apply(theirs(storage, **spec))
    wait_for(lambda: present(objects, NIMSERVICE, "llama-8b").get("status", {}).get("state") == "Ready", 60)


def owners(objects: Objects, claim: str) -> list[str]:
    references = present(objects, CLAIM, claim)["metadata"].get("ownerReferences") or []
    return [reference["kind"] for reference in references]


def webhook(objects: Objects) -> AbstractContextManager[None]:
    """The rules of the NIM Operator's webhook that concern storage, in the test's namespace."""
    rules = {"multiple storage sources defined": ONE_STORAGE, "storage.pvc is immutable": PVC_IMMUTABLE}
    two = theirs({"emptyDir": {}, "pvc": {"name": "x"}})
    two["metadata"]["name"] = "two"

    def probe() -> None:
        objects.apply(two)
        objects.delete(NIMSERVICE, "two")

    return refusing(
        objects, resource="nimservices.apps.nvidia.com", operations=["CREATE", "UPDATE"], rules=rules, probe=probe
    )


def test_adopting_takes_away_what_the_spec_does_not_have(objects: Objects) -> None:
    variables = [{"name": "THEIRS", "value": "x"}]
    serving(objects, {"emptyDir": {"sizeLimit": "1Gi"}}, env=variables, nodeSelector={"pool": "a"}, userID=1)
    objects.patch(NIMSERVICE, "llama-8b", ADOPT)
    with webhook(objects):
        objects.apply(sample("gpu-portion", environmentVariables=[]))
        settled(objects, "llama-8b", "Running", 60)
    spec = present(objects, NIMSERVICE, "llama-8b")["spec"]
    assert spec["storage"] == {"pvc": {"create": False, "name": "llama-8b-model-store"}}
    assert {"env", "nodeSelector"}.isdisjoint(spec)
    assert spec.get("userID") != 1


def test_what_both_had_asked_for_can_be_taken_away_later(objects: Objects) -> None:
    variables = [{"name": "BOTH", "value": "x"}]
    serving(objects, {"emptyDir": {}}, env=variables)
    objects.patch(NIMSERVICE, "llama-8b", ADOPT)
    objects.apply(sample("gpu-portion", environmentVariables=variables))
    settled(objects, "llama-8b", "Running", 60)
    assert present(objects, NIMSERVICE, "llama-8b")["spec"]["env"] == variables
    objects.apply(sample("gpu-portion", environmentVariables=[]))
    settled(objects, "llama-8b", "Running", 60, generation=2)
    assert "env" not in present(objects, NIMSERVICE, "llama-8b")["spec"]


CACHE = {"nimCache": {"name": "cache"}}
CLAIMED = {"pvc": {"claimInfo": {"size": "1Gi"}}}


@pytest.mark.parametrize(("before", "after"), [(CLAIMED, CACHE), (CACHE, CLAIMED)], ids=["to-cache", "to-claim"])
def test_the_webhook_lets_one_store_take_the_other_s_place(objects: Objects, before: Object, after: Object) -> None:
    cache_ready(objects)
    with webhook(objects):
        objects.apply(sample("gpu-portion", modelStore=before))
        settled(objects, "llama-8b", "Running", 60)
        objects.apply(sample("gpu-portion", modelStore=after))
        settled(objects, "llama-8b", "Running", 60, generation=2)
    storage = present(objects, NIMSERVICE, "llama-8b")["spec"]["storage"]
    assert [name for name, store in storage.items() if store] == list(after)


def test_a_second_store_that_somebody_adds_is_taken_away(objects: Objects) -> None:
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "Running", 60)
    objects.patch(NIMSERVICE, "llama-8b", {"spec": {"storage": {"emptyDir": {}}}})
    wait_for(lambda: "emptyDir" not in present(objects, NIMSERVICE, "llama-8b")["spec"]["storage"])


@pytest.mark.long
def test_a_claim_is_released_even_where_the_webhook_refuses_to_adopt(
    objects: Objects, kubectl: Callable[..., str]
) -> None:
    serving(objects, CREATED)
    objects.patch(NIMSERVICE, "llama-8b", ADOPT)
    before = present(objects, CLAIM, "weights")["metadata"]["uid"]
    with webhook(objects):
        objects.apply(sample("gpu-portion", modelStore={"pvc": {"existingPvc": True, "claimName": "weights"}}))
        settled(objects, "llama-8b", "WriteRefused", 60)
        assert "storage.pvc is immutable" in condition(objects, "llama-8b", "Ready")["message"]
        assert owners(objects, "weights") == []
        objects.delete(NIMSERVICE, "llama-8b")
        settled(objects, "llama-8b", "Running", 60)
    assert present(objects, CLAIM, "weights")["metadata"]["uid"] == before
    objects.delete(CLAIM, "weights")
    wait_for(lambda: reason(objects, "llama-8b", "StorageReady") == "ClaimNotFound")


def test_every_claim_of_the_nimservice_is_released(objects: Objects) -> None:
    """Also one that an earlier spec of it had made, and nobody names any more."""
    serving(objects, CREATED)
    second = {"pvc": {**CREATED["pvc"], "name": "second"}}
    objects.apply(theirs(second))
    wait_for(lambda: objects.get(CLAIM, "second"))
    objects.patch(NIMSERVICE, "llama-8b", ADOPT)
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "Running", 60)
    assert (owners(objects, "weights"), owners(objects, "second")) == ([], [])


def test_a_claim_of_a_nimservice_that_version_0_1_0_adopted_is_released(objects: Objects) -> None:
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "Running", 60)
    nimservice = present(objects, NIMSERVICE, "llama-8b")
    owner = {
        "apiVersion": nimservice["apiVersion"],
        "kind": "NIMService",
        "name": "llama-8b",
        "uid": nimservice["metadata"]["uid"],
    }
    other = {"apiVersion": "v1", "kind": "ConfigMap", "name": "theirs", "uid": _config_map(objects)}
    objects.patch(CLAIM, "llama-8b-model-store", {"metadata": {"ownerReferences": [owner, other]}})
    wait_for(lambda: owners(objects, "llama-8b-model-store") == ["ConfigMap"])


def _config_map(objects: Objects) -> str:
    made = objects.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}})
    return str(made["metadata"]["uid"])


def test_a_conflict_says_which_claim_is_at_stake(objects: Objects) -> None:
    serving(objects, CREATED)
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "NameConflict")
    message = condition(objects, "llama-8b", "Ready")["message"]
    assert "the operator first releases claim weights and keeps the data" in message
    storage = condition(objects, "llama-8b", "StorageReady")
    assert (storage["status"], storage["reason"]) == ("False", "ClaimNotMade")
    assert "it writes nothing until the name conflict is resolved" in storage["message"]
    assert objects.get(CLAIM, "llama-8b-model-store") is None
    assert owners(objects, "weights") == ["NIMService"]


def test_a_handed_over_nimservice_of_a_paused_resource_is_left_alone(objects: Objects) -> None:
    serving(objects, CREATED)
    objects.patch(NIMSERVICE, "llama-8b", ADOPT)
    body = sample("gpu-portion", modelStore={"pvc": {"existingPvc": True, "claimName": "weights"}})
    body["metadata"]["annotations"] = {well_known.PAUSED: "true"}
    objects.apply(body)
    wait_for(lambda: reason(objects, "llama-8b", "Translated") == "Paused")
    assert owners(objects, "weights") == ["NIMService"]
    objects.patch(CR, "llama-8b", {"metadata": {"annotations": {well_known.PAUSED: None}}})
    settled(objects, "llama-8b", "Running", 60)
    objects.delete(CR, "llama-8b")
    gone(objects, NIMSERVICE, "llama-8b", 60)
    assert "deletionTimestamp" not in present(objects, CLAIM, "weights")["metadata"]
