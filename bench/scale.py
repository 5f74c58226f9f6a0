"""Thousands of RunaiNimServices: a burst of them, what each costs in memory and CPU, and a restart over all of them."""

import time
from collections import Counter
from collections.abc import Sequence

from bench.bare import read_all
from bench.cluster import NAMESPACE, QUIET_SECONDS, empty_cluster, start_operator
from bench.crowd import create_children, create_services, names_of, say_ready
from bench.figures import Figures, fit, spread
from bench.latency import until_told, until_written
from bench.process import Queue, age_seconds, cpu_ms, rss_mib
from local.audit import READS, WRITES
from local.cluster import OPERATOR_USER, LocalCluster

_RESTART_POLL_SECONDS = 0.25
"""Polling interval: each scrape takes time of the measured process."""


def measure(sizes: Sequence[int], scale: float = 1.0) -> Figures:
    """Figures at each of `sizes`, which are reached one after the other; the first is the burst.

    scale: only so much of each size is made, though the figures keep their names.
    """
    figures: Figures = {}
    with empty_cluster() as cluster:
        start_operator(cluster)
        Queue(cluster).wait_idle(0)
        figures["rss_0_mib"] = rss_mib(cluster.operator)
        for before, size in zip((0, *sizes), sizes, strict=False):
            made = round(before * scale), round(size * scale)
            figures |= _grown(cluster, *made, size)
            figures |= _restarted(cluster, made[1], size)
    return figures | _slopes(figures, sizes, scale)


def _grown(cluster: LocalCluster, before: int, after: int, size: int) -> Figures:
    names = names_of(before, after)
    kubeconfig = cluster.control_plane.kubeconfig
    queue = Queue(cluster)
    mark = cluster.audit_log.mark()
    cpu = cpu_ms(cluster.operator)
    create_services(kubeconfig, NAMESPACE, names)
    queue.wait_idle(len(names), "Creating")
    per_cr = (cpu_ms(cluster.operator) - cpu) / len(names)
    written = until_written(cluster.audit_log.requests(mark))
    create_children(kubeconfig, NAMESPACE, names)
    time.sleep(QUIET_SECONDS)
    ready = cluster.audit_log.mark()
    say_ready(kubeconfig, NAMESPACE, names)
    queue.wait_idle(after, "Running")
    rss = {f"rss_{size}_mib": rss_mib(cluster.operator)}
    if before:
        return {f"cpu_ms_per_cr_{size}": round(per_cr, 2), **rss}
    life = (cpu_ms(cluster.operator) - cpu) / len(names)
    asked = Counter(r.verb for r in cluster.audit_log.requests(mark, OPERATOR_USER))
    return {
        "cpu_ms_per_cr": round(per_cr, 2),
        "cpu_ms_per_cr_until_running": round(life, 2),
        **spread("latency_burst", written),
        **spread("latency_status_burst", until_told(cluster.audit_log.requests(ready))),
        **{f"requests_per_cr_{verb}": round(asked[verb] / len(names), 3) for verb in sorted(WRITES | READS)},
        **rss,
    }


def _restarted(cluster: LocalCluster, services: int, size: int) -> Figures:
    """SIGKILL, a start, and from the new process's start to the end of its first look at everything."""
    time.sleep(QUIET_SECONDS)  # Events are posted one after the other
    mark = cluster.audit_log.mark()
    cluster.operator.kill()
    start_operator(cluster)
    Queue(cluster).wait_idle(services, poll=_RESTART_POLL_SECONDS)
    seconds = age_seconds(cluster.operator)
    listed = read_all(cluster.control_plane.kubeconfig)
    time.sleep(QUIET_SECONDS)
    writes = [r for r in cluster.audit_log.requests(mark, OPERATOR_USER) if r.verb in WRITES]
    return {
        f"restart_{size}_s": round(seconds, 2),
        f"restart_{size}_bare_s": round(listed, 2),
        f"restart_{size}_writes": len(writes),
        f"restart_{size}_rss_mib": rss_mib(cluster.operator),
    }


def _slopes(figures: Figures, sizes: Sequence[int], scale: float) -> Figures:
    """How figures grow with the number of RunaiNimServices: KiB and ms for each, and how straight the line is."""
    memory = fit([(size * scale, figures[f"rss_{size}_mib"] * 1024) for size in (0, *sizes)])
    restart = fit([(size * scale, figures[f"restart_{size}_s"] * 1000) for size in sizes])
    return {
        "rss_kib_per_cr": round(memory.slope, 2),
        "rss_r2": round(memory.r2, 4),
        "restart_ms_per_cr": round(restart.slope, 3),
        "restart_r2": round(restart.r2, 4),
    }
