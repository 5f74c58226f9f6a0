"""Every reason is used by the code, and documented with the conditions that have it."""

from pathlib import Path

import pytest

import runai_nim
from runai_nim.domain import condition_reasons
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status import ROWS

LISTS = {"condition_reasons.py", "reasons.py"}
SOURCES = [path for path in Path(runai_nim.__file__).parent.rglob("*.py") if path.name not in LISTS]
READY = {*condition_reasons.READY, *condition_reasons.REFUSED}
TEXT = "".join(path.read_text(encoding="utf-8") for path in SOURCES)


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_used_and_documented(reason: Reason) -> None:
    assert f"Reason.{reason.name}" in TEXT
    others = sum(condition_reasons.OTHERS.values(), condition_reasons.VALID)
    assert reason in {*READY, *condition_reasons.WARNINGS, *others}
    assert reason.meaning


def test_a_reason_is_the_word_that_users_see() -> None:
    assert f"{Reason.CRASH_LOOPING}" == "CrashLooping"


def test_every_phase_has_a_reason_of_ready() -> None:
    assert {row.reason for row in ROWS if isinstance(row.reason, str)} <= READY
