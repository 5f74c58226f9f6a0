from datetime import UTC, datetime
from typing import Any

import pytest

from runai_nim.kube.api_error import ApiError
from runai_nim.kube.leader_election import LeaderElection, LeaseRecord, NotLeaderError

ME, OTHER = "me", "other"
NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
STAMP = "2026-01-02T03:04:05.000678Z"


def _lease(version: str, holder: str = OTHER, **spec: Any) -> dict[str, Any]:
    whole = {"holderIdentity": holder, "leaseDurationSeconds": 15, "acquireTime": "then", "leaseTransitions": 4}
    return {"metadata": {"resourceVersion": version}, "spec": whole | spec}


def _seen(*observations: tuple[dict[str, Any] | None, float]) -> LeaseRecord:
    seen = LeaseRecord()
    for lease, at in observations:
        seen.observe(lease, at)
    return seen


def test_a_lease_that_nobody_ever_made_is_free() -> None:
    seen = _seen((None, 100.0))
    assert seen.seconds_held(ME, 100.0) == 0
    assert seen.version is None
    assert seen.acquire_spec(ME, 15, NOW) == {
        "holderIdentity": ME,
        "leaseDurationSeconds": 15,
        "acquireTime": STAMP,
        "renewTime": STAMP,
        "leaseTransitions": 1,
    }


def test_another_replica_holds_it_from_when_this_one_saw_the_last_renewal() -> None:
    # Whatever times the Lease tells: the other's clock may be wrong.
    seen = _seen((_lease("1", renewTime="1970-01-01T00:00:00.000000Z"), 100.0), (_lease("1"), 109.0))
    assert seen.seconds_held(ME, 109.0) == 6.0
    seen.observe(_lease("2"), 110.0)
    assert seen.seconds_held(ME, 124.9) == pytest.approx(0.1)
    assert seen.seconds_held(ME, 125.0) == 0
    assert seen.seconds_held(OTHER, 110.0) == 0


def test_it_holds_for_as_long_as_its_holder_wrote() -> None:
    assert _seen((_lease("1", leaseDurationSeconds=3), 100.0)).seconds_held(ME, 101.0) == 2.0
    assert _seen((_lease("1", leaseDurationSeconds=None), 100.0)).seconds_held(ME, 100.0) == 0


@pytest.mark.parametrize("holder", ["", None])
def test_a_released_lease_is_free_at_once(holder: str | None) -> None:
    seen = _seen((_lease("1"), 100.0), (_lease("2", holderIdentity=holder), 101.0))
    assert seen.seconds_held(ME, 101.0) == 0
    assert seen.version == "2"


def test_a_deleted_lease_holds_until_it_would_have_run_out() -> None:
    seen = _seen((_lease("1"), 100.0), (None, 101.0), (None, 102.0))
    assert seen.version is None
    assert seen.seconds_held(ME, 102.0) == 13.0
    assert seen.seconds_held(ME, 115.0) == 0
    seen.observe(_lease("3", ME), 116.0)
    assert seen.seconds_held(ME, 116.0) == 0


def test_a_renewal_keeps_when_it_was_taken_and_a_take_over_counts() -> None:
    mine, theirs = (_seen((_lease("1", holder), 0.0)).acquire_spec(ME, 30, NOW) for holder in (ME, OTHER))
    assert (mine["acquireTime"], mine["leaseTransitions"], mine["renewTime"]) == ("then", 4, STAMP)
    assert (theirs["acquireTime"], theirs["leaseTransitions"], theirs["renewTime"]) == (STAMP, 5, STAMP)
    assert _seen((_lease("1", ME), 0.0)).release_spec() == _lease("1", "")["spec"]


def test_a_lease_without_a_spec_is_free() -> None:
    seen = _seen(({"metadata": {"resourceVersion": "1"}, "spec": {}}, 0.0))
    assert seen.seconds_held(ME, 0.0) == 0
    assert seen.acquire_spec(ME, 15, NOW)["leaseTransitions"] == 1


def test_nobody_leads_who_was_not_elected() -> None:
    election = LeaderElection(
        "pod", namespace="ns", seconds=15, on_granted=lambda: None, observe_response=lambda method, code, host: None
    )
    assert not election.is_leader
    with pytest.raises(NotLeaderError) as refused:
        election.require_leader()
    assert isinstance(refused.value, ApiError)
    assert (refused.value.status, refused.value.is_permanent) == (409, False)
