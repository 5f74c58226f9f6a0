"""Runs cases side by side, each in a namespace of its own, and says of each whether it came to what it should.

A case fails by: another state than a fault-free run's, objects that came or went more often, a write when all is said
and done, too many requests, a traceback, a request around the proxy, or a fault that never came.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from local.cluster import OPERATOR_USER
from local.objects import Objects, wait_for
from tests.faults.cases import Case
from tests.faults.ledger import PATHS
from tests.faults.life import LIVES, OPERATOR_ENVIRONMENT, Stage
from tests.faults.oracle import masked, tracebacks, unlike
from tests.faults.outages import bind_token, outage
from tests.faults.plan import Armed, Seen
from tests.faults.reference import QUIET_SECONDS, Reference, comings, namespace
from tests.faults.rig import Rig, Variety

PATIENCE_SECONDS = 60.0
"""For a stage to be over, with all that a batch does to the operator in it."""
LONGER = {
    "away": 90.0,
    "dropped": 30.0,
    "silent": 90.0,
    "cluster": 60.0,
    "forbidden": 60.0,
    "token": 60.0,
    "kill": 60.0,
}
"""How much more a group needs: an outage's end is noticed late, a loss only by listing anew, and in each new process a
status that reports progress alone waits 4 s. Silent watches are shared: that of the resource and then that of its
Deployment may each last until the next LIST, twice RESYNC_SECONDS."""
RESYNC_SECONDS = 60
RESYNCED = frozenset({"dropped", "silent"})
NEVER_SECONDS = 86_400
"""Where nothing may hide behind a resync."""
APART_SECONDS = 0.5
"""Between what several faults of watches wait for: while one is opened anew it tells of nothing."""
NEVER_CAME = "the fault never came"


@dataclass(slots=True)
class Run:
    """One case in its namespace, and what was found wrong."""

    case: Case
    objects: Objects
    reference: Reference
    armed: Armed | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        """Its own."""
        return self.objects.namespace

    def stage(self, number: int) -> Stage | None:
        """The stage of that number, if its life has so many."""
        stages = LIVES[self.case.life]
        return stages[number] if number < len(stages) else None


class Batch:
    """Some cases that share one operator."""

    def __init__(self, rig: Rig, references: Mapping[str, Reference], cases: Sequence[Case], number: int) -> None:
        self._rig = rig
        self._groups = {case.group for case in cases}
        self._begun = datetime.now(UTC)
        self._runs = [
            Run(case, namespace(rig, f"{number}-{index}"), references[case.life]) for index, case in enumerate(cases)
        ]

    def run(self, quiet_seconds: float, resync_seconds: int = RESYNC_SECONDS) -> list[Run]:
        """All stages, then the verdicts.

        quiet_seconds: in which nothing may be written, once. resync_seconds: for groups that nothing else heals.
        """
        self._begun = datetime.now(UTC)
        before = len(self._rig.log()), self._rig.cluster.audit_log.mark(), self._rig.proxy.traffic.sent_on.copy()
        variety: Variety = "clock" if "clock" in self._groups else "usual"
        if "token" in self._groups:
            bind_token(self._rig)
            variety = "pod"
        resync = resync_seconds if RESYNCED & self._groups else NEVER_SECONDS
        environment = {**OPERATOR_ENVIRONMENT, "RUNAI_NIM_WATCH_RESYNC_SECONDS": str(resync)}
        self._rig.start_operator(environment, variety)
        try:
            lives = max(len(LIVES[run.case.life]) for run in self._runs)
            for number in range(lives):
                self._stage(number)
                if number == min(2, lives - 1):
                    self._stay_quiet(quiet_seconds)
        finally:
            self._rig.kubelet.stop()
        self._verdicts(*before)
        return self._runs

    def _stage(self, number: int) -> None:
        runs = [(run, stage) for run in self._runs if not run.problems and (stage := run.stage(number))]
        faulty = [run for run, stage in runs if stage.name == run.case.stage]
        stale = [(run, self._page(run.case)) for run in faulty if run.case.at_start]
        with ExitStack() as outages:
            for run in faulty:
                self._arm(run, outages)
            for run, stage in runs:
                stage.do(run.objects)
                if run in faulty and run.case.fault.verb == "watch":
                    time.sleep(APART_SECONDS)
        self._await(runs)
        if stale:
            self._replay(stale)
            self._await(runs)
        self._rig.proxy.plan.disarm()
        for run in faulty:
            if run.armed and run.armed.met is None:
                run.problems.append(NEVER_CAME)

    def _arm(self, run: Run, outages: ExitStack) -> None:
        fault = run.case.fault
        if happens := outage(fault.action):
            outages.enter_context(happens(self._rig))
        elif not run.case.at_start:
            run.armed = self._rig.proxy.plan.arm(fault, run.namespace)

    def _replay(self, stale: Sequence[tuple[Run, bytes]]) -> None:
        """Let the operator start again, and list what was there before the stage."""
        for run, page in stale:
            run.armed = self._rig.proxy.plan.arm(run.case.fault, run.namespace, page)
        self._rig.kubelet.kill()
        with suppress(TimeoutError):  # is seen by that it never came
            wait_for(lambda: all(run.armed and run.armed.met for run, _ in stale), PATIENCE_SECONDS)

    def _page(self, case: Case) -> bytes:
        if case.fault.action != "stale":
            return b""
        return self._rig.call(self._rig.ledger.page(PATHS[case.fault.resource]))

    def _await(self, runs: Sequence[tuple[Run, Stage]]) -> None:
        """Until all are as a fault-free run was after this stage, and quiet."""
        patience = PATIENCE_SECONDS + max(LONGER.get(group, 0.0) for group in self._groups)
        deadline = time.monotonic() + patience
        time.sleep(QUIET_SECONDS)  # what was before may look like the end
        waiting = list(runs)
        while waiting and time.monotonic() < deadline:
            time.sleep(0.3)
            waiting = [(run, stage) for run, stage in waiting if not self._over(run, stage)]
        for run, stage in waiting:
            there = masked(self._rig.ledger.of(run.namespace), run.namespace)
            found = unlike(run.reference.after[stage.name], there)[:5] or ["as it should be, but still written"]
            run.problems.extend(f"{stage.name}: after {patience:g} s {line}" for line in found)

    def _over(self, run: Run, stage: Stage) -> bool:
        if self._rig.proxy.traffic.quiet_seconds(run.namespace) < QUIET_SECONDS:
            return False
        return masked(self._rig.ledger.of(run.namespace), run.namespace) == run.reference.after[stage.name]

    def _stay_quiet(self, seconds: float) -> None:
        traffic = self._rig.proxy.traffic
        before = {run.namespace: traffic.written(run.namespace) for run in self._runs}
        time.sleep(seconds)
        for run in self._runs:
            if more := traffic.written(run.namespace) - before[run.namespace]:
                run.problems.append(f"written in {seconds:g} s of quiet: {_listed(more)}")

    def _verdicts(self, log: int, mark: int, sent_on: Counter[Seen]) -> None:
        shared = []
        if found := tracebacks(self._rig.log()[log:]):
            shared.append(f"tracebacks in the log: {'; '.join(dict.fromkeys(found))}")
        if around := self._around(mark, sent_on):
            shared.append(f"requests around the proxy: {_listed(around)}")
        for run in self._runs:
            run.problems += [*shared, *self._counted(run)]
            run.objects.__exit__()

    def _around(self, mark: int, sent_on: Counter[Seen]) -> Counter[Seen]:
        """What the API server was asked as the operator and the proxy has not sent on."""
        asked: Counter[Seen] = Counter()
        for r in self._rig.cluster.audit_log.requests(mark, OPERATOR_USER):
            if r.received >= self._begun:  # or else the last batch's, which the API server has answered meanwhile
                asked[Seen(r.verb, "/".join(filter(None, (r.resource, r.subresource))), r.namespace, r.name)] += 1
        return asked - (self._rig.proxy.traffic.sent_on - sent_on)

    def _counted(self, run: Run) -> Iterator[str]:
        came, went = comings(self._rig, run.namespace)
        if not run.problems and (came, went) != (run.reference.came, run.reference.went):
            yield f"came {dict(came)}, went {dict(went)}"
        bound = 3 * run.reference.requests + 50
        if (asked := self._rig.proxy.traffic.asked[run.namespace]) > bound:
            yield f"{asked} requests, more than {bound}"


def _listed(counts: Counter[Seen]) -> str:
    return ", ".join(f"{n}× {' '.join(seen)}" for seen, n in counts.items())
