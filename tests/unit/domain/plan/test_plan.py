from dataclasses import replace
from typing import Any

import pytest

from runai_nim.api import well_known
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.observed import ObservedClaim, ObservedState, ObservedWorkload, OwnerReference, digest_annotations
from runai_nim.domain.plan import (
    Deletion,
    Plan,
    Release,
    check_names,
    host_taken_finding,
    host_to_check,
    is_made_for,
    names_to_check,
    plan,
)
from runai_nim.domain.plan.exposure import RoutePlan
from runai_nim.domain.reasons import Reason
from runai_nim.domain.translate import translate
from tests.support.decisions import input_of
from tests.support.observations import a_workload
from tests.support.resources import CREATED, a_cr, with_claim

CONTEXT = Context(load_settings(None, {}), {})
BEFORE, LATER = "2026-01-01T23:59:59Z", "2026-01-02T00:00:01Z"
OWNER = {"kind": well_known.KIND, "name": "nim", "uid": "u1", "controller": True}
WORKLOAD = a_workload(pod_hash="h")


def claim_of(cr: dict[str, Any], **changes: Any) -> ObservedClaim:
    """The claim as we made it for `cr`."""
    wanted = translate(input_of(cr, CONTEXT)).claim
    assert wanted is not None
    metadata = {"uid": "c1", "resourceVersion": "7", "creationTimestamp": CREATED, **wanted["metadata"]}
    found = ObservedClaim.from_object({"metadata": metadata, "spec": {"storageClassName": "fast", **wanted["spec"]}})
    return replace(found, phase="Bound", applied_at=CREATED, **changes)


def live(cr: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    wanted = translate(input_of(cr, CONTEXT)).nimservice
    assert wanted is not None
    return {
        **wanted,
        "metadata": {**wanted["metadata"], "uid": "n1", "resourceVersion": "5", "ownerReferences": [OWNER], **metadata},
    }


CLAIM = claim_of(a_cr())


def planned(
    cr: dict[str, Any], nimservice: Any = None, claim: ObservedClaim | None = CLAIM, installed: bool = True
) -> Plan:
    observed = ObservedState(nimservice=nimservice, claim=claim, is_nimservice_installed=installed)
    return plan(cr, translate(input_of(cr, CONTEXT)), observed)


def test_what_is_absent_is_created() -> None:
    found = planned(a_cr(), claim=None)
    assert found.claim is not None
    assert found.nimservice is not None
    assert (found.claim.resource_version, found.nimservice.resource_version) == (None, None)
    assert found.writes == (found.claim, found.nimservice)


def test_what_is_there_is_left_alone() -> None:
    cr = a_cr()
    assert planned(cr, live(cr)) == Plan()


def test_a_foreign_nimservice_is_a_conflict_while_paused_too() -> None:
    paused = a_cr(annotations={well_known.PAUSED: "true"})
    foreign = live(paused, ownerReferences=[], labels={})
    found = planned(paused, foreign)
    assert found.writes == ()
    assert found.refusal is not None
    assert found.refusal.reason == Reason.NAME_CONFLICT
    handed_over = live(paused, ownerReferences=[], labels={}, annotations={well_known.ADOPT: "true"})
    assert planned(paused, handed_over) == Plan()


@pytest.mark.parametrize("metadata", [{"deletionTimestamp": "now"}, {"annotations": {well_known.PAUSED: "true"}}])
def test_nothing_is_written_for_one_that_goes_or_is_paused(metadata: dict[str, Any]) -> None:
    assert planned(a_cr(**metadata), claim=None) == Plan()


def test_nothing_is_written_for_a_refused_spec() -> None:
    assert planned(a_cr(with_claim({"size": "10 GB"})), claim=None) == Plan()


def test_a_changed_field_is_written_at_the_version_that_was_seen() -> None:
    cr = a_cr()
    edited = live(cr)
    edited["spec"] = {**edited["spec"], "schedulerName": "other"}
    found = planned(cr, edited)
    assert found.nimservice is not None
    assert found.nimservice.resource_version == "5"


def test_what_somebody_else_changed_is_told_apart_from_what_we_change() -> None:
    cr = a_cr()
    edited = live(cr)
    edited["spec"] = {**edited["spec"], "schedulerName": "other"}
    theirs = planned(cr, edited).nimservice
    ours = planned(a_cr(annotations={well_known.RESTARTED_AT: "now"}), edited).nimservice
    assert theirs is not None
    assert ours is not None
    assert (theirs.reverted_fields, ours.reverted_fields) == ((("spec", "schedulerName"),), ())


def test_nothing_is_made_in_a_namespace_that_goes() -> None:
    cr = a_cr()
    assert plan(cr, translate(input_of(cr, CONTEXT)), ObservedState(is_namespace_deleting=True)) == Plan()


def test_a_kind_that_is_not_installed_is_not_written() -> None:
    assert planned(a_cr(), installed=False).nimservice is None


@pytest.mark.parametrize(
    ("owners", "says"),
    [
        ([], well_known.ADOPT),
        ([{"kind": "NIMPipeline", "name": "other", "uid": "x", "controller": True}], "owned by NIMPipeline other"),
    ],
)
def test_a_foreign_nimservice_is_a_conflict(owners: list[Any], says: str) -> None:
    cr = a_cr()
    found = planned(cr, live(cr, ownerReferences=owners, labels={}, annotations={}), claim=None)
    assert found.refusal is not None
    assert found.refusal.reason == "NameConflict"
    assert says in found.refusal.message
    assert (found.claim, found.nimservice) == (None, None)


def test_an_adopted_or_orphaned_one_is_taken() -> None:
    cr = a_cr()
    for handed, takes in (
        (live(cr, ownerReferences=[], labels={}, annotations={well_known.ADOPT: "true"}), ("spec",)),
        (live(cr, ownerReferences=[]), ()),
    ):
        found = planned(cr, handed).nimservice
        assert found is not None
        assert found.resource_version == "5"
        assert (found.needs_confirmation, found.is_adoption, found.taken_fields) == (True, True, takes)


def test_what_the_spec_of_an_adopted_one_has_otherwise_is_not_kept() -> None:
    """The NIM Operator's webhook allows one source of storage, switched off or not."""
    cr = a_cr()
    handed = live(cr, ownerReferences=[], labels={}, annotations={well_known.ADOPT: "true"})
    handed["spec"] = {**handed["spec"], "storage": {"nimCache": {"name": "cache"}}}
    found = planned(cr, handed).nimservice
    assert found is not None
    assert found.manifest["spec"]["storage"] == {"pvc": {"create": False, "name": "nim-model-store"}}


@pytest.mark.parametrize("owners", [[OWNER], []], ids=["ours", "orphaned"])
def test_a_second_store_is_taken_away(owners: list[Any]) -> None:
    cr = a_cr()
    stored = live(cr, ownerReferences=owners)
    stored["spec"] = {**stored["spec"], "storage": {**stored["spec"]["storage"], "emptyDir": {}}}
    found = planned(cr, stored).nimservice
    assert found is not None
    assert found.taken_fields == ("spec", "storage")
    assert found.manifest["spec"]["storage"] == {"pvc": {"create": False, "name": "nim-model-store"}}
    assert found.reverted_fields == ((("spec", "storage", "emptyDir"),) if owners else ())


def test_an_annotation_takes_nothing_from_another_controller() -> None:
    cr = a_cr()
    other = {"kind": "NIMPipeline", "name": "other", "uid": "x", "controller": True}
    assert planned(cr, live(cr, ownerReferences=[other], annotations={well_known.ADOPT: "true"})).refusal is not None


def test_a_predecessor_s_nimservice_is_waited_for() -> None:
    cr = a_cr()
    for going in (live(cr, ownerReferences=[OWNER | {"uid": "u0"}]), live(cr, deletionTimestamp="now")):
        found = planned(cr, going)
        assert "being deleted" in found.waiting_for
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
    found = planned(a_cr(with_claim(asked)))
    assert found.refusal is not None
    assert found.refusal.reason == reason
    assert says in found.refusal.message
    assert found.nimservice is None


def test_a_claim_of_ours_grows() -> None:
    found = planned(a_cr(with_claim({"size": "20Gi"})))
    assert found.claim is not None
    assert found.claim.resource_version == "7"


def test_the_same_size_in_another_spelling_is_the_same() -> None:
    assert planned(a_cr(with_claim({"size": "10240Mi"}))).claim is None


def test_a_claim_is_ours_only_with_the_uid_of_this_very_resource() -> None:
    ours, earlier = {well_known.SERVICE_UID: "u1"}, {well_known.SERVICE_UID: "u0"}
    assert is_made_for(a_cr(), replace(CLAIM, annotations=ours, applied_at="", created_at=BEFORE))
    for annotations in (earlier, {well_known.SERVICE_UID: ""}):
        assert not is_made_for(a_cr(), replace(CLAIM, annotations=annotations))
    assert not is_made_for(a_cr(uid=""), replace(CLAIM, annotations={well_known.SERVICE_UID: ""}))
    assert not is_made_for(a_cr(), replace(CLAIM, annotations={}, applied_at=""))


@pytest.mark.parametrize("retention", ["Retain", "Delete"])
@pytest.mark.parametrize(
    "changes",
    [
        {"annotations": {well_known.SERVICE_UID: "u0"}},  # an earlier resource of the name left it
        {"annotations": {}, "created_at": BEFORE},  # so it did, in version 0.1.0
        {"annotations": {}, "applied_at": BEFORE},  # and a backup brought it back
        {"annotations": {}, "applied_at": ""},  # a person made it, label and all
        {"annotations": {}, "service_label": "other"},
        {"is_deleting": True},
    ],
)
def test_a_claim_that_is_not_ours_or_goes_is_neither_written_nor_owned(changes: Any, retention: str) -> None:
    cr = a_cr(with_claim({"size": "20Gi"}, {"retentionPolicy": retention}))
    found = planned(cr, claim=replace(CLAIM, **changes))
    assert (found.claim, found.releases) == (None, ())
    assert found.nimservice is not None


def old(claim: ObservedClaim, **changes: Any) -> ObservedClaim:
    """As version 0.1.0 left it: without uid and hash."""
    return replace(claim, **{"annotations": {}, **changes})


@pytest.mark.parametrize("created", [CREATED, LATER])
def test_a_claim_of_version_0_1_0_gets_its_uid_where_it_is_proven(created: str) -> None:
    for cr in (a_cr(), a_cr(with_claim(pvc={"retentionPolicy": "Delete"}))):
        found = planned(cr, claim=old(claim_of(cr), created_at=created)).claim
        assert found is not None
        assert found.resource_version == "7"
        assert found.manifest["metadata"]["annotations"][well_known.SERVICE_UID] == "u1"


def test_without_the_resource_s_age_nothing_is_proven() -> None:
    assert planned(a_cr(creationTimestamp=""), claim=old(CLAIM)).claim is None


def test_what_version_0_1_0_owned_of_an_earlier_resource_is_released() -> None:
    cr = a_cr(with_claim(pvc={"retentionPolicy": "Delete"}))
    left = old(claim_of(cr), created_at=BEFORE)
    released = (Release("nim-model-store", "c1", "RunaiNimService nim", "u1"),)
    assert planned(cr, live(cr), claim=left).releases == released
    assert planned(a_cr(with_claim({"size": "10 GB"})), claim=left).releases == released  # a refused spec too
    assert planned(a_cr(), live(cr, ownerReferences=[]), claim=left).releases == released
    assert planned(cr, claim=replace(left, owners=())).releases == ()
    assert planned(cr, claim=replace(left, service_label="")).releases == ()  # a person's wish


def test_a_claim_that_goes_with_an_earlier_resource_is_waited_for() -> None:
    cr = a_cr()
    going = replace(
        CLAIM, annotations={well_known.SERVICE_UID: "u0"}, owners=(OwnerReference(well_known.KIND, "nim", "u0"),)
    )
    found = planned(cr, claim=going)
    expected = "PersistentVolumeClaim nim-model-store is being deleted with the previous RunaiNimService nim"
    assert expected in found.waiting_for
    assert found.writes == ()
    for owner in (
        OwnerReference(well_known.KIND, "nim", "u1"),
        OwnerReference(well_known.KIND, "other", "u0"),
        OwnerReference("X", "nim", "u0"),
    ):
        assert planned(cr, claim=replace(going, owners=(owner,))).waiting_for == ""


def test_what_is_taken_away_from_a_claim_is_written() -> None:
    noted = a_cr(with_claim({"addedAttrValues": [{"key": "example.com/tier", "value": "gold"}]}))
    found = planned(a_cr(), claim=claim_of(noted)).claim
    assert found is not None
    assert "example.com/tier" not in found.manifest["metadata"]["annotations"]
    assert planned(noted, claim=claim_of(noted)).claim is None


def test_a_class_that_is_not_asked_for_any_more_stays() -> None:
    found = planned(a_cr(with_claim({"size": "20Gi"}))).claim
    assert found is not None
    assert found.manifest["spec"]["storageClassName"] == "fast"
    classless = planned(a_cr(with_claim({"size": "20Gi"})), claim=replace(CLAIM, storage_class="")).claim
    assert classless is not None
    assert "storageClassName" not in classless.manifest["spec"]


def test_a_label_that_was_taken_off_our_claim_comes_back() -> None:
    assert planned(a_cr(), claim=replace(CLAIM, service_label="")).claim is not None


def test_retention_delete_makes_us_the_owner_of_our_claim() -> None:
    cr = a_cr(with_claim(pvc={"retentionPolicy": "Delete"}))
    taken = planned(cr).claim
    assert taken is not None
    assert taken.needs_confirmation
    kept = planned(cr, claim=claim_of(cr))
    assert (kept.claim, kept.releases) == (None, ())


def test_without_retention_delete_our_claim_is_released() -> None:
    owned = claim_of(a_cr(with_claim(pvc={"retentionPolicy": "Delete"})))
    released = (Release("nim-model-store", "c1", "RunaiNimService nim", "u1"),)
    existing = a_cr(with_claim(pvc={"existingPvc": True, "claimName": "nim-model-store", "retentionPolicy": "Delete"}))
    for cr in (a_cr(), existing):
        assert planned(cr, claim=owned).releases == released
    assert planned(a_cr(with_claim({"size": "10 GB"})), claim=owned).releases == ()  # it is not known what is wanted
    assert planned(a_cr(with_claim({"size": "1Gi"})), claim=owned).releases == released  # refused for another reason
    theirs = replace(owned, annotations={}, applied_at="", service_label="")
    assert planned(a_cr(), claim=theirs).releases == ()  # a person's wish


def without_size(**pvc: Any) -> dict[str, Any]:
    cr = a_cr(with_claim(pvc=pvc))
    del cr["spec"]["modelStore"]["pvc"]["claimInfo"]
    return cr


def test_a_claim_that_is_there_needs_no_size() -> None:
    context = replace(CONTEXT, claim_exists=True, claim_size="10Gi")
    for cr, owned in ((without_size(), False), (without_size(retentionPolicy="Delete"), True)):
        desired = translate(input_of(cr, context))
        assert desired.findings == translate(input_of(a_cr(), CONTEXT)).findings
        found = plan(cr, desired, ObservedState(claim=claim_of(a_cr()))).claim
        assert (found is not None) == owned


def test_ownership_is_given_up_without_a_size_too() -> None:
    context = replace(CONTEXT, claim_exists=True, claim_size="10Gi")
    owned = a_cr(with_claim(pvc={"retentionPolicy": "Delete"}))
    cr = without_size(retentionPolicy="Retain")
    assert len(plan(cr, translate(input_of(cr, context)), ObservedState(claim=claim_of(owned))).releases) == 1


HELD = replace(CLAIM, name="weights", owners=(OwnerReference("NIMService", "nim", "n1"),))


def test_a_claim_of_an_adopted_nimservice_is_released() -> None:
    cr = a_cr(with_claim(pvc={"existingPvc": True, "claimName": "weights"}))
    released = (Release("weights", "c1", "NIMService nim", "n1"),)
    assert planned(cr, live(cr), claim=HELD) == Plan(released)
    assert planned(cr, live(cr, ownerReferences=[], labels={}, annotations={}), claim=HELD).releases == ()
    assert planned(cr, live(cr, uid="n2"), claim=HELD).releases == ()


@pytest.mark.parametrize(
    ("storage", "claim", "held"),
    [
        ({"pvc": {"create": True, "name": "weights"}}, HELD, ["weights"]),
        ({"pvc": {"create": True}}, None, ["nim-pvc"]),
        ({"pvc": {"create": True}}, HELD, ["nim-pvc", "weights"]),
        ({"pvc": {"name": "weights"}}, replace(HELD, owners=()), []),
        ({"emptyDir": {}}, None, []),
        (None, None, []),
    ],
)
@pytest.mark.parametrize("controller", [True, False])
def test_a_conflict_names_the_claims_at_stake_and_proposes_no_deletion(
    storage: Any, claim: ObservedClaim | None, held: list[str], controller: bool
) -> None:
    cr = a_cr()
    other = {"kind": "NIMPipeline", "name": "other", "uid": "x", "controller": True}
    theirs = live(cr, ownerReferences=[other] if controller else [], labels={}, annotations={})
    theirs["spec"] = {"storage": storage}
    found = planned(cr, theirs, claim=claim).refusal
    assert found is not None
    assert [name for name in ("nim-pvc", "weights") if f"claim {name}" in found.remedy] == held
    assert "delete it" not in found.remedy
    assert "delete that" not in found.remedy


def test_a_cache_needs_no_claim() -> None:
    cr = a_cr()
    cr["spec"]["modelStore"] = {"nimCache": {"name": "cache"}}
    assert planned(cr, claim=None).claim is None


GATEWAY = {
    "external_mode": "gateway",
    "external_domain": "example.com",
    "external_hosts": ["*"],
    "external_gateway_name": "main",
    "external_gateway_namespace": "gateways",
}
EXPOSED = Context(load_settings(GATEWAY, {}), {})


def routed(cr: dict[str, Any], context: Context = EXPOSED, **observed: Any) -> RoutePlan:
    seen = ObservedState(nimservice=live(cr), claim=CLAIM, **observed)
    return plan(cr, translate(input_of(cr, context)), seen).route


def an_exposed_cr(url: str = "https://nim.example.com") -> dict[str, Any]:
    cr = a_cr()
    cr["spec"]["servingPort"] = {"port": 8000, "exposedUrl": url}
    return cr


def a_route(cr: dict[str, Any], context: Context = EXPOSED, **metadata: Any) -> dict[str, Any]:
    wanted = translate(input_of(cr, context)).route
    assert wanted is not None
    found = {"uid": "r1", "resourceVersion": "8", "ownerReferences": [OWNER], **metadata}
    return {**wanted, "metadata": {**wanted["metadata"], **found}}


def test_a_route_is_made_changed_and_left_alone() -> None:
    cr = an_exposed_cr()
    made = routed(cr)
    assert made.write is not None
    assert made.write.resource_version is None
    assert routed(cr, routes={"HTTPRoute": a_route(cr)}) == RoutePlan()
    changed = routed(an_exposed_cr("https://other.example.com"), routes={"HTTPRoute": a_route(cr)}).write
    assert changed is not None
    assert changed.resource_version == "8"


def test_what_is_taken_away_from_a_route_is_written() -> None:
    cr = an_exposed_cr()
    noted = Context(load_settings(GATEWAY | {"external_annotations": {"example.com/tier": "gold"}}, {}), {})
    before = a_route(cr, context=noted)
    assert routed(cr, noted, routes={"HTTPRoute": before}) == RoutePlan()
    found = routed(cr, routes={"HTTPRoute": before}).write
    assert found is not None
    assert "example.com/tier" not in found.manifest["metadata"]["annotations"]


def test_a_route_of_version_0_1_0_gets_its_hash() -> None:
    cr = an_exposed_cr()
    assert routed(cr, routes={"HTTPRoute": a_route(cr, annotations={})}).write is not None


def test_a_route_that_is_not_wanted_any_more_goes() -> None:
    cr = an_exposed_cr()
    gone = routed(cr, Context(load_settings(None, {}), {}), routes={"HTTPRoute": a_route(cr)})
    assert gone == RoutePlan(
        deletions=(Deletion("HTTPRoute", namespace="ns", name="nim.external", uid="r1", resource_version="8"),)
    )
    other = routed(cr, routes={"Ingress": a_route(cr)})
    assert [deletion.kind for deletion in other.deletions] == ["Ingress"]
    assert other.write is not None


@pytest.mark.parametrize("metadata", [{"ownerReferences": []}, {"deletionTimestamp": "now"}])
def test_a_route_of_others_or_that_goes_already_is_not_deleted(metadata: dict[str, Any]) -> None:
    cr = an_exposed_cr()
    assert (
        routed(cr, Context(load_settings(None, {}), {}), routes={"HTTPRoute": a_route(cr, **metadata)}) == RoutePlan()
    )


@pytest.mark.parametrize(
    ("observed", "reason"),
    [
        (lambda cr: {"absent_kinds": frozenset({"HTTPRoute"})}, "KindNotInstalled"),
        (lambda cr: {"routes": {"HTTPRoute": a_route(cr, ownerReferences=[])}}, "NameConflict"),
        (
            lambda cr: {"routes": {"HTTPRoute": a_route(cr, ownerReferences=[OWNER | {"uid": "u0"}])}},
            "PreviousInstanceTerminating",
        ),
        (lambda cr: {"routes": {"HTTPRoute": a_route(cr, deletionTimestamp="now")}}, "PreviousInstanceTerminating"),
    ],
)
def test_what_is_in_a_route_s_way_hinders_nothing_else(observed: Any, reason: str) -> None:
    cr = an_exposed_cr()
    found = routed(cr, **observed(cr))
    assert found.write is None
    assert found.blocker is not None
    assert found.blocker[0] == reason


def a_multi_node_cr(workers: int | None = 1, replicas: int = 1, gpus: int = 8, **spec: Any) -> dict[str, Any]:
    cr = a_cr()
    cr["spec"] |= {"compute": {"gpuDevicesRequest": gpus}, "replicas": replicas}
    if workers:
        cr["spec"]["multiNode"] = {"workers": workers}
    cr["spec"] |= spec
    return cr


def planned_after(before: dict[str, Any], now: dict[str, Any]) -> Plan:
    """The plan for `now` while the NIMService is as `before` made it."""
    first = planned(before).nimservice
    assert first is not None
    made = {
        **first.manifest,
        "metadata": live(before, annotations=first.manifest["metadata"]["annotations"])["metadata"],
    }
    context = replace(CONTEXT, nimservice_exists=True)
    return plan(now, translate(input_of(now, context)), ObservedState(nimservice=made, claim=CLAIM))


def test_several_nodes_stay_as_they_were_made() -> None:
    assert planned_after(a_multi_node_cr(), a_multi_node_cr()) == Plan()


@pytest.mark.parametrize(
    ("now", "path"),
    [
        (a_multi_node_cr(workers=None), "spec.multiNode"),
        (a_multi_node_cr(workers=2), "spec.multiNode.workers"),
        (a_multi_node_cr(gpus=4), "spec.compute.gpuDevicesRequest"),
        (a_multi_node_cr(replicas=3), "spec.replicas"),
    ],
)
def test_what_several_nodes_cannot_become_is_refused(now: dict[str, Any], path: str) -> None:
    found = planned_after(a_multi_node_cr(replicas=2), now)
    assert found.refusal is not None
    assert (found.refusal.reason, found.refusal.path) == ("MultiNodeImmutable", path)
    assert found.nimservice is None


def of_launcher(image: str = "1.0", **multi_node: Any) -> dict[str, Any]:
    wanted = {"workers": 1, **multi_node}
    return a_multi_node_cr(image=f"nvcr.io/nim/meta/llama:{image}", multiNode=wanted)


def test_ray_can_be_added_and_a_bound_on_mpi_changed() -> None:
    def multi_node(before: dict[str, Any], now: dict[str, Any]) -> Any:
        found = planned_after(before, now)
        assert found.nimservice is not None
        return found.nimservice.manifest["spec"]["multiNode"]

    assert multi_node(of_launcher(), of_launcher("2.0"))["ray"] == {"rayPort": 6379}
    assert multi_node(of_launcher(), of_launcher(launcher="ray"))["ray"] == {"rayPort": 6379}
    assert multi_node(of_launcher(), of_launcher(startTimeoutSeconds=9))["mpi"] == {"mpiStartTimeout": 9}
    # Server-side apply can't remove it.
    assert multi_node(of_launcher(startTimeoutSeconds=9), of_launcher("1.1"))["mpi"] == {"mpiStartTimeout": 300}


@pytest.mark.parametrize(
    ("before", "now", "value"),
    [
        (of_launcher("2.0"), of_launcher("1.0"), "mpi"),
        (of_launcher(launcher="ray"), of_launcher(startTimeoutSeconds=9), "mpi"),
        (of_launcher(startTimeoutSeconds=9), of_launcher("2.0"), "ray"),
    ],
)
def test_a_launcher_that_was_named_stays(before: dict[str, Any], now: dict[str, Any], value: str) -> None:
    refusal = planned_after(before, now).refusal
    assert refusal is not None
    assert (refusal.reason, refusal.path, refusal.value) == ("MultiNodeImmutable", "spec.multiNode.launcher", value)


def test_where_layers_are_shared_stays() -> None:
    for before, now in (
        (of_launcher(), of_launcher(tensorParallelism=16)),
        (of_launcher(tensorParallelism=16), of_launcher()),
    ):
        refusal = planned_after(before, now).refusal
        assert refusal is not None
        assert (refusal.reason, refusal.path) == ("MultiNodeImmutable", "spec.multiNode.tensorParallelism")
    assert planned_after(of_launcher(tensorParallelism=16), of_launcher(tensorParallelism=16)) == Plan()


def test_several_nodes_are_never_added_later() -> None:
    found = planned_after(a_multi_node_cr(workers=None), a_multi_node_cr())
    assert found.refusal is not None


def test_several_nodes_can_be_stopped_started_and_made_fewer() -> None:
    running = a_multi_node_cr(replicas=2)
    stopped = a_multi_node_cr(replicas=2, desiredPhase="Stopped")
    stop = planned_after(running, stopped).nimservice
    assert stop is not None
    assert stop.manifest["metadata"]["annotations"][well_known.MULTI_NODE_REPLICAS] == "2"
    halted = {
        **stop.manifest,
        "metadata": {**live(running)["metadata"], **stop.manifest["metadata"], "resourceVersion": "6"},
    }
    start = plan(running, translate(input_of(running, CONTEXT)), ObservedState(nimservice=halted, claim=CLAIM))
    assert start.refusal is None
    assert start.nimservice is not None
    assert planned_after(running, a_multi_node_cr(replicas=1)).nimservice is not None


def test_an_autoscaled_service_is_started_before_it_is_scaled() -> None:
    cr = a_cr()
    cr["spec"]["autoscaling"] = {"minReplicas": 2, "maxReplicas": 5, "metric": "tokens", "metricThreshold": 5}
    stopped, running = (replace(WORKLOAD, spec_replicas=wanted) for wanted in (0, 1))

    def written(workload: ObservedWorkload | None) -> dict[str, Any]:
        found = plan(cr, translate(input_of(cr, CONTEXT)), ObservedState(claim=CLAIM, workload=workload)).nimservice
        assert found is not None
        return found.manifest

    waking = written(stopped)
    assert (waking["spec"]["replicas"], "scale" in waking["spec"]) == (2, False)
    for workload in (running, None):
        assert "replicas" not in written(workload)["spec"]
        assert written(workload)["spec"]["scale"]["enabled"]
    seals = {m["spec"]["expose"]["service"]["annotations"][well_known.SPEC_HASH] for m in (waking, written(running))}
    assert len(seals) == 2
    assert waking["spec"]["annotations"] == written(running)["spec"]["annotations"]


def test_replicas_that_an_autoscaler_took_away_are_left_to_it() -> None:
    scaling = {"minReplicas": 0, "metricType": "External", "metric": "tokens", "metricThreshold": 5}
    cr = a_cr({"autoscaling": scaling})
    desired = translate(input_of(cr, CONTEXT))
    stopped, autoscaled = live(a_cr({"desiredPhase": "Stopped"})), live(cr)

    def written(nimservice: dict[str, Any]) -> Any:
        observed = ObservedState(claim=CLAIM, nimservice=nimservice, workload=replace(WORKLOAD, spec_replicas=0))
        return plan(cr, desired, observed).nimservice

    waking = written(stopped)
    assert (waking.manifest["spec"]["replicas"], "scale" in waking.manifest["spec"]) == (1, False)
    assert written(autoscaled) is None


def test_an_owner_is_asked_for_before_its_nimservice_is_made_anew_or_taken() -> None:
    cr = a_cr()
    changed = {**live(cr), "spec": {}}
    found = [planned(cr), planned(cr, live(cr, ownerReferences=[])), planned(cr, changed), planned(cr, live(cr))]
    assert [one.confirm for one in found] == [True, True, False, False]
    assert planned(cr, live(cr), claim=None).confirm


INGRESS_OF_OURS = {"metadata": {"ownerReferences": [OWNER]}, "spec": {"rules": [{"host": "nim.example.com"}]}}
ROUTE_OF_OTHERS = {"metadata": {"ownerReferences": []}, "spec": {"hostnames": ["nim.example.com"]}}


@pytest.mark.parametrize(
    ("routes", "asked"),
    [
        ({}, "nim.example.com"),
        ({"Ingress": INGRESS_OF_OURS}, ""),
        ({"HTTPRoute": ROUTE_OF_OTHERS}, "nim.example.com"),
        ({"HTTPRoute": ROUTE_OF_OTHERS, "Ingress": INGRESS_OF_OURS}, ""),
    ],
)
def test_a_host_that_no_route_of_ours_has_is_asked_for(routes: dict[str, Any], asked: str) -> None:
    cr = an_exposed_cr()

    assert host_to_check(cr, routed(cr).write, routes) == asked
    assert host_to_check(cr, None, routes) == ""


@pytest.mark.parametrize(("kind", "words"), [("Ingress", "an Ingress"), ("GRPCRoute", "a GRPCRoute")])
def test_a_host_that_is_taken_is_said_with_the_kind_alone(kind: str, words: str) -> None:
    finding = host_taken_finding("nim.example.com", "https://nim.example.com", kind)

    assert (finding.reason, finding.path) == ("HostTaken", "spec.servingPort.exposedUrl")
    assert f"must not use the host nim.example.com, because {words} in another namespace uses it" in finding.message


def test_names_are_asked_for_before_a_nimservice_is_created() -> None:
    cr = a_cr()

    assert names_to_check(planned(cr).nimservice) == ("nim", "nim-epp")
    assert names_to_check(planned(cr, nimservice={**live(cr), "spec": {}}).nimservice) == ()
    assert names_to_check(None) == ()


NIMSERVICE = {"apiVersion": "apps.nvidia.com/v1beta1", "kind": "NIMService", "name": "nim", "uid": "gone"}


def named(name: str = "nim", *owners: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name, **({"ownerReferences": list(owners)} if owners else {})}}


@pytest.mark.parametrize(
    ("obj", "free"),
    [
        (named("nim", NIMSERVICE), True),
        (named("nim-epp", NIMSERVICE), True),
        (named("nim", {**NIMSERVICE, "kind": "Other"}, NIMSERVICE), True),
        (named(), False),
        (named("nim", {**NIMSERVICE, "name": "other"}), False),
        (named("nim-epp", {**NIMSERVICE, "name": "nim-epp"}), False),
        (named("nim", {**NIMSERVICE, "apiVersion": "example.com/v1"}), False),
        (named("nim", {**NIMSERVICE, "kind": "NIMCache"}), False),
    ],
)
def test_a_name_is_free_where_a_nimservice_of_it_owns_what_there_is(obj: dict[str, Any], free: bool) -> None:
    finding = check_names("nim", [("Service", named("nim", NIMSERVICE)), ("Role", obj)])

    assert (finding is None) is free
    if finding is not None:
        assert (finding.reason, finding.path, finding.value) == ("NameConflict", "metadata.name", "nim")
        assert f"the existing Role {obj['metadata']['name']}, which the NIM Operator would" in finding.message


def test_what_is_not_there_is_no_conflict() -> None:
    assert check_names("nim", []) is None


@pytest.mark.parametrize("storage", ["", "²", "lots"])
def test_a_claim_of_no_known_size_is_written(storage: str) -> None:
    found = planned(a_cr(), claim=replace(CLAIM, storage=storage))
    assert found.refusal is None
    assert found.claim is not None


def test_a_long_annotation_of_the_claim_is_compared_whole() -> None:
    cr = a_cr(with_claim({"addedAttrValues": [{"key": "example.com/a", "value": "x" * 1000}]}))
    claim = claim_of(cr)
    assert planned(cr, live(cr), claim).claim is None
    other = digest_annotations({**claim.annotations, "example.com/a": "x" * 999 + "y"})
    assert planned(cr, live(cr), replace(claim, annotations=other)).claim is not None
