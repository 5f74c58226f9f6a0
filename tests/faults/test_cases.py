from tests.faults.cases import BATCH, CASES, batches
from tests.faults.life import LIVES
from tests.faults.outages import OUTAGES


def test_each_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 200


def test_each_case_is_in_a_stage_of_its_life() -> None:
    assert [case.name for case in CASES if case.stage not in {stage.name for stage in LIVES[case.life]}] == []


def test_every_outage_is_tried() -> None:
    assert {case.fault.action for case in CASES} >= OUTAGES.keys()


def test_batches_hold_every_case_once() -> None:
    batched = [case for batch in batches(CASES) for case in batch]
    assert sorted(case.name for case in batched) == sorted(case.name for case in CASES)


def test_what_happens_to_everybody_happens_once_a_stage() -> None:
    for batch in batches(CASES):
        assert len(batch) <= BATCH
        stages = [case.stage for case in batch if case.alone]
        assert len(set(stages)) == len(stages)
