from typing import Any

from runai_nim.domain.status import TimeToReady, time_to_ready

CREATED = "2026-01-01T10:00:00Z"


def _cr(phase: str = "", **conditions: tuple[str, str]) -> dict[str, Any]:
    """With a phase, and conditions as status and the minute after ten when it turned so."""
    found = [
        {"type": type_, "status": status, "lastTransitionTime": f"2026-01-01T10:{minute}:00Z"}
        for type_, (status, minute) in conditions.items()
    ]
    return {
        "metadata": {"creationTimestamp": CREATED},
        "status": {"phase": phase, "conditions": found} if found else {"observedGeneration": -1},
    }


def _running(ready: str, translated: str) -> dict[str, Any]:
    return _cr("Running", Ready=("True", ready), Translated=("True", translated))


def test_the_first_start_counts_from_the_creation() -> None:
    # The operator was away for two minutes.
    before = _cr("Initializing", Ready=("False", "02"), Translated=("True", "02"), StorageReady=("True", "04"))
    assert time_to_ready(before, _running("05", "02")) == TimeToReady("creation", 300)


def test_what_is_running_at_the_first_look_counts_from_the_creation() -> None:
    assert time_to_ready(_cr(), _running("01", "01")) == TimeToReady("creation", 60)


def test_later_it_counts_from_when_it_was_ready_no_more() -> None:
    before = _cr("Updating", Ready=("False", "30"), Translated=("True", "00"))
    assert time_to_ready(before, _running("33", "00")) == TimeToReady("change", 180)


def test_a_spec_that_was_refused_counts_from_when_it_was_mended() -> None:
    before = _cr("Initializing", Ready=("False", "00"), Translated=("True", "40"))
    assert time_to_ready(before, _running("42", "40")) == TimeToReady("change", 120)


def test_a_mistake_that_is_taken_back_beside_running_pods_costs_nothing() -> None:
    before = _cr("Degraded", Ready=("False", "10"), Translated=("False", "10"))
    assert time_to_ready(before, _running("42", "42")) == TimeToReady("change", 0)


def test_what_runs_already_or_not_yet_waited_for_nothing() -> None:
    ready = _running("01", "00")
    assert time_to_ready(ready, ready) is None
    assert time_to_ready(_cr("Stopped", Ready=("True", "01")), ready) is None
    starting = _cr("Initializing", Ready=("False", "00"), Translated=("True", "00"))
    assert time_to_ready(_cr(), starting) is None


def test_a_time_that_python_does_not_know_tells_nothing() -> None:
    # The API server stores years from 0 on.
    before = _cr("Initializing", Ready=("False", "00"), Translated=("True", "00"))
    before["status"]["conditions"][0]["lastTransitionTime"] = "0000-01-01T00:00:00Z"
    assert time_to_ready(before, _running("05", "00")) is None
