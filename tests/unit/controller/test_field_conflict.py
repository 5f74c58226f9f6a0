from typing import Any

from runai_nim.controller.limits.field_conflict import FREE_REVERTS, FieldConflictBackoff, managers_of


def test_a_few_reverts_are_free_then_each_waits_longer() -> None:
    tug = FieldConflictBackoff()
    for _ in range(FREE_REVERTS):
        assert tug.delay(1000) == 0
        tug.record_revert(1000)
    assert tug.delay(1000) == 1
    tug.record_revert(1001)
    assert tug.delay(1001) == 2
    assert tug.delay(1003) == 0


def test_a_contested_revert_is_no_peace_until_it_has_held() -> None:
    tug = FieldConflictBackoff()
    tug.record_revert(1000)
    assert tug.settling(1000) == 0  # nobody was found to contest it
    tug.message, tug.is_reported = "it is theirs", True
    tug.record_revert(1001)
    assert (tug.message, tug.is_reported) == ("it is theirs", False)
    assert (tug.settling(1001.5), tug.settling(1003)) == (1.5, 0)


def test_the_wait_is_bounded_and_forgotten_after_peace() -> None:
    tug = FieldConflictBackoff(reverts=50, last_revert=1000, message="it is theirs")
    assert tug.delay(1000) == 300
    assert tug.delay(1601) == 0
    assert (tug.reverts, tug.message) == (0, "")


def test_who_owns_a_field_that_we_want() -> None:
    owned: dict[str, Any] = {"f:spec": {"f:schedulerName": {}, "f:env": {}}}
    managed: list[dict[str, Any]] = [
        {"manager": "runai-nim-operator", "fieldsV1": owned},
        {"manager": "kubectl-edit", "fieldsV1": owned},
        {"manager": "argocd", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        {"manager": "old"},
    ]
    assert managers_of(managed, [("spec", "schedulerName")]) == ["kubectl-edit"]
    assert managers_of(managed, [("spec", "replicas"), ("spec", "env")]) == ["argocd", "kubectl-edit"]
