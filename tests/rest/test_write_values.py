"""What the REST API makes of the values of a PATCH, a batch, and a repeated POST."""

import re
from typing import Any

import pytest

from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding
from runai_nim.rest.model import broken_stop
from runai_nim.rest.model.batch_body import Batch, BatchAction, check_batch
from runai_nim.rest.model.creation_origin import Relation, origin_of
from runai_nim.rest.model.spec_update import REMOVABLE, SpecUpdate, check_update

SCALED = {"metric": "concurrency", "metricThreshold": 1}


def unchanged(spec: Any) -> Any:
    """The effective spec without policies."""
    return spec


@pytest.mark.parametrize(
    ("stored", "body", "expected"),
    [
        ({"image": "a", "category": "c"}, {"fieldsToRemove": ["category"]}, {"image": "a"}),
        ({"image": "a"}, {"fieldsToRemove": ["category", "category", None]}, {"image": "a"}),
        ({"image": "a"}, {"fieldsToRemove": [], "spec": None}, {"image": "a"}),
        ({"image": "a", "replicas": 3}, {"spec": {"image": "b"}, "fieldsToRemove": ["replicas"]}, {"image": "b"}),
        # Run:ai's client always sends replicas: 1.
        ({"replicas": 3}, {"spec": {"replicas": 1}, "fieldsToRemove": ["replicas"]}, {}),
        ({"autoscaling": SCALED}, {"spec": {"replicas": 1}, "fieldsToRemove": ["autoscaling"]}, {}),
        ({"autoscaling": SCALED}, {"spec": {"replicas": 2}, "fieldsToRemove": ["autoscaling"]}, {"replicas": 2}),
        ({"replicas": 2}, {"spec": {"autoscaling": SCALED}, "fieldsToRemove": ["replicas"]}, {"autoscaling": SCALED}),
    ],
)
def test_sections_that_are_removed(stored: dict[str, Any], body: dict[str, Any], expected: dict[str, Any]) -> None:
    assert [*check_update(body)] == []
    assert SpecUpdate.from_body(body).applied_to(stored, unchanged) == expected


def test_a_default_that_shows_again_is_no_own_value() -> None:
    """A client that sends an answer back without a section that it removes adds nothing."""
    update = SpecUpdate.from_body({"spec": {"category": "default"}, "fieldsToRemove": ["compute"]})

    assert update.applied_to({"compute": {}}, lambda spec: {"category": "default", **spec}) == {}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("spec", "must be a mapping", None)]),
        ({"spec": None, "fieldsToRemove": None}, [("spec", "must be a mapping", None)]),
        ({"spec": [], "fieldsToRemove": []}, [("spec", "must be a mapping", None)]),
        ({"spec": {}, "metadata": {}}, [("metadata", "unknown field", None)]),
        ({"fieldsToRemove": "image"}, [("fieldsToRemove", "must be a list", None)]),
        ({"fieldsToRemove": ["imag"]}, [("fieldsToRemove[0]", 'is "imag" but must name a section of spec', "options")]),
        ({"fieldsToRemove": ["category", 1]}, [("fieldsToRemove[1]", "fieldsToRemove[1] must name", "options")]),
        ({"fieldsToRemove": [{}]}, [("fieldsToRemove[0]", "fieldsToRemove[0] must name", "options")]),
        ({"fieldsToRemove": ["compute.cpuCoreRequest"]}, [("fieldsToRemove[0]", "must name a section", "options")]),
        ({"fieldsToRemove": ["multiNode"]}, [("fieldsToRemove[0]", "must name no immutable section", "canEdit")]),
        (
            {"spec": {"category": "a"}, "fieldsToRemove": ["category"]},
            [("fieldsToRemove[0]", "must name no section that spec has, too", None)],
        ),
        (
            {"spec": {"replicas": 2}, "fieldsToRemove": ["replicas"]},
            [("fieldsToRemove[0]", "must name no section that spec has, too", None)],
        ),
        ({"spec": {"category": None}, "fieldsToRemove": ["category"]}, []),
    ],
)
def test_mistakes_of_a_patch(body: dict[str, Any], expected: list[tuple[str, str, str | None]]) -> None:
    found = [*check_update(body)]

    assert [(finding.path, finding.rule) for finding in found] == [(path, rule) for path, _, rule in expected]
    for finding, (_, words, rule) in zip(found, expected, strict=True):
        assert words in finding.message
        assert rule is None or finding.message.endswith(f"a PATCH removes {', '.join(REMOVABLE)}")


def test_all_sections_but_an_immutable_one_are_removable() -> None:
    assert {"image", "replicas", "desiredPhase", "nodePools"} < set(REMOVABLE)
    assert "multiNode" not in REMOVABLE


def test_a_section_that_a_workload_needs_goes_if_a_policy_sets_it() -> None:
    update = SpecUpdate.from_body({"fieldsToRemove": ["category", "image", "modelStore", "servingPort"]})
    stored = {"category": "c", "image": "a", "modelStore": {}}

    (finding,) = update.check_needed(stored, {"image": "b"})

    assert (finding.path, finding.rule) == ("fieldsToRemove[2]", "required")
    assert finding.message.startswith('fieldsToRemove[2] is "modelStore" but must name a section that the workload can')


MANIFEST: dict[str, Any] = {"metadata": {"namespace": "n", "name": "a"}, "spec": {"replicas": 1, "nodePools": ["x"]}}
PREFIX: dict[str, Any] = {"metadata": {"namespace": "n", "generateName": "a-"}, "spec": {}}
ANA = "ana@example.com"


def with_spec(**spec: Any) -> dict[str, Any]:
    return {**MANIFEST, "spec": MANIFEST["spec"] | spec}


@pytest.mark.parametrize(
    ("user", "manifest", "key", "relation"),
    [
        (ANA, MANIFEST, "k", Relation.REPEATED),
        (ANA, with_spec(replicas=1.0), "k", Relation.REPEATED),
        (ANA, MANIFEST, None, Relation.REPEATED),
        (ANA, with_spec(replicas=2), "k", Relation.KEY_REUSED),
        (ANA, with_spec(replicas=True), "k", Relation.KEY_REUSED),
        (ANA, with_spec(replicas=2), None, Relation.UNRELATED),
        (ANA, MANIFEST, "l", Relation.UNRELATED),
        ("bob", MANIFEST, "k", Relation.UNRELATED),
        ("bob", MANIFEST, None, Relation.UNRELATED),
    ],
)
def test_a_repeated_post_is_recognized(
    user: str, manifest: dict[str, Any], key: str | None, relation: Relation
) -> None:
    stored = origin_of(ANA, MANIFEST, "k").annotation

    assert origin_of(user, manifest, key).relation_to(stored) == relation


@pytest.mark.parametrize("stored", [None, "", ".", "x.y"])
def test_without_a_known_origin_nothing_is_repeated(stored: str | None) -> None:
    assert origin_of(ANA, MANIFEST, None).relation_to(stored) == Relation.UNRELATED
    assert origin_of(ANA, MANIFEST, "k").relation_to(stored) == Relation.UNRELATED


def test_one_with_a_key_repeats_none_without() -> None:
    stored = origin_of(ANA, MANIFEST, None).annotation

    assert re.fullmatch("[0-9a-f]{64}", stored)
    assert origin_of(ANA, MANIFEST, None).relation_to(stored) == Relation.REPEATED
    assert origin_of(ANA, MANIFEST, "k").relation_to(stored) == Relation.UNRELATED


def test_a_key_gives_one_suffix_for_its_caller_and_place() -> None:
    other_place = {**PREFIX, "metadata": {**PREFIX["metadata"], "namespace": "m"}}
    origins = [origin_of(ANA, PREFIX, "k"), origin_of("bob", PREFIX, "k"), origin_of(ANA, other_place, "k")]
    suffixes = {origin.suffix for origin in (*origins, origin_of(ANA, PREFIX, "l"))}

    assert origin_of(ANA, {**PREFIX, "spec": {"replicas": 2}}, "k").suffix == origins[0].suffix
    assert len(suffixes) == 4
    assert all(re.fullmatch("[bcdfghjklmnpqrstvwxz2-9]{5}", suffix) for suffix in suffixes)
    assert "k" not in re.split("[0-9a-f.]+", origins[0].annotation)


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("delete", BatchAction.DELETE),
        ("suspend", BatchAction.STOP),
        ("resume", BatchAction.START),
        ("stop", BatchAction.STOP),
        ("start", BatchAction.START),
    ],
)
def test_a_batch(name: str, action: BatchAction) -> None:
    body = {"action": name, "ids": ["b", "a", "b"]}

    assert [*check_batch(body)] == []
    assert Batch.from_body(body) == Batch(action, ("b", "a"))


ACTIONS = "delete, suspend, resume, stop, start"


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (
            {},
            [f"action must be one of {ACTIONS}: set it", "ids must be a list of 1 to 100 ids: name the workloads"],
        ),
        ({"action": "pause", "ids": ["a"]}, [f'action is "pause" but must be one of {ACTIONS}: correct it']),
        ({"action": ["stop"], "ids": ["a"]}, [f"action must be one of {ACTIONS}: correct it"]),
        ({"action": "stop", "ids": "a"}, ["ids must be a list of 1 to 100 ids: name the workloads"]),
        ({"action": "stop", "ids": []}, ["ids must be a list of 1 to 100 ids: name the workloads"]),
        ({"action": "stop", "ids": ["a"] * 100}, []),
        (
            {"action": "stop", "ids": ["a"] * 101},
            ["ids must have at most 100 ids, and has 101: send several batches"],
        ),
        ({"action": "stop", "ids": ["a", None]}, ["ids[1] must be a string: give the workload's id"]),
        (
            {"action": "stop", "ids": ["a"], "force": True},
            ['unknown field "force": remove it, because a batch has only action and ids'],
        ),
    ],
)
def test_mistakes_of_a_batch(body: dict[str, Any], messages: list[str]) -> None:
    assert [finding.message for finding in check_batch(body)] == messages


@pytest.mark.parametrize(
    ("stored", "spec", "expected"),
    [
        ({"image": 1}, {"image": 1, "desiredPhase": "Stopped"}, True),
        ({"replicas": 3}, {"replicas": 0}, True),
        ({"replicas": 3, "desiredPhase": "Running"}, {"replicas": 1, "desiredPhase": "Stopped"}, True),
        ({"image": 1}, {"image": True, "desiredPhase": "Stopped"}, False),
        ({"category": None}, {"desiredPhase": "Stopped"}, False),
        ({"replicas": 3}, {"replicas": 1}, False),
        ({"desiredPhase": "Stopped", "replicas": 1}, {"desiredPhase": "Stopped", "replicas": 2}, False),
        ({"desiredPhase": "Stopped"}, {"desiredPhase": "Running"}, False),
    ],
)
def test_a_change_that_only_stops(stored: dict[str, Any], spec: dict[str, Any], expected: bool) -> None:
    assert broken_stop.is_only_a_stop(stored, spec) is expected


def test_errors_that_a_stop_adds() -> None:
    def found(path: str, **more: Any) -> Finding:
        return Finding(reason=Reason.INVALID_VALUE, path=path, must="be another", remedy="change it", **more)

    before = [found("spec.image")]
    after = [*before, found("spec.replicas"), found("spec.a", severity="warning"), found("spec.b", policy=("a", "b"))]

    assert broken_stop.new_errors(before, after) == [found("spec.replicas")]


@pytest.mark.parametrize(("status", "holds"), [({}, "no pods run"), ({"nimServiceName": "a"}, "the last valid spec")])
def test_what_holds_while_a_stop_waits(status: dict[str, str], holds: str) -> None:
    for told in (broken_stop.stored_only({"status": status}), broken_stop.not_stored({"status": status})):
        assert holds in told
        assert "correct the spec by a PATCH, or delete the workload" in told
