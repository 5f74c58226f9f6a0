"""What policies gave is written before the NIMService, once, and an older revision goes after it."""

from dataclasses import replace
from typing import Any

from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.decision_input import make_decision_input
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.observed import ObservedPolicyRevision, ObservedState
from runai_nim.domain.plan import Deletion, plan
from runai_nim.domain.policy import Policy, Scope, compile_policies
from runai_nim.domain.translate import Desired, translate
from tests.support.resources import a_cr


def desired(value: str, spec: dict[str, Any] | None = None) -> Desired:
    policy = Policy("team", Scope.PROJECT, {"priorityClass": value}, namespace="ns")
    found = make_decision_input(
        a_cr(spec),
        settings=load_settings(None, {}),
        namespace_labels={"runai/queue": "team-a"},
        nimservice_schema=NIMServiceSchema(),
        policies=compile_policies([policy]),
    )
    return translate(found.with_children(claim_exists=True, nimservice_exists=True))


def revision(value: str, **metadata: Any) -> ObservedPolicyRevision:
    manifest = desired(value).policy_revision
    assert manifest is not None
    more = {"uid": "r1", "resourceVersion": "7", **metadata}
    return ObservedPolicyRevision.from_object({**manifest, "metadata": manifest["metadata"] | more})


def test_it_is_written_before_everything_else() -> None:
    found = plan(a_cr(), desired("low"), ObservedState())
    assert [write.manifest["kind"] for write in found.writes] == [
        "ControllerRevision",
        "PersistentVolumeClaim",
        "NIMService",
    ]
    assert found.changes_anything
    assert found.confirm


def test_an_older_one_goes_and_one_that_is_there_stays() -> None:
    older = revision("high")
    found = plan(a_cr(), desired("low"), ObservedState(policy_revisions=(revision("low"), older)))
    assert found.policy_revision is None
    assert found.obsolete_revisions == (
        Deletion("ControllerRevision", namespace="ns", name=older.name, uid="r1", resource_version="7"),
    )


def test_a_spec_that_is_refused_changes_nothing() -> None:
    wrong = desired("low", {"image": ""})
    found = plan(a_cr(), wrong, ObservedState(policy_revisions=(revision("high"),)))
    assert not found.changes_anything


def test_all_go_without_policies() -> None:
    found = plan(
        a_cr(), replace(desired("low"), policy_revision=None), ObservedState(policy_revisions=(revision("low"),))
    )
    assert [one.name for one in found.obsolete_revisions] == [revision("low").name]


def test_revisions_of_other_controllers_are_known_by_name_alone() -> None:
    other = {"kind": "StatefulSet", "name": "llama", "uid": "s1", "controller": True}
    found = revision("low", ownerReferences=[other])
    assert (found.accepted, found.service, found.owner_uid) == (None, "llama", "s1")


def test_the_same_policies_are_one_object() -> None:
    first = revision("low").accepted
    second = revision("low", uid="r2").accepted
    assert first is not None
    assert second is not None
    assert first.policies is second.policies


def test_one_of_an_earlier_resource_is_not_in_the_way() -> None:
    def name(uid: str) -> str:
        cr = a_cr()
        cr = {**cr, "metadata": {**cr["metadata"], "uid": uid}}
        found = make_decision_input(
            cr,
            settings=load_settings(None, {}),
            namespace_labels={"runai/queue": "team-a"},
            nimservice_schema=NIMServiceSchema(),
            policies=compile_policies([Policy("team", Scope.PROJECT, {"priorityClass": "low"}, namespace="ns")]),
        )
        manifest = translate(found.with_children(claim_exists=True, nimservice_exists=True)).policy_revision
        assert manifest is not None
        return str(manifest["metadata"]["name"])

    assert name("u1") == name("u1") != name("u2")
