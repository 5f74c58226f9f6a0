"""The status of a policy: valid or not, what stays in force, and how many resources it concerns."""

from typing import Any

import pytest

from runai_nim.domain.admission.stored_policy import StoredPolicy
from runai_nim.domain.policy import Scope
from runai_nim.domain.status import status_changes
from runai_nim.domain.status.policy_status import PolicyCounts, policy_status

NOW = "2026-11-29T10:00:00Z"
EARLIER = "2026-11-28T10:00:00Z"


def stored(spec: Any, status: Any = None, *, kind: str = "RunaiNimPolicy", generation: int = 2) -> StoredPolicy:
    metadata = {"name": "team", "uid": "p1", "resourceVersion": "5", "generation": generation}
    if kind == "RunaiNimPolicy":
        metadata["namespace"] = "ns"
    obj = {"apiVersion": "runai-nim.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
    return StoredPolicy.from_object(obj if status is None else {**obj, "status": status})


VALID = {"rules": {"replicas": {"max": 3}}}
WRONG = {"rules": {"replicas": {"min": 3, "max": 2}}}
BEFORE = {
    "observedGeneration": 1,
    "conditions": [
        {"type": "Valid", "status": "True", "reason": "InForce", "message": "", "lastTransitionTime": EARLIER}
    ],
    "inForce": {"generation": 1, "spec": VALID},
    "violating": 4,
}


def test_a_valid_policy_is_in_force() -> None:
    found = policy_status(stored(VALID, BEFORE), None, counts=PolicyCounts(3, 1), now=NOW)
    assert found == {
        "observedGeneration": 2,
        "conditions": [
            {
                "type": "Valid",
                "status": "True",
                "reason": "InForce",
                "message": "the policy is in force",
                "lastTransitionTime": EARLIER,
                "observedGeneration": 2,
            }
        ],
        "inForce": {"generation": 2, "spec": VALID},
        "matched": 3,
        "violating": 1,
    }


def test_an_invalid_policy_says_what_stays_in_force() -> None:
    policy = stored(WRONG, BEFORE)
    assert policy.policy is None
    assert policy.last_valid is not None
    assert policy.last_valid.rules == VALID["rules"]
    found = policy_status(policy, policy.findings[0], counts=PolicyCounts(3, None), now=NOW)
    (condition,) = found["conditions"]
    assert (condition["status"], condition["reason"], condition["lastTransitionTime"]) == ("False", "InvalidValue", NOW)
    assert condition["message"].endswith("; the last valid version, generation 1, stays in force")
    assert (found["inForce"], found["violating"]) == (BEFORE["inForce"], 4)


def test_a_policy_that_was_never_valid_is_not_in_force() -> None:
    policy = stored(WRONG)
    found = policy_status(policy, policy.findings[0], counts=PolicyCounts(0, None), now=NOW)
    assert found["conditions"][0]["message"].endswith(
        "; no version of it has been valid, so it is not in force where this holds"
    )
    assert "inForce" not in found
    assert "violating" not in found


def test_what_is_not_evaluated_is_told_until_it_is_known() -> None:
    def numbers(before: Any, counts: PolicyCounts) -> Any:
        found = policy_status(stored(VALID, before), None, counts=counts, now=NOW)
        return {field: found[field] for field in ("matched", "violating", "unevaluated") if field in found}

    left_out = {"matched": 3, "violating": 0, "unevaluated": 2}
    assert numbers(BEFORE, PolicyCounts(3, 0, unevaluated=2)) == left_out
    assert numbers(left_out, PolicyCounts(4, None)) == {**left_out, "matched": 4}
    assert numbers(left_out, PolicyCounts(3, 1)) == {"matched": 3, "violating": 1}


def test_a_valid_version_whose_status_was_never_written_stays_in_force() -> None:
    policy = stored(WRONG, BEFORE, generation=3)
    seen = stored({"rules": {"replicas": {"max": 2}}}, BEFORE)
    found = policy_status(policy, policy.findings[0], counts=PolicyCounts(3, 1), seen_valid=seen, now=NOW)
    assert found["inForce"] == {"generation": 2, "spec": seen.spec}
    assert found["conditions"][0]["message"].endswith("; the last valid version, generation 2, stays in force")


@pytest.mark.parametrize(
    ("policy", "scope"),
    [
        (stored(WRONG), Scope.PROJECT),
        (stored(WRONG, kind="ClusterRunaiNimPolicy"), Scope.CLUSTER),
        (
            stored(
                {"scope": "department", "namespaceSelector": {"matchLabels": {"a": "b"}}}, kind="ClusterRunaiNimPolicy"
            ),
            Scope.DEPARTMENT,
        ),
        (
            stored(
                WRONG,
                {
                    "inForce": {
                        "spec": {"scope": "department", "namespaceSelector": {"matchLabels": {"a": "b"}}},
                    }
                },
                kind="ClusterRunaiNimPolicy",
            ),
            Scope.DEPARTMENT,
        ),
    ],
)
def test_its_scope_is_known_while_it_is_invalid(policy: StoredPolicy, scope: Scope) -> None:
    assert policy.scope == scope


def test_a_status_that_says_nonsense_is_no_last_valid_version() -> None:
    assert stored(WRONG, {"inForce": {"spec": WRONG}}).last_valid is None
    assert stored(WRONG, {"inForce": "x"}).last_valid is None


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({}, {}, {}),
        ({"a": 1, "b": {"c": [1]}}, {"a": 1, "b": {"c": [1]}}, {}),
        ({"a": 1}, {"b": 2}, {"a": None, "b": 2}),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"d": 1}}}, {"a": {"b": {"c": None, "d": 1}}}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": [1]}, {"a": [1]}),
    ],
)
def test_a_merge_patch_removes_what_is_gone(before: Any, after: Any, changes: Any) -> None:
    assert status_changes(before, after) == changes
