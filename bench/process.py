"""Memory, CPU and age of a running process, from /proc, and the operator's queue metrics."""

import os
import time
from http.client import HTTPException
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from local.cluster import LocalCluster, Program
from local.objects import wait_for

_TICKS = os.sysconf("SC_CLK_TCK")
_POLL_SECONDS = 0.5
"""Polling interval: each scrape takes milliseconds of the operator's CPU, which would distort the measurement."""
_PATIENCE_SECONDS = 900.0


def pid_of(program: Program) -> int:
    """Its process id. Raises RuntimeError when it doesn't run."""
    if (pid := program.pid) is None:
        raise RuntimeError(f"{program.name} does not run; see the end of its log, {program.log}")
    return pid


def rss_mib(program: Program) -> float:
    """Resident memory in MiB."""
    return _memory_mib(program, "VmRSS")


def peak_rss_mib(program: Program) -> float:
    """Peak resident memory in MiB."""
    return _memory_mib(program, "VmHWM")


def _memory_mib(program: Program, line: str) -> float:
    status = Path(f"/proc/{pid_of(program)}/status").read_text(encoding="utf-8")
    kib = next(found.split()[1] for found in status.splitlines() if found.startswith(f"{line}:"))
    return round(int(kib) / 1024, 1)


def cpu_ms(program: Program) -> float:
    """Milliseconds of CPU, of user and system, since its start."""
    user, system = _stat(program)[11:13]
    return (int(user) + int(system)) * 1000 / _TICKS


def age_seconds(program: Program) -> float:
    """Seconds since its process was started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(_stat(program)[19]) / _TICKS


def _stat(program: Program) -> list[str]:
    """Fields of /proc/<pid>/stat from the third on: the second, the name, may hold spaces."""
    return Path(f"/proc/{pid_of(program)}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


class Queue:
    """The operator's queue metrics."""

    def __init__(self, cluster: LocalCluster) -> None:
        self._cluster = cluster

    def wait_idle(self, services: int, phase: str = "", poll: float = _POLL_SECONDS) -> None:
        """Wait until the queue is empty and so many RunaiNimServices are known, in that phase if given.

        poll: seconds between two looks. Raises TimeoutError.
        """

        def is_idle() -> bool:
            found = self._scrape()
            if found is None:
                return False
            known = sum(count for name, count in found.items() if name.startswith(f"runai_nim_services {phase}"))
            busy = found["workqueue_depth "] + found["controller_runtime_active_workers "]
            return busy == 0 and known == services

        wait_for(is_idle, _PATIENCE_SECONDS, poll)

    def wait_failures(self, failures: int) -> None:
        """Wait until so many reconciliations have failed since the operator's start. Raises TimeoutError."""

        def have_failed() -> bool:
            return (self._scrape() or {}).get("workqueue_retries_total ", 0) >= failures

        wait_for(have_failed, _PATIENCE_SECONDS, _POLL_SECONDS)

    def passes(self) -> float:
        """Reconciliations since the operator's start. Raises RuntimeError if it does not answer."""
        if (found := self._scrape()) is None:
            raise RuntimeError("the operator doesn't answer")
        return found["workqueue_adds_total "]

    def _scrape(self) -> dict[str, float] | None:
        """Samples by `name` and phase; None while the operator isn't ready."""
        try:
            for path in ("/readyz", "/metrics"):
                code, text = self._cluster.ask(path, timeout=30)
                if code >= 400:
                    return None
        except (OSError, HTTPException):
            return None
        return {
            f"{sample.name} {sample.labels.get('phase', '')}": sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
