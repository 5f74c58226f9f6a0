"""Every released version's translation of every golden case is today's, or the changelog says what changed."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local.cluster import CHECKOUT
from runai_nim import __version__
from runai_nim.domain.translate import translate
from tests.support.decisions import input_of
from tests.support.golden import a_context, canonical, stored
from tests.upgrade.frozen_outputs import FOLDER, VERSIONS, records

LISTED: list[dict[str, Any]] = yaml.safe_load((FOLDER / "differences.yaml").read_text(encoding="utf-8"))


def differing(then: Any, now: Any, path: str = "") -> Iterator[str]:
    """Fields that are not the same, a list as a whole."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in sorted(then.keys() | now.keys()):
            yield from differing(then.get(name), now.get(name), f"{path}.{name}".removeprefix("."))
    elif then != now:
        yield path


def differences(version: str) -> Iterator[tuple[str, str]]:
    """(case, field) of everything that is not as it was."""
    for record in records(version, "translations.jsonl"):
        now = yaml.safe_load(canonical(translate(input_of(stored(record["cr"]), a_context(record["context"])))))
        for field in differing(record["expected"], now):
            yield record["name"], field


def unlisted(found: set[tuple[str, str]], listed: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Of what differs, what nobody has said."""
    return {pair for pair in found if not any(covers(entry, *pair) for entry in listed)}


def covers(entry: dict[str, Any], case: str, field: str) -> bool:
    """Is the entry about this?"""
    return case in entry["cases"] and f"{field}.".startswith(f"{entry['field']}.")


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_translated_otherwise_than_before_is_listed(version: str) -> None:
    found = set(differences(version))
    listed = [entry for entry in LISTED if entry["since"] == version]

    assert unlisted(found, listed) == set(), "say it in CHANGELOG.md and in tests/upgrade/differences.yaml"
    for entry in listed:
        seen = {case for case, field in found if covers(entry, case, field)}
        assert seen == set(entry["cases"]), f"{entry['field']} is as it was: take the case out"


def test_what_is_listed_is_in_the_changelog() -> None:
    changelog = " ".join((CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8").split())

    assert {entry["since"] for entry in LISTED} <= set(VERSIONS)
    assert [entry["changelog"] for entry in LISTED if entry["changelog"] not in changelog] == []


def test_a_difference_is_found_and_may_be_listed() -> None:
    then = {"nimservice": {"spec": {"replicas": 1, "labels": {"a": "x", "b": "y"}}}, "findings": [1]}
    now = {"nimservice": {"spec": {"replicas": 1, "labels": {"a": "x", "b": "z"}, "new": {}}}, "findings": []}
    found = {("case", field) for field in differing(then, now)}
    assert {field for _, field in found} == {"findings", "nimservice.spec.labels.b", "nimservice.spec.new"}

    listed = [{"field": "nimservice.spec", "cases": ["case"]}]
    assert unlisted(found, listed) == {("case", "findings")}
    assert unlisted(found, [{"field": "nimservice.sp", "cases": ["case"]}]) == found
    assert unlisted(found, [{"field": "nimservice.spec", "cases": ["other"]}]) == found


def test_this_version_is_there_once_it_is_out() -> None:
    """`python -m tests.upgrade.freeze` writes it. What a development version leads to is not out yet."""
    assert ".dev" in __version__ or __version__ in VERSIONS
