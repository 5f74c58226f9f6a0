"""What a fault-free run comes to: the state after each stage, how often objects came and went, how many requests."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from local.objects import Object, Objects, wait_for
from tests.faults.life import LIVES, Stage
from tests.faults.oracle import masked, unlike
from tests.faults.rig import Rig

QUIET_SECONDS = 5.0
"""A stage is over when the operator has written nothing for so long."""
SECONDS = 60.0
"""The garbage collector takes up to half a minute to learn of a kind whose CRD is new."""


@dataclass(slots=True)
class Reference:
    """Of one life. Objects by resource and name."""

    after: dict[str, dict[str, Object]] = field(default_factory=dict)
    came: Counter[str] = field(default_factory=Counter)
    went: Counter[str] = field(default_factory=Counter)
    requests: int = 0


def references(rig: Rig, lives: Iterable[str]) -> Mapping[str, Reference]:
    """Live each life without a fault, twice; RuntimeError where the two runs differ."""
    first, *others = (life for life in LIVES if life in set(lives))
    with ThreadPoolExecutor(2 * len(LIVES)) as threads:

        def lived(*names: str) -> dict[str, Reference]:
            runs = [(life, namespace(rig, f"{life}-{run}")) for life in names for run in ("a", "other")]
            found = list(threads.map(lambda run: _live(rig, *run), runs))
            return {life: _agreed(life, *found[2 * at : 2 * at + 2]) for at, life in enumerate(names)}

        # Alone: the garbage collector learns of the kinds meanwhile, whose CRDs may be new.
        return lived(first) | lived(*others)


def _agreed(life: str, one: Reference, other: Reference) -> Reference:
    if differing := unlike(one.after, other.after):
        raise RuntimeError(f"two runs of {life} without a fault differ: {differing}")
    return one


def namespace(rig: Rig, name: str) -> Objects:
    """A new namespace for a run."""
    full = f"faults-{name}"
    rig.cluster.kubectl("create", "namespace", full)
    return Objects(Path(rig.cluster.control_plane.kubeconfig), full)


def comings(rig: Rig, name: str) -> tuple[Counter[str], Counter[str]]:
    """How often each object of a namespace came, and went."""
    came, went = (
        Counter({f"{resource} {obj}": n for (resource, ns, obj), n in tuple(counts.items()) if ns == name and n})
        for counts in (rig.ledger.came, rig.ledger.went)
    )
    return came, went


def _live(rig: Rig, life: str, objects: Objects) -> Reference:
    reference = Reference()
    name = objects.namespace
    traffic = rig.proxy.traffic
    with objects:
        for stage in LIVES[life]:
            stage.do(objects)
            time.sleep(QUIET_SECONDS)  # what was before may look like the end
            _await_end(rig, stage, name)
            reference.after[stage.name] = masked(rig.ledger.of(name), name)
    reference.came, reference.went = comings(rig, name)
    reference.requests = traffic.asked[name]
    return reference


def _await_end(rig: Rig, stage: Stage, name: str) -> None:
    def over() -> bool:
        still = min(rig.ledger.quiet_seconds(name), rig.proxy.traffic.quiet_seconds(name))
        return still > QUIET_SECONDS and stage.over(rig.ledger.of(name))

    try:
        wait_for(over, SECONDS)
    except TimeoutError as error:
        there = masked(rig.ledger.of(name), name)
        raise TimeoutError(f"{stage.name} is not over without a fault after {SECONDS:g} s: {there}") from error
