"""`python -m tests.faults [words]`: the fault campaign, or the cases whose names have all the words.

It prints a line for each case and a table of the groups, and writes build/faults.json: `cases`, `passed`, `failed`,
then each failure under its case's name. A hostile tenant, and the attacks of a hostile client on the REST API, come
last, by themselves.
"""

import itertools
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from local.cluster import CHECKOUT, LocalCluster
from tests.faults import tenant
from tests.faults.batch import NEVER_CAME, Batch, Run
from tests.faults.cases import CASES, Case, batches
from tests.faults.hostile import ATTACKS
from tests.faults.life import OPERATOR_ENVIRONMENT
from tests.faults.load_under_attack import Besieged
from tests.faults.reference import Reference, references
from tests.faults.rig import Rig

QUIET_SECONDS_A_CASE = 3.0
"""A batch of 20 is left alone for a minute."""
ATTACK_SECONDS = 20.0
HOSTILE = "hostile"
"""Group of the attacks."""
TENANT = "tenant"
"""Group of the hostile tenant's objects."""


class Verdict(NamedTuple):
    """What became of a case."""

    group: str
    name: str
    problems: Sequence[str]


def campaign(rig: Rig, cases: Sequence[Case]) -> Iterator[Run]:
    """Run the cases, batch by batch."""
    rig.start_operator(OPERATOR_ENVIRONMENT)
    known = references(rig, {case.life for case in cases})
    rig.kubelet.stop()
    waiting = list(batches(cases))
    again: list[Case] = []
    for number in itertools.count():
        if not waiting:
            waiting = list(batches(again))
            again = []
        if not waiting:
            return
        runs = _timed(rig, known, waiting.pop(0), number)
        # Beside other faults an operator may have had no reason for the n-th write: then it gets one with fewer beside.
        missed = [run for run in runs if run.problems == [NEVER_CAME]]
        again += [run.case for run in missed if len(missed) < len(runs)]
        yield from (run for run in runs if run.case not in again)


def _timed(rig: Rig, known: Mapping[str, Reference], batch: Sequence[Case], number: int) -> list[Run]:
    began = time.monotonic()
    runs = Batch(rig, known, batch, number).run(QUIET_SECONDS_A_CASE * len(batch))
    for run in runs:
        word = "missed" if run.problems == [NEVER_CAME] else "failed" if run.problems else "passed"
        print(f"{word}  {run.case.name}", *run.problems, sep="\n        ", flush=True)
    print(f"-- {len(runs)} cases of {batch[0].group} in {time.monotonic() - began:.0f} s", flush=True)
    return runs


def sieges(cluster: LocalCluster, attacks: Sequence[str]) -> Iterator[Verdict]:
    """Run the attacks, one after the other."""
    with Besieged(cluster).running() as besieged:
        for attack in attacks:
            siege = besieged.under(attack, ATTACK_SECONDS)
            yield _told(HOSTILE, attack, siege.figures, siege.problems)


def tenants(cluster: LocalCluster, kinds: Sequence[str]) -> Iterator[Verdict]:
    """Let a tenant make many of each kind, one kind after the other."""
    for kind in kinds:
        tried = tenant.tried(cluster, kind)
        yield _told(TENANT, kind, tried.figures, tried.problems)
    cluster.operator.stop()


def _told(group: str, name: str, figures: str, problems: Sequence[str]) -> Verdict:
    word = "failed" if problems else "passed"
    print(f"{word}  {group}:{name}: {figures}", *problems, sep="\n        ", flush=True)
    return Verdict(group, f"{group}:{name}", problems)


def report(runs: Sequence[Verdict]) -> bool:
    """Print the table, write build/faults.json; whether all passed."""
    failures = {run.name: "; ".join(run.problems) for run in runs if run.problems}
    print(f"\n{'group':<12}{'cases':>6}{'passed':>8}{'failed':>8}")
    for group in dict.fromkeys(run.group for run in runs):
        bad = [bool(run.problems) for run in runs if run.group == group]
        print(f"{group:<12}{len(bad):>6}{len(bad) - sum(bad):>8}{sum(bad):>8}")
    print(f"{'all':<12}{len(runs):>6}{len(runs) - len(failures):>8}{len(failures):>8}")
    figures = {"cases": len(runs), "passed": len(runs) - len(failures), "failed": len(failures), **failures}
    target = CHECKOUT / "build" / "faults.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return not failures


def main(words: Sequence[str]) -> int:
    """Run on a cluster of its own; 1 when a case failed."""
    cases = [case for case in CASES if all(word in f"{case.group} {case.name}" for word in words)]
    attacks = [attack for attack in ATTACKS if all(word in f"{HOSTILE} {attack}" for word in words)]
    kinds = [kind for kind in tenant.KINDS if all(word in f"{TENANT} {kind}" for word in words)]
    verdicts: list[Verdict] = []
    cluster = LocalCluster(CHECKOUT / ".local" / "faults")
    with cluster.control_plane.processes.tied_to_this_process():
        cluster.start(operator=False)
        rig = Rig(cluster)
        if cases:
            with rig.running():
                verdicts += (Verdict(run.case.group, run.case.name, run.problems) for run in campaign(rig, cases))
        cluster.stand_in.stop()  # it takes CPU from both sides
        verdicts += tenants(cluster, kinds)
        if attacks:
            verdicts += sieges(cluster, attacks)
    return 0 if report(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
