"""One RunaiNimService at a time: latency of the operator, its requests, the writes after a restart, and then quiet."""

import json
import time
from pathlib import Path
from typing import Any

from bench.bare import write_all
from bench.cluster import NAMESPACE, QUIET_SECONDS, empty_cluster, make_project, start_operator
from bench.crowd import create_children, create_services, names_of, say_ready, service
from bench.figures import Figures, percentile, spread
from bench.latency import until_told, until_written
from bench.process import Queue
from local.audit import READS, WRITES
from local.cluster import OPERATOR_USER, LocalCluster
from local.objects import Objects, wait_for
from runai_nim.api import well_known

PAUSE_SECONDS = 0.1
"""Pause between two of them, so that the control plane is idle for each."""
FIRST = "first"
QUIET_MINUTES = 2.5
"""How long nothing happens: longer than a watch may be silent, and shorter than the API server lets one last."""


def measure(services: int) -> Figures:
    """Figures on an idle control plane, and of a bare client for comparison."""
    with empty_cluster() as cluster:
        start_operator(cluster)
        status = first_status(cluster)
        created = _create(cluster, services)
        told = _tell(cluster, services)
        restarted = {**_restart(cluster, services + 1), **_quiet(cluster)}
        cluster.operator.stop()
        bare = _bare(cluster, services, status)
    return {**created, **told, **restarted, "latency_bare_ms": bare}


def first_status(cluster: LocalCluster) -> dict[str, Any]:
    """Let the operator make one RunaiNimService, in a namespace of its own, and return the status that it gave it.

    The first one waits for Kopf's watch of a process that just started, which is a restart's figure and no other's.
    """
    make_project(cluster, FIRST)
    with Objects(Path(cluster.control_plane.kubeconfig), FIRST) as objects:
        objects.apply(service(FIRST, FIRST))

        def status() -> dict[str, Any] | None:
            found: dict[str, Any] = (objects.get("runai-nim.io/v1alpha1 RunaiNimService", FIRST) or {})["status"]
            return found if "phase" in found else None  # the API server gives it an empty one

        return wait_for(status)


def _create(cluster: LocalCluster, services: int) -> Figures:
    mark = cluster.audit_log.mark()
    passes = Queue(cluster).passes()
    with Objects(Path(cluster.control_plane.kubeconfig), NAMESPACE) as objects:
        for name in names_of(0, services):
            objects.apply(service(NAMESPACE, name))
            time.sleep(PAUSE_SECONDS)
    time.sleep(QUIET_SECONDS)
    everything = list(cluster.audit_log.requests(mark))
    ours = [request for request in everything if request.user == OPERATOR_USER and request.namespace == NAMESPACE]
    return {
        "writes_per_cr": len([request for request in ours if request.verb in WRITES]) / services,
        "reads_per_cr": len([request for request in ours if request.verb in READS]) / services,
        "passes_per_cr": (Queue(cluster).passes() - passes) / services,
        **spread("latency_idle", until_written(everything)),
    }


def _tell(cluster: LocalCluster, services: int) -> Figures:
    names = names_of(0, services)
    kubeconfig = cluster.control_plane.kubeconfig
    create_children(kubeconfig, NAMESPACE, names)
    time.sleep(QUIET_SECONDS)
    mark = cluster.audit_log.mark()
    say_ready(kubeconfig, NAMESPACE, names, PAUSE_SECONDS)
    time.sleep(QUIET_SECONDS)
    return spread("latency_status", until_told(cluster.audit_log.requests(mark)))


def _restart(cluster: LocalCluster, services: int) -> Figures:
    mark = cluster.audit_log.mark()
    cluster.operator.kill()
    start_operator(cluster)
    Queue(cluster).wait_idle(services)
    time.sleep(QUIET_SECONDS)
    return {"restart_writes": len([r for r in cluster.audit_log.requests(mark, OPERATOR_USER) if r.verb in WRITES])}


def _quiet(cluster: LocalCluster) -> Figures:
    """What the operator does and says while nothing happens. Kopf's own watch, once a minute, is left out."""
    mark = cluster.audit_log.mark()
    written = cluster.operator.log.stat().st_size
    time.sleep(60 * QUIET_MINUTES)
    opened = [
        request
        for request in cluster.audit_log.requests(mark, OPERATOR_USER)
        if request.verb == "watch" and request.resource != well_known.PLURAL
    ]
    lines = cluster.operator.log.read_bytes()[written:].splitlines()
    return {
        "watches_restarted_quiet": len(opened),
        "warnings_quiet": sum(json.loads(line)["level"] != "INFO" for line in lines),
    }


def _bare(cluster: LocalCluster, services: int, status: dict[str, Any]) -> float:
    """Milliseconds that a bare client takes to write a claim and a NIMService, while nothing else runs."""
    namespace = f"{NAMESPACE}-bare"
    make_project(cluster, namespace)
    create_services(cluster.control_plane.kubeconfig, namespace, names_of(0, services))
    mark = cluster.audit_log.mark()
    write_all(cluster.control_plane.kubeconfig, namespace, status, at_once=1)
    writes = [request for request in cluster.audit_log.requests(mark) if request.verb in WRITES]
    began = {request.name: request.received for request in writes if request.resource == "persistentvolumeclaims"}
    ended = {request.name: request.answered for request in writes if request.resource == "nimservices"}
    took = [(ended[name] - began[f"{name}-model-store"]).total_seconds() * 1000 for name in ended]
    return round(percentile(took, 50), 2)
