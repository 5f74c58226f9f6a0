import pytest

from runai_nim.controller.limits.status_rate_limit import (
    BURST,
    MAX_PROGRESS_SECONDS,
    PROGRESS_SECONDS,
    REFILL_SECONDS,
    StatusRateLimit,
)


def test_a_burst_is_free_then_writes_wait_their_turn() -> None:
    pace = StatusRateLimit()
    for _ in range(BURST):
        assert pace.delay(1000, 1) == 0
        pace.take()
    assert pace.delay(1000, 1) == pytest.approx(REFILL_SECONDS)
    assert pace.delay(1000 + REFILL_SECONDS, 1) == 0


def test_a_storm_of_ten_seconds_costs_at_most_ten_writes() -> None:
    pace = StatusRateLimit()
    writes = 0
    for tick in range(1001):
        if pace.delay(1000 + tick / 100, 1) == 0:
            pace.take()
            writes += 1
    assert writes <= 10


def test_quiet_fills_the_bucket_and_no_more() -> None:
    pace = StatusRateLimit()
    pace.take()
    pace.delay(5000, 1)
    assert pace.tokens == BURST


def test_a_new_spec_is_answered_at_once() -> None:
    pace = StatusRateLimit()
    while pace.delay(1000, 1) == 0:
        pace.take()
    assert pace.delay(1000, 2) == 0
    assert pace.tokens == BURST


def test_progress_waits_and_is_superseded_by_what_does_not_wait() -> None:
    limit = StatusRateLimit()
    assert limit.delay(1000, 1, is_progress=True) == PROGRESS_SECONDS
    assert limit.delay(1001, 1, is_progress=True) == PROGRESS_SECONDS - 1
    assert limit.delay(1002, 1) == 0
    limit.take()
    assert limit.delay(1003, 1, is_progress=True) == PROGRESS_SECONDS


def test_each_write_of_progress_doubles_the_wait_until_something_else_is_written() -> None:
    limit = StatusRateLimit()
    now = 1000.0
    waits = []
    for _ in range(6):
        waits.append(limit.delay(now, 1, is_progress=True))
        now += waits[-1]
        assert limit.delay(now, 1, is_progress=True) == 0
        limit.take(is_progress=True)
    assert waits == [4, 8, 16, MAX_PROGRESS_SECONDS, MAX_PROGRESS_SECONDS, MAX_PROGRESS_SECONDS]
    limit.take()
    assert limit.delay(now, 1, is_progress=True) == PROGRESS_SECONDS


def test_progress_that_is_taken_back_waits_anew() -> None:
    limit = StatusRateLimit()
    limit.delay(1000, 1, is_progress=True)
    limit.drop_progress()
    assert limit.delay(1003, 1, is_progress=True) == PROGRESS_SECONDS


def test_progress_waits_for_the_bucket_too() -> None:
    limit = StatusRateLimit()
    while limit.delay(1000, 1) == 0:
        limit.take()
    assert limit.delay(1000, 1, is_progress=True) == PROGRESS_SECONDS
    limit.tokens = -2
    assert limit.delay(1000, 1, is_progress=True) == 3 * REFILL_SECONDS
