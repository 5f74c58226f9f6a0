from typing import Any

import pytest

from runai_nim.domain.status import transitions


def a_status(phase: str, *found: tuple[str, str, str]) -> dict[str, Any]:
    listed = [{"type": type_, "reason": reason, "message": message} for type_, reason, message in found]
    return {"phase": phase, "conditions": listed}


FINE = ("Translated", "Translated", "")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, a_status("Creating", ("Ready", "NIMServiceNotSeen", ""), FINE), []),
        ({}, a_status("Failed", ("Ready", "InvalidName", ""), FINE), [("Warning", "InvalidName")]),
        (
            a_status("Creating", ("Ready", "NIMServiceNotSeen", ""), FINE),
            a_status("Running", ("Ready", "Running", ""), FINE),
            [("Normal", "Running")],
        ),
        (
            a_status("Running", ("Ready", "Running", ""), FINE),
            a_status("Running", ("Ready", "Running", "other words"), FINE),
            [],
        ),
        (
            a_status("Running", ("Ready", "Running", ""), FINE),
            a_status("Running", ("Ready", "Running", ""), ("Translated", "TranslatedWithWarnings", "odd")),
            [("Warning", "TranslatedWithWarnings")],
        ),
    ],
)
def test_transitions(before: dict[str, Any], after: dict[str, Any], told: list[tuple[str, str]]) -> None:
    assert [(transition.type, transition.reason) for transition in transitions(before, after)] == told
