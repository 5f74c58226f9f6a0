"""The rig of the fault campaign, on the control plane of the session."""

from collections.abc import Iterator

import pytest

from local.cluster import LocalCluster
from tests.faults.rig import Rig


@pytest.fixture(scope="session")
def rig(local_cluster: LocalCluster) -> Iterator[Rig]:
    """CRDs, the stand-in and the proxy; the operator is yet to be started, and any other one is stopped."""
    local_cluster.apply_manifests()
    local_cluster.stand_in.start()
    local_cluster.operator.stop()
    rig = Rig(local_cluster)
    with rig.running():
        yield rig
