"""The operator's requests as they come by: how many, and since when a namespace has been left alone. It only counts."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from local.audit import WRITES
from tests.faults.plan import Seen


class Traffic:
    """All requests of the operator. Events are counted with neither: they tell of things and change none."""

    def __init__(self) -> None:
        self.sent_on: Counter[Seen] = Counter()
        """What reached the API server."""
        self.asked: Counter[str] = Counter()
        """Requests by namespace, answered or not; of all namespaces or none: by the empty name."""
        self.writes: Counter[Seen] = Counter()
        """Writes, answered or not."""
        self._open: Counter[str] = Counter()
        self._last: dict[str, float] = {}

    @contextmanager
    def of(self, seen: Seen) -> Iterator[None]:
        """Around the answer to one request."""
        if seen.resource == "events":
            yield
            return
        self.asked[seen.namespace] += 1
        if seen.verb not in WRITES:
            yield
            return
        self.writes[seen] += 1
        self._open[seen.namespace] += 1
        try:
            yield
        finally:
            self._open[seen.namespace] -= 1
            self._last[seen.namespace] = time.monotonic()

    def quiet_seconds(self, namespace: str) -> float:
        """How long nothing was written, or tried to be, in this namespace."""
        return 0.0 if self._open[namespace] else time.monotonic() - self._last.get(namespace, 0.0)

    def written(self, namespace: str) -> Counter[Seen]:
        """The writes in this namespace so far."""
        return Counter({seen: count for seen, count in self.writes.items() if seen.namespace == namespace})
