"""Golden cases: a resource and its context go in; what should exist and the findings come out.

`tests.support.golden` says what their files hold.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from runai_nim.domain.translate import Desired, translate
from tests.support.decisions import input_of
from tests.support.golden import (
    BLOCKS,
    CASES,
    REFUSALS,
    SAMPLES,
    Case,
    a_context,
    canonical,
    finding_fields,
    golden_cases,
    read,
    refusal,
    stored,
    table_text,
    updated,
)

ACCEPTED = [case for case in golden_cases() if not case.refused]
REFUSED = [case for case in golden_cases() if case.refused]
HINT = "pytest tests/golden/test_golden.py --update-golden"


def desired_of(case: Case) -> Desired:
    return translate(input_of(stored(case.cr), a_context(case.context)))


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_translation_is_as_expected(case: Case, update_golden: bool) -> None:
    found = canonical(desired_of(case))
    expected = case.folder / "expected.yaml"

    if update_golden:
        expected.write_text(found)

    assert found == expected.read_text(), f"see {case.name}; {HINT}"


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_refusal_is_as_expected(case: Case, update_golden: bool) -> None:
    desired = desired_of(case)

    assert replace(desired, findings=()) == Desired((), case.expected["project"])
    assert "error" in {finding.severity for finding in desired.findings}
    if not update_golden:
        found = [finding_fields(finding) for finding in desired.findings]
        assert found == case.expected["findings"], f"see {case.block}.yaml, {case.name}; {HINT}"


@pytest.mark.parametrize("path", sorted(REFUSALS.iterdir()), ids=lambda path: path.name)
def test_a_table_of_refusals_is_as_it_would_be_written(path: Path, update_golden: bool) -> None:
    found = table_text([updated(entry, desired_of(refusal(path.stem, entry))) for entry in read(path)])

    if update_golden:
        path.write_text(found)

    assert found == path.read_text(), f"see {path.name}; {HINT}"


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_case_holds_one_resource(case: Case) -> None:
    assert sorted(path.name for path in case.folder.iterdir()) == ["context.yaml", "cr.yaml", "expected.yaml"]
    assert (case.cr["apiVersion"], case.cr["kind"]) == ("runai-nim.io/v1alpha1", "RunaiNimService")


def test_names_are_unique() -> None:
    names = [case.name for case in golden_cases()]

    assert len(set(names)) == len(names)


def test_folders_and_tables_are_named_after_blocks() -> None:
    assert sorted(path.name for path in CASES.iterdir()) == list(BLOCKS)
    assert sorted(path.name for path in REFUSALS.iterdir()) == [f"{block}.yaml" for block in BLOCKS]


def test_every_sample_is_a_case() -> None:
    of_cases = {path.resolve() for path in CASES.glob("*/*/cr.yaml") if path.is_symlink()}
    of_tables = {
        SAMPLES / f"{entry['sample']}.yaml" for path in REFUSALS.iterdir() for entry in read(path) if "sample" in entry
    }

    # tests/cli/test_policies.py has those of policies.
    assert of_cases | of_tables == set(SAMPLES.rglob("*.yaml")) - set((SAMPLES / "policies").iterdir())
