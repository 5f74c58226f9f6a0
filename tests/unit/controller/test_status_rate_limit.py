import pytest

from runai_nim.controller.limits.status_rate_limit import BURST, SECONDS, Pace


def test_a_burst_is_free_then_writes_wait_their_turn() -> None:
    pace = Pace()
    for _ in range(BURST):
        assert pace.wait(1000, 1) == 0
        pace.written()
    assert pace.wait(1000, 1) == pytest.approx(SECONDS)
    assert pace.wait(1000 + SECONDS, 1) == 0


def test_a_storm_of_ten_seconds_costs_at_most_ten_writes() -> None:
    pace, writes = Pace(), 0
    for tick in range(1001):
        if pace.wait(1000 + tick / 100, 1) == 0:
            pace.written()
            writes += 1
    assert writes <= 10


def test_quiet_fills_the_bucket_and_no_more() -> None:
    pace = Pace()
    pace.written()
    pace.wait(5000, 1)
    assert pace.left == BURST


def test_a_new_spec_is_answered_at_once() -> None:
    pace = Pace()
    while pace.wait(1000, 1) == 0:
        pace.written()
    assert pace.wait(1000, 2) == 0
    assert pace.left == BURST
