"""RunaiNimServices per second, as a ratio to a bare client that sends the same writes.

The RunaiNimServices exist before either starts. The time is from the first to the last write in the audit log.
The ceiling is measured before and after the operator, each in a separate cluster, so that drift affects both.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from bench.bare import write_all
from bench.cluster import NAMESPACE, empty_cluster, start_operator
from bench.crowd import CONCURRENCY, create_services, names_of
from bench.figures import Figures
from bench.idle import first_status
from bench.process import Queue
from local.audit import WRITES
from local.cluster import LocalCluster


class Run(NamedTuple):
    """What one of the two did: seconds, how often it wrote what, and its CPU in milliseconds for each."""

    seconds: float
    writes: Counter[str]
    cpu_ms: float


def measure(services: int) -> Figures:
    """Operator and ceiling, in RunaiNimServices a second, and their ratio.

    Raises RuntimeError where they didn't write the same.
    """
    before = _run(services, _bare)
    operator = _run(services, _operator)
    after = _run(services, _bare)
    if not before.writes == operator.writes == after.writes:
        raise RuntimeError(f"the operator wrote {operator.writes}, the ceiling {before.writes} and {after.writes}")
    ceiling = (before.seconds + after.seconds) / 2
    return {
        "throughput_per_s": round(services / operator.seconds, 1),
        "throughput_bare_per_s": round(services / ceiling, 1),
        "throughput_ratio": round(ceiling / operator.seconds, 3),
        "cpu_bare_ms_per_cr": round((before.cpu_ms + after.cpu_ms) / 2, 2),
    }


def _run(services: int, write: Callable[[LocalCluster, int, dict[str, object]], float]) -> Run:
    with empty_cluster() as cluster:
        start_operator(cluster)
        status = first_status(cluster)
        cluster.operator.stop()
        create_services(cluster.control_plane.kubeconfig, NAMESPACE, names_of(0, services))
        mark = cluster.audit_log.mark()
        cpu = write(cluster, services, status)
        found = [r for r in cluster.audit_log.requests(mark) if r.verb in WRITES and r.namespace == NAMESPACE]
    took = max(request.answered for request in found) - min(request.received for request in found)
    writes = Counter(f"{request.verb} {request.resource}/{request.subresource}" for request in found)
    return Run(took.total_seconds(), writes, cpu)


def _bare(cluster: LocalCluster, services: int, status: dict[str, object]) -> float:
    return write_all(cluster.control_plane.kubeconfig, NAMESPACE, status, CONCURRENCY)


def _operator(cluster: LocalCluster, services: int, status: dict[str, object]) -> float:
    start_operator(cluster)
    Queue(cluster).wait_idle(services + 1, "Creating")
    return 0.0
