"""Of the campaign that `make faults` runs, each kind of fault once. Together, so that it takes two minutes."""

import pytest

from tests.faults.batch import Batch
from tests.faults.cases import CASES
from tests.faults.life import OPERATOR_ENVIRONMENT
from tests.faults.reference import references
from tests.faults.rig import Rig

RESYNC_SECONDS = 10
QUIET_SECONDS = 10.0
CHOSEN = (
    # While nothing ends the process, or the API server's watches: what they ought to tell would be in a LIST then.
    "reset-after-commit:patch:nimservices:create",
    "close-after-commit:patch:ingresses:create",
    "429:patch:nimservices:create",
    "503:patch:persistentvolumeclaims:create",
    "slow:patch:nimservices:create",
    "reset:watch:nimservices:create",
    "error-410:watch:runainimservices:create",
    "error-500:watch:pods:create",
    "silent:watch:services:create",
    "clock-forward:create",
    "500-after-commit:patch:nimservices:update",
    "409-for-12-s:patch:update",
    "close:watch:runainimservices:update",
    "truncated:watch:ingresses:update",
    "dropped:watch:deployments:update",
    "coalesced:watch:deployments:update",
    "forbidden-patch-nimservices:update",
    "stale:list:ingresses:update",
    # From here on they may.
    "kill-before-commit:patch:nimservices:stop",
    "kill-after-commit:patch:nimservices:stop",
    "504-after-commit:patch:runainimservices/status:stop",
    "409:patch:nimservices:stop",
    "compaction:stop",
    "etcd-killed:stop",
    "kill-after-commit:patch:runainimservices/status:delete",
    "api-server-killed:gone",
)


@pytest.mark.faults
@pytest.mark.long
def test_each_kind_of_fault_ends_as_if_it_had_not_been(rig: Rig) -> None:
    named = {case.name: case for case in CASES}
    rig.start_operator(OPERATOR_ENVIRONMENT)
    known = references(rig, ("life",))
    rig.kubelet.stop()
    runs = Batch(rig, known, [named[name] for name in CHOSEN], 0).run(QUIET_SECONDS, RESYNC_SECONDS)
    assert {run.case.name: run.problems for run in runs if run.problems} == {}
