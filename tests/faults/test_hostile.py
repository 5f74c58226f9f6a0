"""Of the attacks of a hostile client that `make faults` makes, those by which it was found, and short.

How slow honest calls become is measured there only: two seconds say nothing of it.
"""

from collections.abc import Iterator

import pytest

from local.cluster import LocalCluster
from tests.faults.load_under_attack import MOST_SLOWER, Besieged

SECONDS = 3.0
CHOSEN = ("slow-bodies", "endless-header", "110,000-fields", "55,000-unknown-fields", "1,000-connections")


@pytest.fixture(scope="module")
def besieged(local_cluster: LocalCluster) -> Iterator[Besieged]:
    local_cluster.apply_manifests()
    with Besieged(local_cluster).running() as found:
        yield found


@pytest.mark.long
@pytest.mark.faults
@pytest.mark.parametrize("attack", CHOSEN)
def test_nobody_stops_the_rest_api(besieged: Besieged, attack: str) -> None:
    siege = besieged.under(attack, SECONDS)

    slower = f"honest calls are {siege.slower:.1f} times as slow, more than {MOST_SLOWER:g}"
    assert [problem for problem in siege.problems if problem != slower] == []
