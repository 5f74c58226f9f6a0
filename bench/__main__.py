"""`python -m bench`: writes and reads per CR, writes after a restart, latency on an idle control plane, translation.

Everything is read off the API server's audit log, whose times have microseconds. Results: build/bench.json, one flat
object. Absolute times were taken on whatever machine this ran on, shared with the control plane itself.
"""

import json
import statistics
import time
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from bench.translation import translate_us
from local.audit import READS, WRITES, Request
from local.cluster import CHECKOUT, OPERATOR_USER, LocalCluster
from local.objects import Objects, wait_for

CRS = 100
PAUSE_SECONDS = 0.1
"""Between two creations, so that each finds the control plane idle."""
STATUS_CRS = 60
QUIET_SECONDS = 5.0
NAMESPACE = "bench"


def measure(cluster: LocalCluster) -> dict[str, Any]:
    """Create CRs one at a time beside a NIM Operator that never acts, then restart the operator."""
    cluster.stand_in.start("--never-act")
    cluster.operator.start()
    cluster.kubectl("create", "namespace", NAMESPACE)
    body: dict[str, Any] = yaml.safe_load((CHECKOUT / "deploy/samples/gpu-portion.yaml").read_text(encoding="utf-8"))
    with Objects(Path(cluster.control_plane.kubeconfig), NAMESPACE) as objects:
        # The first one waits for Kopf's watch of a process that just started: that is a restart's figure, not this one.
        objects.apply({**body, "metadata": {"name": "first"}})
        wait_for(lambda: (objects.get("runai-nim.io/v1alpha1 RunaiNimService", "first") or {})["status"].get("phase"))
        mark = cluster.audit_log.mark()
        for number in range(CRS):
            objects.apply({**body, "metadata": {"name": f"nim-{number}"}})
            time.sleep(PAUSE_SECONDS)
    time.sleep(QUIET_SECONDS)
    everything = list(cluster.audit_log.requests(mark))
    ours = [request for request in everything if request.user == OPERATOR_USER and request.namespace == NAMESPACE]
    latencies = sorted(_latencies(everything))
    mark = cluster.audit_log.mark()
    cluster.operator.start()
    time.sleep(QUIET_SECONDS)
    return {
        "writes_per_cr": len([request for request in ours if request.verb in WRITES]) / CRS,
        "reads_per_cr": len([request for request in ours if request.verb in READS]) / CRS,
        "restart_writes": len([r for r in cluster.audit_log.requests(mark, OPERATOR_USER) if r.verb in WRITES]),
        "latency_idle_p50_ms": round(statistics.median(latencies), 2),
        "latency_idle_p99_ms": round(latencies[int(len(latencies) * 0.99)], 2),
    }


def measure_status(cluster: LocalCluster) -> dict[str, Any]:
    """Let the stand-in act on CRs one at a time: from its last word on a NIMService to the CR's status."""
    cluster.stand_in.start()
    body: dict[str, Any] = yaml.safe_load((CHECKOUT / "deploy/samples/gpu-portion.yaml").read_text(encoding="utf-8"))
    mark = cluster.audit_log.mark()
    with Objects(Path(cluster.control_plane.kubeconfig), NAMESPACE) as objects:
        for number in range(STATUS_CRS):
            name = f"status-{number}"
            objects.apply({**body, "metadata": {"name": name}})
            wait_for(partial(_running, objects, name), 60)
    writes = [r for r in cluster.audit_log.requests(mark) if r.subresource == "status" and r.verb in WRITES]
    said = {r.name: r.answered for r in writes if r.resource == "nimservices"}
    told = {r.name: r.answered for r in writes if r.resource == "runainimservices"}
    # Where the status was there before the last word, the word changed nothing of it.
    lags = sorted(max(0.0, (told[name] - said[name]).total_seconds() * 1000) for name in told)
    return {
        "latency_status_p50_ms": round(statistics.median(lags), 2),
        "latency_status_p99_ms": round(lags[int(len(lags) * 0.99)], 2),
    }


def _running(objects: Objects, name: str) -> bool:
    found = objects.get("runai-nim.io/v1alpha1 RunaiNimService", name) or {}
    return bool(found.get("status", {}).get("phase") == "Running")


def _latencies(requests: list[Request]) -> list[float]:
    """Milliseconds from the answer to each CR's creation to the answer to its NIMService's."""
    created = {r.name: r.answered for r in requests if r.resource == "runainimservices" and r.user != OPERATOR_USER}
    became = {r.name: r.answered for r in requests if r.resource == "nimservices" and r.code == 201}
    if created.keys() != became.keys():
        raise RuntimeError(f"{len(created)} RunaiNimServices were created, {len(became)} NIMServices")
    return [(became[name] - created[name]).total_seconds() * 1000 for name in created]


def main() -> None:
    """Measure on a cluster of its own, print, and write build/bench.json."""
    cluster = LocalCluster(CHECKOUT / ".local" / "bench")
    with cluster.control_plane.processes.tied_to_this_process():
        try:
            cluster.start(stand_in=False, operator=False)
            figures = {"translate_us": translate_us(), **measure(cluster), **measure_status(cluster)}
        finally:
            cluster.stop()
    text = json.dumps(figures, indent=2)
    target = CHECKOUT / "build" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
