from typing import Any

from runai_nim.api.resources import ObjectKey
from runai_nim.controller.url_index import MAX_WOKEN, ExposedUrlIndex

A, B, C = ("ns", "a"), ("ns", "b"), ("ns", "c")
URL = "https://llama.example.com/v1"


def cr(day: int, url: Any = URL) -> dict[str, Any]:
    return {
        "metadata": {"creationTimestamp": f"2026-01-{day:02}T00:00:00Z"},
        "spec": {"servingPort": {"exposedUrl": url}},
    }


def index(**days: int) -> ExposedUrlIndex:
    made = ExposedUrlIndex()
    for name, day in days.items():
        made.store(("ns", name), cr(day))
    return made


def test_the_younger_ones_know_the_oldest() -> None:
    made = index(b=2, a=1, c=3)
    assert [made.older(key) for key in (A, B, C)] == ["", "a", "a"]
    assert made.older(("ns", "d")) == ""


def test_of_one_second_the_name_decides() -> None:
    made = index(b=1, a=1)
    assert [made.older(key) for key in (A, B)] == ["", "a"]


def test_others_look_again_when_the_oldest_changes() -> None:
    made = ExposedUrlIndex()
    assert set(made.store(B, cr(2))) == set()
    assert set(made.store(C, cr(3))) == set()
    assert set(made.store(A, cr(1))) == {B, C}
    assert set(made.store(A, cr(1))) == set()
    assert set(made.forget(C)) == set()
    assert set(made.forget(A)) == {B}
    assert made.older(B) == ""
    assert set(made.forget(A)) == set()
    assert set(made.forget(B)) == set()


def test_another_url_or_none_frees_the_old_one() -> None:
    made = index(a=1, b=2)
    assert set(made.store(A, cr(1, "https://other.example.com"))) == {B}
    assert [made.older(key) for key in (A, B)] == ["", ""]
    assert set(made.store(A, cr(1, f"{URL}/"))) == {B}
    assert made.older(B) == "a"
    for url in (None, "", 7, ["x"]):
        assert set(made.store(A, cr(1, url))) == {B}
        assert made.older(B) == ""
        assert set(made.store(A, cr(1))) == {B}


def test_one_that_was_created_again_is_younger() -> None:
    made = index(a=1, b=2)
    assert set(made.store(A, cr(3))) == {B}
    assert [made.older(key) for key in (A, B)] == ["b", ""]


def test_other_namespaces_and_odd_specs_do_not_matter() -> None:
    made = index(a=1)
    assert set(made.store(("other", "b"), cr(2))) == set()
    assert made.older(("other", "b")) == ""
    assert set(made.store(B, {"metadata": {}})) == set()
    assert set(made.store(B, {"metadata": {}, "spec": {"servingPort": []}})) == set()


def test_few_of_thousands_look_again_and_the_next_oldest_among_them() -> None:
    made = ExposedUrlIndex()
    keys: list[ObjectKey] = [("ns", f"nim-{number:04}") for number in range(1000)]
    for key in reversed(keys):
        assert len(made.store(key, cr(1))) < MAX_WOKEN
    woken = made.forget(keys[0])
    assert keys[1] in woken
    assert len(woken) == MAX_WOKEN
