from typing import Any

import pytest

from runai_nim.domain.status import is_progress


def a_status(ready: str, reason: str, generation: int = 1, **others: str) -> dict[str, Any]:
    """With Ready, and the reasons of other conditions."""
    conditions = [{"type": "Ready", "status": ready, "reason": reason}]
    conditions += [{"type": type_, "status": "False", "reason": other} for type_, other in others.items()]
    return {"observedGeneration": generation, "conditions": conditions}


SEEN = a_status("False", "NIMServiceNotSeen", NIMServiceReady="NotSeen")


@pytest.mark.parametrize(
    ("before", "after", "waits"),
    [
        ({}, SEEN, False),
        (SEEN, SEEN | {"readyReplicas": 1}, True),
        (SEEN, a_status("False", "PodsNotReady", NIMServiceReady="NotReady"), True),
        (SEEN, a_status("False", "NIMServiceNotSeen", 2), False),
        (SEEN, a_status("True", "Running"), False),
        (a_status("True", "Running"), a_status("False", "RollingOut"), False),
        (SEEN, a_status("False", "CrashLooping"), False),
        (a_status("False", "CrashLooping"), a_status("False", "CrashLooping", Exposed="RouteWritten"), True),
        (a_status("False", "CrashLooping"), a_status("False", "PodsNotReady"), True),
        (a_status("True", "Running"), a_status("True", "Running", Exposed="RouteRefused"), False),
        (a_status("True", "Running", Exposed="OfAnOlderVersion"), a_status("True", "Running"), True),
    ],
)
def test_what_waits_is_progress_alone(before: dict[str, Any], after: dict[str, Any], waits: bool) -> None:
    assert is_progress(before, after) is waits
