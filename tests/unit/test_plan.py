from dataclasses import replace
from typing import Any

import pytest

from runai_nim import keys
from runai_nim.observed import Claim, Observed
from runai_nim.plan import Plan, plan
from runai_nim.settings import settings_from
from runai_nim.translate import Context, translate

CONTEXT = Context(settings_from(None, {}), {})
OWNER = {"kind": keys.KIND, "name": "nim", "uid": "u1", "controller": True}
CLAIM = Claim("7", "c1", "Bound", "10Gi", "fast", ("ReadWriteOnce",), "Filesystem", "nim", (), {}, False)


def a_cr(claim: dict[str, Any] | None = None, pvc: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    store = {"pvc": {"claimInfo": {"size": "10Gi", **(claim or {})}, **(pvc or {})}}
    spec = {"image": "r/nim:1", "ngcAuthSecret": "ngc", "servingPort": {"port": 8000}, "modelStore": store}
    return {"metadata": {"name": "nim", "namespace": "ns", "uid": "u1", "generation": 1, **metadata}, "spec": spec}


def live(cr: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    wanted = translate(cr, CONTEXT).nimservice
    assert wanted is not None
    return {
        **wanted,
        "metadata": {**wanted["metadata"], "resourceVersion": "5", "ownerReferences": [OWNER], **metadata},
    }


def planned(cr: dict[str, Any], nimservice: Any = None, claim: Claim | None = CLAIM, installed: bool = True) -> Plan:
    observed = Observed(nimservice=nimservice, claim=claim, nimservice_installed=installed)
    return plan(cr, translate(cr, CONTEXT), observed)


def test_what_is_absent_is_created() -> None:
    found = planned(a_cr(), claim=None)
    assert found.claim is not None
    assert found.nimservice is not None
    assert (found.claim.resource_version, found.nimservice.resource_version) == (None, None)


def test_what_is_there_is_left_alone() -> None:
    cr = a_cr()
    assert planned(cr, live(cr)) == Plan()


@pytest.mark.parametrize("metadata", [{"deletionTimestamp": "now"}, {"annotations": {keys.PAUSED: "true"}}])
def test_nothing_is_written_for_one_that_goes_or_is_paused(metadata: dict[str, Any]) -> None:
    assert planned(a_cr(**metadata), claim=None) == Plan()


def test_nothing_is_written_for_a_refused_spec() -> None:
    assert planned(a_cr({"size": "10 GB"}), claim=None) == Plan()


def test_a_changed_field_is_written_at_the_version_that_was_seen() -> None:
    cr = a_cr()
    edited = live(cr)
    edited["spec"] = {**edited["spec"], "schedulerName": "other"}
    found = planned(cr, edited)
    assert found.nimservice is not None
    assert found.nimservice.resource_version == "5"


def test_a_kind_that_is_not_installed_is_not_written() -> None:
    assert planned(a_cr(), installed=False).nimservice is None


@pytest.mark.parametrize(
    ("owners", "says"),
    [
        ([], keys.ADOPT),
        ([{"kind": "NIMPipeline", "name": "other", "uid": "x", "controller": True}], "owned by NIMPipeline other"),
    ],
)
def test_a_foreign_nimservice_is_a_conflict(owners: list[Any], says: str) -> None:
    cr = a_cr()
    found = planned(cr, live(cr, ownerReferences=owners, labels={}, annotations={}), claim=None)
    assert found.refused is not None
    assert found.refused.reason == "NameConflict"
    assert says in found.refused.message
    assert (found.claim, found.nimservice) == (None, None)


def test_an_adopted_or_orphaned_one_is_taken() -> None:
    cr = a_cr()
    for handed in (
        live(cr, ownerReferences=[], labels={}, annotations={keys.ADOPT: "true"}),
        live(cr, ownerReferences=[]),
    ):
        found = planned(cr, handed)
        assert found.nimservice is not None
        assert found.nimservice.resource_version == "5"


def test_an_annotation_takes_nothing_from_another_controller() -> None:
    cr, other = a_cr(), {"kind": "NIMPipeline", "name": "other", "uid": "x", "controller": True}
    assert planned(cr, live(cr, ownerReferences=[other], annotations={keys.ADOPT: "true"})).refused is not None


def test_a_predecessor_s_nimservice_is_waited_for() -> None:
    cr = a_cr()
    for going in (live(cr, ownerReferences=[OWNER | {"uid": "u0"}]), live(cr, deletionTimestamp="now")):
        found = planned(cr, going)
        assert "being deleted" in found.waiting
        assert found.nimservice is None


@pytest.mark.parametrize(
    ("asked", "reason", "says"),
    [
        ({"size": "9Gi"}, "ClaimCannotShrink", "10Gi"),
        ({"storageClass": "slow"}, "ClaimImmutable", "fast"),
        ({"accessModes": {"readWriteMany": True}}, "ClaimImmutable", "ReadWriteOnce"),
    ],
)
def test_what_a_claim_cannot_become_is_refused(asked: dict[str, Any], reason: str, says: str) -> None:
    found = planned(a_cr(asked))
    assert found.refused is not None
    assert found.refused.reason == reason
    assert says in found.refused.message
    assert found.nimservice is None


def test_a_claim_of_ours_grows() -> None:
    found = planned(a_cr({"size": "20Gi"}))
    assert found.claim is not None
    assert found.claim.resource_version == "7"


def test_the_same_size_in_another_spelling_is_the_same() -> None:
    assert planned(a_cr({"size": "10240Mi"})).claim is None


@pytest.mark.parametrize("changes", [{"made_for": ""}, {"made_for": "other"}, {"deleting": True}])
def test_a_claim_that_is_not_ours_or_goes_is_not_written(changes: dict[str, Any]) -> None:
    assert planned(a_cr({"size": "20Gi"}), claim=replace(CLAIM, **changes)).claim is None


def test_retention_delete_makes_us_the_owner_of_our_claim() -> None:
    cr = a_cr(pvc={"retentionPolicy": "Delete"})
    found = planned(cr)
    assert found.claim is not None
    assert planned(cr, claim=replace(CLAIM, owner_uids=("u1",))).claim is None


def test_a_cache_needs_no_claim() -> None:
    cr = a_cr()
    cr["spec"]["modelStore"] = {"nimCache": {"name": "cache"}}
    assert planned(cr, claim=None).claim is None
