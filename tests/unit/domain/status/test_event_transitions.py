from typing import Any

import pytest

from runai_nim.domain.status import transitions


def a_status(ready: str, translated: str = "Translated", message: str = "") -> dict[str, Any]:
    found = (("Ready", ready, message), ("Translated", translated, message))
    return {"conditions": [{"type": type_, "reason": reason, "message": words} for type_, reason, words in found]}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, a_status("NIMServiceNotSeen"), []),
        ({}, a_status("InvalidName"), [("Warning", "InvalidName")]),
        ({}, a_status("ClaimNotFound"), [("Warning", "ClaimNotFound")]),
        ({}, a_status("NIMCacheNotFound"), [("Warning", "NIMCacheNotFound")]),
        ({}, a_status("NIMCacheNotReady"), [("Normal", "NIMCacheNotReady")]),
        (a_status("NIMServiceNotSeen"), a_status("PodsNotReady"), [("Normal", "PodsNotReady")]),
        (a_status("NIMServiceNotSeen"), a_status("Running"), [("Normal", "Running")]),
        (a_status("Running"), a_status("NIMServiceNotSeen"), []),
        (a_status("Running"), a_status("RollingOut"), [("Normal", "RollingOut")]),
        (a_status("RollingOut"), a_status("NIMCacheFailed"), [("Warning", "NIMCacheFailed")]),
        (a_status("PodsNotReady"), a_status("Unschedulable"), [("Warning", "Unschedulable")]),
        (a_status("PodsNotReady"), a_status("SchedulerNotResponding"), [("Warning", "SchedulerNotResponding")]),
        (a_status("Running"), a_status("Running", message="other words"), []),
        (a_status("AReasonOfAnOlderVersion"), a_status("Running"), [("Normal", "Running")]),
        (
            a_status("Running"),
            a_status("Running", "TranslatedWithWarnings", "odd"),
            [("Warning", "TranslatedWithWarnings")],
        ),
    ],
)
def test_transitions(before: dict[str, Any], after: dict[str, Any], told: list[tuple[str, str]]) -> None:
    assert [(transition.type, transition.reason) for transition in transitions(before, after)] == told
