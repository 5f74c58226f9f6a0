from typing import Any

from runai_nim.controller.limits.field_conflict import FREE, Tug, managers_of


def test_a_few_reverts_are_free_then_each_waits_longer() -> None:
    tug = Tug()
    for _ in range(FREE):
        assert tug.wait(1000) == 0
        tug.reverted(1000)
    assert tug.wait(1000) == 1
    tug.reverted(1001)
    assert tug.wait(1001) == 2
    assert tug.wait(1003) == 0


def test_a_contested_revert_is_no_peace_until_it_has_held() -> None:
    tug = Tug()
    tug.reverted(1000)
    assert tug.unsure(1000) == 0  # nobody was found to contest it
    tug.told, tug.asked = "it is theirs", True
    tug.reverted(1001)
    assert (tug.told, tug.asked) == ("it is theirs", False)
    assert (tug.unsure(1001.5), tug.unsure(1003)) == (1.5, 0)


def test_the_wait_is_bounded_and_forgotten_after_peace() -> None:
    tug = Tug(reverts=50, last=1000, told="it is theirs")
    assert tug.wait(1000) == 300
    assert tug.wait(1601) == 0
    assert (tug.reverts, tug.told) == (0, "")


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
