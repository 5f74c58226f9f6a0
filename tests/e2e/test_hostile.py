"""A tenant who fills the cluster with the largest objects that it stores, beside the operator's real memory limit."""

import time

import pytest

from local.cluster import OPERATOR_NAMESPACE
from local.e2e.installation import RELEASE
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import NOTE
from tests.e2e.test_operator import Note, Write, two_ready
from tests.support.hostile_objects import LARGE

MANY = 30
"""Of each kind: 26 claims took 514 MiB when they were listed whole, and the limit is 512Mi."""


@pytest.mark.parametrize("kind", ["claim", "labelled-claim", "deployment"])
def test_the_largest_objects_end_no_pod_of_the_operator(kind: str, cluster: Cluster, record_property: Note) -> None:
    objects = cluster.objects(OPERATOR_NAMESPACE)
    where = f"--namespace={OPERATOR_NAMESPACE}"
    two_ready(objects)
    hostile = cluster.make_namespace(f"hostile-{kind}", {})
    for number in range(MANY):
        hostile.apply(LARGE[kind](f"large-{number}"))
    seconds = Write(cluster, f"beside-{kind}").seconds()

    cluster.kubectl("rollout", "restart", f"deployment/{RELEASE}", where)
    cluster.kubectl("rollout", "status", f"deployment/{RELEASE}", where, "--timeout=180s")
    time.sleep(5)  # a process that takes too much is ended soon after it has listed everything
    two_ready(objects)
    restarts = cluster.container_restarts(RELEASE)
    assert restarts
    assert {name: (count, state) for name, (count, state) in restarts.items() if count} == {}
    record_property(NOTE, f"{MANY} objects of 8 MiB; somebody else's write took {seconds:.1f} s")
    cluster.kubectl("delete", "namespace", hostile.namespace, "--wait=false")
