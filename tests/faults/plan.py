"""Which fault meets which request: plain data, and the count of what has passed.

A fault is armed for one namespace at the beginning of a stage; requests and events are counted from then on. Nothing
here sends, kills or waits.
"""

import time
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

When = Literal["before", "after"]
"""Before the API server is asked, or after it has committed."""


class Seen(NamedTuple):
    """One request of the operator, named as the audit log names it; the resource with its subresource."""

    verb: str
    resource: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Fault:
    """The n-th request of this verb and resource is met with an action; an empty resource is any.

    seconds: from its first time on, how long it meets every such request; 0: only that one. action: see `proxy` for
    requests, `streams` for verb watch, and `world` for what happens to the cluster around a stage (verb empty).
    """

    action: str
    verb: str = ""
    resource: str = ""
    nth: int = 1
    when: When = "before"
    seconds: float = 0.0


@dataclass(slots=True)
class Armed:
    """A fault that waits in a namespace; `met` is the time.monotonic() when it came, None before."""

    fault: Fault
    namespace: str
    left: int
    met: float | None = None
    page: bytes = field(default=b"", repr=False)
    """The answer that a stale LIST repeats."""

    def meets(self, seen: Seen) -> bool:
        """Does it meet this request? Counts it."""
        wanted = self.fault.verb == seen.verb and self.fault.resource in ("", seen.resource)
        if not wanted or (seen.namespace and seen.namespace != self.namespace):
            return False
        now = time.monotonic()
        if self.met is not None:
            return now < self.met + self.fault.seconds
        self.left -= 1
        if self.left > 0:
            return False
        self.met = now
        return True


class Plan:
    """All faults that are armed."""

    def __init__(self) -> None:
        self._armed: list[Armed] = []

    def arm(self, fault: Fault, namespace: str, page: bytes = b"") -> Armed:
        """From now on `fault` waits for its request."""
        armed = Armed(fault, namespace, fault.nth, page=page)
        self._armed.append(armed)
        return armed

    def disarm(self) -> None:
        """Forget all faults; streams that they have spoiled stay so."""
        self._armed = []

    def for_request(self, seen: Seen) -> Armed | None:
        """The fault that meets this request, if any. A LIST may meet those of several namespaces, all at once."""
        met = [armed for armed in self._armed if armed.fault.verb != "watch" and armed.meets(seen)]
        return met[0] if met else None

    def for_event(self, resource: str, obj: dict[str, Any]) -> Armed | None:
        """The fault that meets this event of a watch, if any."""
        metadata = obj.get("metadata", {})
        seen = Seen("watch", resource, metadata.get("namespace") or metadata.get("name", ""), "")
        return next((armed for armed in self._armed if armed.meets(seen)), None)
