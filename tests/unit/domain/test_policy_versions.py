"""Of each policy the stored version is in force if it is valid, else the last valid one."""

from typing import Any

from runai_nim.domain.admission.policy_versions import PolicyVersions
from runai_nim.domain.admission.stored_policy import StoredPolicy
from runai_nim.domain.policy import Policy, PolicySet, Scope

CAP = {"rules": {"replicas": {"max": 3}}}
OTHER_CAP = {"rules": {"replicas": {"max": 2}}}
WRONG = {"rules": {"replicas": {"min": 3, "max": 2}}}
AGAINST = {"rules": {"replicas": {"min": 9}}}
TEAM = ("ns", "team")
WIDE = ("", "wide")


def stored(
    spec: Any,
    generation: int = 1,
    *,
    key: tuple[str, str] = TEAM,
    uid: str = "u",
    in_force: Any = None,
    in_force_generation: int = 1,
) -> StoredPolicy:
    metadata = {"name": key[1], "uid": uid, "resourceVersion": "5", "generation": generation}
    kind = "ClusterRunaiNimPolicy"
    if key[0]:
        metadata["namespace"] = key[0]
        kind = "RunaiNimPolicy"
    obj = {"apiVersion": "runai-nim.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
    status = {"inForce": {"generation": in_force_generation, "spec": in_force}} if in_force else {}
    return StoredPolicy.from_object({**obj, "status": status})


def caps(versions: PolicyVersions) -> list[Any]:
    return [policy.rules["replicas"] for policy in versions.of_namespace("ns", {}).policies]


def test_none_is_none() -> None:
    versions = PolicyVersions()
    assert not versions
    assert versions.last_valid(TEAM) is None
    assert not versions.take(TEAM, None) or caps(versions) == []


def test_a_change_of_the_status_changes_no_decision() -> None:
    versions = PolicyVersions()
    assert versions.take(TEAM, stored(CAP))
    assert versions
    assert not versions.take(TEAM, stored(CAP, in_force=CAP))
    assert not versions.take(TEAM, stored(CAP, in_force=CAP))
    assert versions.take(TEAM, stored(CAP, 2))
    assert versions.take(TEAM, stored(CAP, 2, uid="other"))
    assert versions.take(TEAM, None)
    assert versions.stored == ()


def test_the_last_version_that_was_in_force_stays_in_force() -> None:
    versions = PolicyVersions()
    versions.take(TEAM, stored(CAP))
    assert caps(versions) == [{"max": 3}]
    assert versions.seen_valid(TEAM) is None
    versions.take(TEAM, stored(WRONG, 2))
    assert caps(versions) == [{"max": 3}]
    assert versions.seen_valid(TEAM) == stored(CAP)
    versions.take(TEAM, stored(OTHER_CAP, 3))
    assert caps(versions) == [{"max": 2}]


def test_the_status_may_know_a_later_valid_version_than_this_process() -> None:
    versions = PolicyVersions()
    versions.take(TEAM, stored(CAP))
    assert caps(versions) == [{"max": 3}]
    versions.take(TEAM, stored(OTHER_CAP, 2))  # replaced before this process has asked for it
    versions.take(TEAM, stored(WRONG, 3, in_force=OTHER_CAP, in_force_generation=2))
    assert versions.seen_valid(TEAM) is None
    assert caps(versions) == [{"max": 2}]


def test_after_a_restart_the_status_knows_it() -> None:
    versions = PolicyVersions()
    versions.take(TEAM, stored(WRONG, 2, in_force=CAP))
    assert caps(versions) == [{"max": 3}]


def test_one_that_was_deleted_meanwhile_leaves_nothing() -> None:
    versions = PolicyVersions()
    versions.take(TEAM, stored(CAP))
    assert caps(versions) == [{"max": 3}]
    versions.take(TEAM, stored(WRONG, 1, uid="another"))
    assert caps(versions) == []


def test_one_that_contradicted_another_was_never_in_force() -> None:
    versions = PolicyVersions()
    versions.take(WIDE, stored(CAP, key=WIDE))
    versions.take(TEAM, stored(AGAINST))
    assert caps(versions) == [{"max": 3}]
    versions.take(TEAM, stored(WRONG, 2))
    assert caps(versions) == [{"max": 3}]


def test_another_policy_can_be_tried() -> None:
    versions = PolicyVersions()
    versions.take(WIDE, stored(CAP, key=WIDE))
    versions.take(TEAM, stored(OTHER_CAP))
    tried = Policy("team", Scope.PROJECT, rules={"replicas": {"max": 1}}, namespace="ns")
    assert limits(versions.with_policies({TEAM: tried})) == [3, 1]
    assert limits(versions.with_policies({TEAM: None})) == [3]
    assert limits(versions.with_policies({})) == [3, 2]


def limits(policies: PolicySet) -> list[Any]:
    return [policy.rules["replicas"]["max"] for policy in policies.of_namespace("ns", {}).policies]


def test_labels_are_needed_where_a_policy_selects_by_them() -> None:
    versions = PolicyVersions()
    versions.take(WIDE, stored(CAP, key=WIDE))
    assert not versions.needs_labels
    versions.take(WIDE, stored({**CAP, "namespaceSelector": {"matchLabels": {"a": "b"}}}, 2, key=WIDE))
    assert versions.needs_labels


def test_a_status_is_newer_than_what_was_seen_before() -> None:
    versions = PolicyVersions()
    versions.take(TEAM, stored(CAP))
    assert caps(versions) == [CAP["rules"]["replicas"]]
    versions.take(TEAM, stored(OTHER_CAP, 2))
    assert caps(versions) == [OTHER_CAP["rules"]["replicas"]]
    versions.take(TEAM, stored(OTHER_CAP, 2, in_force=OTHER_CAP, in_force_generation=2))
    # Another policy changes, and nobody asks before the mistake arrives.
    versions.take(WIDE, stored({}, key=WIDE, uid="w"))
    versions.take(TEAM, stored(WRONG, 3, in_force=OTHER_CAP, in_force_generation=2))
    assert versions.last_valid(TEAM) == stored(OTHER_CAP).policy


def test_a_version_that_selects_others_is_in_force_beside_the_last_one_until_it_is_known_to_be_valid() -> None:
    def selecting(name: str, cap: int) -> dict[str, Any]:
        selector = {"matchLabels": {"department": name}}
        return {"rules": {"replicas": {"max": cap}}, "namespaceSelector": selector, "scope": "department"}

    def cap_in(name: str) -> list[Any]:
        return [one.rules["replicas"] for one in versions.of_namespace(name, {"department": name}).policies]

    versions = PolicyVersions()
    versions.take(WIDE, stored(selecting("a", 3), key=WIDE, in_force=selecting("a", 3)))
    assert (cap_in("a"), cap_in("b")) == ([{"max": 3}], [])
    versions.take(WIDE, stored(selecting("b", 2), 2, key=WIDE, in_force=selecting("a", 3)))
    assert (cap_in("a"), cap_in("b")) == ([{"max": 3}], [{"max": 2}])
    assert versions.take(WIDE, stored(selecting("b", 2), 2, key=WIDE, in_force=selecting("b", 2)))
    # Its status tells of generation 1 here; what counts is that the last valid version is this one.
    versions = PolicyVersions()
    versions.take(WIDE, stored(selecting("b", 2), 2, key=WIDE, in_force=selecting("b", 2)))
    assert (cap_in("a"), cap_in("b")) == ([], [{"max": 2}])
    assert versions.needs_labels


def test_a_version_that_was_seen_and_never_had_a_status_gives_way_to_the_one_that_selects_others() -> None:
    """Whoever applies a policy and corrects its selector at once: resources of the first namespace are freed."""

    def selecting(name: str) -> dict[str, Any]:
        return {"rules": {"replicas": {"max": 3}}, "namespaceSelector": {"matchLabels": {"department": name}}}

    def caps_of_a() -> list[Any]:
        return [one.rules["replicas"] for one in versions.of_namespace("a", {"department": "a"}).policies]

    versions = PolicyVersions()
    versions.take(WIDE, stored(selecting("a"), key=WIDE))
    assert caps_of_a() == [{"max": 3}]
    versions.take(WIDE, stored(selecting("b"), 2, key=WIDE))
    assert caps_of_a() == [{"max": 3}]
    in_force = stored(selecting("b"), 2, key=WIDE, in_force=selecting("b"), in_force_generation=2)
    assert versions.take(WIDE, in_force)
    assert caps_of_a() == []


def test_a_last_valid_version_holds_where_it_selects() -> None:
    old = {"rules": {"replicas": {"max": 3}}, "namespaceSelector": {"matchLabels": {"department": "a"}}}
    new = {"rules": {"replicas": {"min": 9}}, "namespaceSelector": {"matchLabels": {"department": "b"}}}
    versions = PolicyVersions()
    versions.take(("", "first"), stored({"rules": {"replicas": {"max": 5}}}, key=("", "first")))
    versions.take(WIDE, stored(new, 2, key=WIDE, in_force=old))
    in_a = versions.of_namespace("a", {"department": "a"})
    in_b = versions.of_namespace("b", {"department": "b"})
    assert [one.name for one in in_a.policies] == ["first", "wide"]
    assert [one.name for one in in_b.policies] == ["first"]
    assert [one.policy.name for one in in_b.rejected] == ["wide"]
