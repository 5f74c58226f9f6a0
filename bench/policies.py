"""What a change of a policy costs: how long it is worked off, what it writes, and whom it delays meanwhile."""

import time
from pathlib import Path
from typing import Any

from bench.cluster import NAMESPACE, QUIET_SECONDS, empty_cluster, start_operator
from bench.crowd import create_services, names_of, service
from bench.figures import Figures, percentile
from bench.idle import first_status
from bench.latency import until_written
from bench.process import Queue
from local.audit import WRITES, Request
from local.cluster import OPERATOR_USER, LocalCluster
from local.objects import Objects

PAUSE_SECONDS = 0.25
POLICY: dict[str, Any] = {
    "apiVersion": "runai-nim.io/v1alpha1",
    "kind": "RunaiNimPolicy",
    "metadata": {"name": "team"},
    "spec": {"defaults": {"labels": {"instances": [{"name": "team", "value": "a"}]}}},
}


def measure(services: int, others: int) -> Figures:
    """A new default for so many RunaiNimServices of one namespace, while `others` are made in the same namespace."""
    with empty_cluster() as cluster:
        start_operator(cluster)
        first_status(cluster)
        create_services(cluster.control_plane.kubeconfig, NAMESPACE, names_of(0, services))
        known = services + 1
        Queue(cluster).wait_idle(known)
        alone = until_written(_making(cluster, "alone", others, known + others))
        requests = _making(cluster, "beside", others, known + 2 * others, policy=POLICY)
    beside = [one for one in requests if one.name.startswith("beside-")]
    writes = [one for one in requests if one.user == OPERATOR_USER and one.verb in WRITES and one not in beside]
    (began,) = (one for one in requests if one.resource == "runainimpolicies" and one.user != OPERATOR_USER)
    told = [one for one in writes if one.resource == "runainimservices"]
    if len(told) < services:
        raise RuntimeError(f"{len(told)} of {services} statuses were written")
    return {
        "policy_change_s": round((told[-1].answered - began.answered).total_seconds(), 2),
        "policy_change_nimservice_writes": len([one for one in writes if one.resource == "nimservices"]),
        "policy_alone_p50_ms": round(percentile(alone, 50), 2),
        "policy_alone_ms": round(max(alone), 2),
        "policy_delay_p50_ms": round(percentile(until_written(beside), 50), 2),
        "policy_delay_ms": round(max(until_written(beside)), 2),
    }


def _making(
    cluster: LocalCluster, prefix: str, others: int, known: int, *, policy: dict[str, Any] | None = None
) -> list[Request]:
    """The requests in the namespace while others are made there, after a policy if one is given, until all is done.

    `known`: the number of RunaiNimServices afterwards.
    """
    mark = cluster.audit_log.mark()
    with Objects(Path(cluster.control_plane.kubeconfig), NAMESPACE) as objects:
        if policy:
            objects.apply(policy)
        for number in range(others):
            objects.apply(service(NAMESPACE, f"{prefix}-{number}"))
            time.sleep(PAUSE_SECONDS)
    Queue(cluster).wait_idle(known)
    time.sleep(QUIET_SECONDS)
    return [one for one in cluster.audit_log.requests(mark) if one.namespace == NAMESPACE]
