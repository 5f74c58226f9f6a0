"""`explain`: every field of the API, what it becomes and why."""

import pytest

from runai_nim.cli.fields import fields_below, find_field, spec_field
from runai_nim.domain.translate.tables import TABLES
from tests.cli.conftest import Run


def test_a_field_has_type_bounds_and_what_it_becomes(run: Run) -> None:
    assert (
        run("explain", "spec.compute.gpuPortionRequest").out
        == """\
spec.compute.gpuPortionRequest (number)
  Share of each GPU device between 0 and 1, e.g. 0.5; required with gpuRequestType portion. Becomes
  the pod annotation gpu-fraction; 1 means whole GPUs, 0 none.

  Allowed: at least 0, at most 1.

  Becomes, in the NIMService: between 0 and 1 the pod annotation `gpu-fraction`; 1 is whole GPUs and
  0 none, as `nvidia.com/gpu`.
  Why: KAI rejects the annotation together with an `nvidia.com/gpu` limit, even with 0.
"""
    )


def test_a_block_lists_its_fields(run: Run) -> None:
    assert run("explain", "modelStore").out.endswith("""
Fields:
  spec.modelStore.nimCache  object
  spec.modelStore.pvc       object
""")


def test_a_field_without_a_row_is_explained_by_its_block(run: Run) -> None:
    assert "  spec.autoscaling becomes, in the NIMService: " in run("explain", "spec.autoscaling.metric").out


def test_without_a_path_all_fields_are_listed_one_per_line(run: Run) -> None:
    lines = run("explain").out.splitlines()

    assert lines[0].split() == ["spec", "object"]
    assert "      gpuPortionRequest" not in lines
    assert [line.split()[0] for line in lines[: len(list(fields_below(spec_field()))) + 1]] == [
        field.path.replace("[]", "").rpartition(".")[2] for field in (spec_field(), *fields_below(spec_field()))
    ]


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("spec.compute.gpuPortionRequst", "did you mean spec.compute.gpuPortionRequest?"),
        ("gpuPortionLimit", "did you mean spec.compute.gpuPortionLimit?"),
        ("spec.modelStore.claimName", "did you mean spec.modelStore.pvc.claimName?"),
        ("spec.environmentVariable.name", "did you mean spec.environmentVariables[].name?"),
        ("zzz", "runai-nim explain lists all fields"),
    ],
)
def test_a_wrong_path_names_the_nearest(run: Run, path: str, near: str) -> None:
    answer = run("explain", path)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f'unknown field "{path}": {near}\n'


@pytest.mark.parametrize("field", [field.path for field in (spec_field(), *fields_below(spec_field()))])
def test_every_field_is_explained(run: Run, field: str) -> None:
    answer = run("explain", field)

    assert answer.code == 0
    assert answer.out.startswith(f"{field} (")
    assert len(answer.out.splitlines()) > 1


def test_every_row_is_of_a_field_that_can_be_explained() -> None:
    for field in {row.field for rows in TABLES.values() for row in rows if row.field.startswith("spec")}:
        assert find_field(field).path == field
