"""The cases, generated: which fault meets which request, watch or stage. A name says all of it:
`kill-after-commit:patch:nimservices:create`, and `:2` behind it for the second such request of the stage.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from tests.faults.plan import Fault, When

_WHENS: Final[tuple[When, ...]] = ("before", "after")
POINTS = (
    ("life", "create", "patch", "persistentvolumeclaims", 1),
    ("life", "create", "patch", "nimservices", 1),
    ("life", "create", "patch", "ingresses", 1),
    ("life", "create", "patch", "runainimservices/status", 1),
    ("life", "create", "patch", "runainimservices/status", 2),
    ("life", "update", "patch", "nimservices", 1),
    ("life", "update", "delete", "ingresses", 1),
    ("life", "update", "patch", "runainimservices/status", 1),
    ("life", "update", "patch", "runainimservices/status", 2),
    ("life", "stop", "patch", "nimservices", 1),
    ("life", "stop", "patch", "runainimservices/status", 1),
    ("life", "stop", "patch", "runainimservices/status", 2),
    ("life", "delete", "patch", "runainimservices/status", 1),
    ("bound", "bound", "patch", "controllerrevisions", 1),
    ("bound", "bound", "patch", "runainimpolicies/status", 1),
    ("bound", "rebound", "patch", "controllerrevisions", 1),
    ("bound", "rebound", "patch", "nimservices", 1),
    ("bound", "rebound", "delete", "controllerrevisions", 1),
    ("bound", "rebound", "patch", "runainimpolicies/status", 1),
)
"""Every write: life, stage, verb, resource, n-th."""
AMBIGUOUS = ("reset", "close", "500", "504")
REFUSALS = ("409", "429", "500", "503", "reset", "close")
OUTAGES = ("409", "429", "500", "503", "reset", "slow")
OUTAGE_SECONDS = 12.0
WATCHED = (
    ("life", "create", "runainimservices"),
    ("life", "update", "runainimservices"),
    ("life", "create", "nimservices"),
    ("life", "update", "deployments"),
    ("life", "create", "pods"),
    ("life", "create", "persistentvolumeclaims"),
    ("life", "update", "ingresses"),
    ("bound", "bound", "runainimpolicies"),
    ("bound", "rebound", "runainimpolicies"),
    ("bound", "rebound", "controllerrevisions"),
)
ENDINGS = ("reset", "close", "truncated", "error-410", "error-500")
"""Of a watch; see `streams`."""
LOSSES = (
    ("life", "update", "runainimservices"),
    ("life", "update", "deployments"),
    ("life", "stop", "nimservices"),
    ("life", "create", "services"),
    ("taken", "taken", "runainimservices"),
    ("bound", "rebound", "runainimpolicies"),
)
"""Watches that go silent or lose what they should tell."""
COALESCED = (
    ("flip", "flip", "runainimservices"),
    ("recreate", "recreate", "runainimservices"),
    ("recreate", "recreate", "nimservices"),
    ("lost", "lost", "nimservices"),
    ("life", "update", "deployments"),
)
STALE = (
    ("life", "create", "nimservices"),
    ("life", "create", "persistentvolumeclaims"),
    ("life", "create", "ingresses"),
    ("life", "update", "runainimservices"),
    ("life", "update", "ingresses"),
    ("life", "stop", "deployments"),
    ("life", "gone", "runainimservices"),
    ("recreate", "recreate", "runainimservices"),
    ("lost", "lost", "nimservices"),
    ("removed", "removed", "runainimservices"),
    ("bound", "bound", "runainimpolicies"),
    ("bound", "rebound", "runainimpolicies"),
)
"""A LIST from before the stage, answered to the operator that starts after it."""
READS = (
    *(("life", "stop", action, "list", "horizontalpodautoscalers") for action in ("403", "404", "500", "slow")),
    *(("bound", "bound", action, "list", "runainimpolicies") for action in ("403", "500", "reset", "slow")),
    *(("stuck", "stuck", action, "list", "events") for action in ("403", "500", "reset", "slow")),
    *(("life", "create", action, "get", "priorityclasses") for action in ("403", "500", "reset", "slow")),
)
"""Reads that fail: LISTs that the operator begins with, one of which it does without, the events of a stuck pod, and
whether the PriorityClass of a priority exists."""
OF_THE_CLUSTER = (
    *(
        (f"{program}-killed", stage)
        for program in ("api-server", "etcd")
        for stage in ("create", "update", "stop", "gone")
    ),
    ("api-server-stopped", "update"),  # once: it waits a minute for its watches
    *(("compaction", stage) for stage in ("update", "stop", "gone")),
    *(("away", stage) for stage in ("update", "gone")),
    *((f"clock-{way}", stage) for way in ("forward", "back") for stage in ("create", "update", "stop")),
    *(("token-revoked", stage) for stage in ("create", "update")),
    ("forbidden-create-nimservices", "create"),
    ("forbidden-create-persistentvolumeclaims", "create"),
    ("forbidden-patch-nimservices", "update"),
    ("forbidden-delete-ingresses", "update"),
    ("forbidden-patch-runainimservices/status", "stop"),
    ("forbidden-watch-deployments", "create"),
    ("forbidden-watch-runainimservices", "update"),
)
"""See `outages`."""
BATCH = 20


@dataclass(frozen=True, slots=True)
class Case:
    """A fault in a stage of a life. `group` goes together: cases of one group may share an operator."""

    group: str
    life: str
    stage: str
    fault: Fault

    @property
    def alone(self) -> bool:
        """Does it happen to everybody in that stage?"""
        return not self.fault.verb

    @property
    def at_start(self) -> bool:
        """Does it meet the operator that starts after the stage? Events are listed only while something is stuck."""
        return self.fault.verb == "list" and self.fault.resource != "events"

    @property
    def name(self) -> str:
        """What it is, for people and for choosing it."""
        fault = self.fault
        at_a_write = fault.verb not in ("", "watch", "list") and not fault.seconds
        how = f"{fault.action}-{fault.when}-commit" if at_a_write and fault.action in ("kill", *AMBIGUOUS) else ""
        lasting = f"{fault.action}-for-{fault.seconds:g}-s" if fault.seconds else ""
        parts = (how or lasting or fault.action, fault.verb, fault.resource, self.stage)
        return ":".join(part for part in parts if part) + (f":{fault.nth}" if fault.nth > 1 else "")


def _at_points(group: str, action: str, when: When = "before") -> Iterator[Case]:
    for life, stage, verb, resource, nth in POINTS:
        yield Case(group, life, stage, Fault(action, verb=verb, resource=resource, nth=nth, when=when))


def _writes() -> Iterator[Case]:
    for when in _WHENS:
        yield from _at_points("kill", "kill", when)
    for action in AMBIGUOUS:
        yield from _at_points("ambiguous", action, "after")
    for action in (*REFUSALS, "slow"):
        yield from _at_points("refusal", action)
    for action in OUTAGES:
        yield Case("outage", "life", "update", Fault(action, "patch", seconds=OUTAGE_SECONDS))


def _watches() -> Iterator[Case]:
    for action, (life, stage, resource) in product(ENDINGS, WATCHED):  # few of one watch side by side
        yield Case("watch", life, stage, Fault(action, "watch", resource))
    for life, stage, resource in COALESCED:
        yield Case("watch", life, stage, Fault("coalesced", "watch", resource))
    for action, (life, stage, resource) in product(("dropped", "silent"), LOSSES):
        yield Case(action, life, stage, Fault(action, "watch", resource))  # a group each: silence is noticed, too


def _others() -> Iterator[Case]:
    for life, stage, resource in STALE:
        yield Case("stale", life, stage, Fault("stale", "list", resource))
    for life, stage, action, verb, resource in READS:
        # A group each where one request is for all namespaces: it meets only one of the faults that wait for it.
        group = "read" if resource == "events" else f"{verb}-{action}"
        yield Case(group, life, stage, Fault(action, verb, resource))
    for action, stage in OF_THE_CLUSTER:
        yield Case(_group_of(action), "life", stage, Fault(action))


def _group_of(action: str) -> str:
    return action.partition("-")[0] if action.startswith(("clock", "away", "forbidden", "token")) else "cluster"


CASES = (*_writes(), *_watches(), *_others())


def batches(cases: Sequence[Case]) -> Iterator[tuple[Case, ...]]:
    """The cases of one group, at most BATCH at a time; of what happens to the whole cluster one a stage."""
    for group in dict.fromkeys(case.group for case in cases):
        left = [case for case in cases if case.group == group]
        while left:
            chosen = tuple(({case.stage: case for case in reversed(left)}.values()) if left[0].alone else left[:BATCH])
            yield chosen
            left = [case for case in left if case not in chosen]
