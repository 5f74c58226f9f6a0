import pytest

from runai_nim.controller.limits.status_rate_limit import BURST, REFILL_SECONDS, TokenBucket


def test_a_burst_is_free_then_writes_wait_their_turn() -> None:
    pace = TokenBucket()
    for _ in range(BURST):
        assert pace.delay(1000, 1) == 0
        pace.take()
    assert pace.delay(1000, 1) == pytest.approx(REFILL_SECONDS)
    assert pace.delay(1000 + REFILL_SECONDS, 1) == 0


def test_a_storm_of_ten_seconds_costs_at_most_ten_writes() -> None:
    pace, writes = TokenBucket(), 0
    for tick in range(1001):
        if pace.delay(1000 + tick / 100, 1) == 0:
            pace.take()
            writes += 1
    assert writes <= 10


def test_quiet_fills_the_bucket_and_no_more() -> None:
    pace = TokenBucket()
    pace.take()
    pace.delay(5000, 1)
    assert pace.tokens == BURST


def test_a_new_spec_is_answered_at_once() -> None:
    pace = TokenBucket()
    while pace.delay(1000, 1) == 0:
        pace.take()
    assert pace.delay(1000, 2) == 0
    assert pace.tokens == BURST
