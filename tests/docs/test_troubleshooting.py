"""Whatever reason a status or an event can have, its reader finds what it means and what to do."""

import re

import pytest

from local.cluster import CHECKOUT
from runai_nim.domain import condition_reasons
from runai_nim.domain.reasons import Reason

PAGE = (CHECKOUT / "docs" / "guide" / "troubleshooting.md").read_text(encoding="utf-8")
ENTRIES = dict(re.findall(r"^### (\w+)\n\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE))
REASONS = {str(reason) for reason in Reason}
ASKED = re.compile(r"\A- \*\*Means:\*\* (.+?)^- \*\*See:\*\* (.+?)^- \*\*Do:\*\* (.+?)\Z", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_a_reason_has_an_entry(reason: str) -> None:
    assert reason in ENTRIES, f"docs/guide/troubleshooting.md needs a heading ### {reason}"
    assert ASKED.match(ENTRIES[reason]), "Means, See and Do are wanted, in this order"


def test_there_is_no_entry_of_a_reason_that_is_not() -> None:
    assert ENTRIES.keys() - REASONS == set()


def test_a_reason_of_several_conditions_says_of_each() -> None:
    ready = {*condition_reasons.READY, *condition_reasons.REFUSED}
    for type_, found in condition_reasons.OTHERS.items():
        elsewhere = ready.union(*(other for name, other in condition_reasons.OTHERS.items() if name != type_))
        for reason in set(found) & elsewhere - {"Translated"}:
            assert type_ in ENTRIES[reason], f"{reason} of condition {type_}"
