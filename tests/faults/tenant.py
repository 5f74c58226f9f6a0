"""A hostile tenant: many objects of the largest size, or that nobody can decode, and then each of them touched.

A case fails by: the process ends, its memory grows too much (now, or in a new process), others wait more than twice as
long as before (beyond what a bare write takes longer), a traceback. The operator asks the API server directly; nobody
else reads what the tenant makes.
"""

import itertools
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kubernetes.client.exceptions import ApiException

from bench.latency import until_written
from bench.process import peak_rss_mib, pid_of, rss_mib
from local.cluster import LocalCluster
from local.objects import Objects, wait_for
from tests.faults.oracle import tracebacks
from tests.support.hostile_objects import LARGE, undecodable
from tests.support.services import NIMSERVICE, sample

MANY = 61
GROWTH_MIB = 40.0
GROWTH_OF_OURS_MIB = 80.0
"""Of our own kind, whose large objects are worked on, one at a time: the body that is read, the NIMService that is
written and both answers. It does not grow with their number."""
SLOWER = 2.0
OTHERS = 100
"""RunaiNimServices of another tenant, one after the other, whose times are taken."""
PAUSE_SECONDS = 0.1
TOUCH_SECONDS = 1.0
"""From one touch to the next: each costs the API server up to a second of CPU, and it is not what is tried here."""
FEWEST_TOUCHES = 5
READY_SECONDS = 180.0
UNDECODABLE = "undecodable"


KINDS = (*LARGE, UNDECODABLE)
"""Of what there are many; the last: one of each, which nobody can decode, many times."""


@dataclass(slots=True)
class Tried:
    """What became of it: figures for people, and what is not as it should be."""

    figures: str = ""
    problems: list[str] = field(default_factory=list)


def tried(cluster: LocalCluster, kind: str) -> Tried:
    """A new process beside many objects of the kind. The stand-in must not run."""
    return _Tenant(cluster, kind).run()


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds, the 99th percentile each: from a RunaiNimService to its NIMService, and of a single bare write."""

    waited: float
    bare: float

    def __str__(self) -> str:
        return f"{self.waited:.0f} ms (a bare write: {self.bare:.0f} ms)"


def _p99(times: list[float]) -> float:
    return sorted(times)[round(0.99 * len(times)) - 1]


class _Tenant:
    """One case: its namespace, and that of somebody else."""

    def __init__(self, cluster: LocalCluster, kind: str) -> None:
        self._cluster = cluster
        self._kind = kind
        self._tried = Tried()
        self._namespaces = f"hostile-{kind}", f"beside-{kind}"
        for name in self._namespaces:
            cluster.kubectl("create", "namespace", name)
        self._numbers = itertools.count()
        self._growth = GROWTH_OF_OURS_MIB if kind == "resource" else GROWTH_MIB

    def run(self) -> Tried:
        """All of it."""
        operator = self._cluster.operator
        kubeconfig = Path(self._cluster.control_plane.kubeconfig)
        operator.start()
        self._await_ready()
        log = operator.log.stat().st_size
        pid = pid_of(operator)
        hostile, others = (Objects(kubeconfig, name) for name in self._namespaces)
        with hostile, others:
            alone = self._times(others)
            before = rss_mib(operator)
            make, touch = self._what(hostile)
            make()
            beside = self._beside(touch, others)
            after = peak_rss_mib(operator)
            self._judge(operator.pid == pid, "the process ended")
            self._judge(after - before <= self._growth, f"memory grew from {before} to {after} MiB")
            times = f"p99 {alone}, then {beside}"
            # The API server and its controllers read what is touched too; a bare write shows how much slower they get.
            slower = SLOWER * max(1.0, beside.bare / alone.bare)
            self._judge(beside.waited <= slower * alone.waited, f"{times}: more than {slower:.1f} times")
            operator.start()
            self._await_ready()
            new = peak_rss_mib(operator)
            self._judge(new - before <= self._growth, f"a new process takes {new} MiB, {before} without the objects")
        said = operator.log.read_bytes()[log:].decode(errors="replace")
        self._judge(not tracebacks(said), f"tracebacks in the log: {tracebacks(said)}")
        for name in self._namespaces:
            self._cluster.kubectl("delete", "namespace", name)  # its end would slow the next case down
        self._tried.figures = f"{before} MiB, at most {after} with the objects, {new} anew; {times}"
        return self._tried

    def _what(self, objects: Objects) -> tuple[Callable[[], object], Callable[[], object]]:
        """What makes the objects, and what touches one of them."""
        kind = self._kind
        names = [f"{kind}-{number}" for number in range(MANY)]
        turns = itertools.cycle(names)
        if kind == UNDECODABLE:
            made = (undecodable(make(f"{of}-{name}")) for name in names for of, make in LARGE.items())
            items = f'{{"apiVersion": "v1", "kind": "List", "items": [{",".join(made)}]}}'
            where = f"--namespace={objects.namespace}"
            return (lambda: self._cluster.kubectl("create", "--filename=-", where, stdin=items), lambda: None)
        head = LARGE[kind]("")

        def touch() -> None:
            touched = {"example.com/touched": str(next(self._numbers))}
            objects.annotate(f"{head['apiVersion']} {head['kind']}", next(turns), touched)

        return (lambda: [objects.apply(LARGE[kind](name)) for name in names], touch)

    def _beside(self, touch: Callable[[], object], others: Objects) -> Times:
        """What others wait while the objects are touched all the time."""
        over = threading.Event()
        touched = [0]

        def keep_touching() -> None:
            while not over.wait(TOUCH_SECONDS):
                with suppress(ApiException):  # the API server may have too much to do
                    touch()
                    touched[0] += 1

        thread = threading.Thread(target=keep_touching, name="tenant")
        thread.start()
        try:
            return self._times(others)
        finally:
            over.set()
            thread.join()
            self._judge(touched[0] >= FEWEST_TOUCHES, f"only {touched[0]} objects were touched")

    def _times(self, objects: Objects) -> Times:
        mark = self._cluster.audit_log.mark()
        bare = []
        names = [f"other-{next(self._numbers)}" for _ in range(OTHERS)]
        for name in names:
            body = sample("gpu-portion")
            body["metadata"]["name"] = name
            objects.apply(body)
            began = time.monotonic()
            objects.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
            bare.append((time.monotonic() - began) * 1000)
            time.sleep(PAUSE_SECONDS)
        wait_for(lambda: objects.get(NIMSERVICE, names[-1]) is not None, 60)
        time.sleep(1)  # the audit log is written later
        requests = (one for one in self._cluster.audit_log.requests(mark) if one.namespace == objects.namespace)
        return Times(_p99(until_written(requests)), _p99(bare))

    def _await_ready(self) -> None:
        wait_for(lambda: self._cluster.ask("/readyz", timeout=30) == (200, "ok"), READY_SECONDS)

    def _judge(self, holds: bool, problem: str) -> None:
        if not holds:
            self._tried.problems.append(problem)
