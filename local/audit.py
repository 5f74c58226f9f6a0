"""The API server's audit log, read as requests: who asked for what, and when it was answered.

It reads the file that a ControlPlane writes and nothing else.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
REVIEWS = "authorization.k8s.io"
READS = frozenset({"get", "list", "watch"})
CHUNK_BYTES = 1 << 16


class Request(NamedTuple):
    """One answered request; a watch counts as answered when it starts. Unnamed things are empty strings.

    message: why it was refused.
    """

    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    received: datetime
    answered: datetime
    group: str
    message: str

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Self:
        """Read an audit.k8s.io/v1 Event."""
        subject = event.get("objectRef", {})
        return cls(
            user=event["user"].get("username", ""),
            verb=event["verb"],
            resource=subject.get("resource", ""),
            subresource=subject.get("subresource", ""),
            namespace=subject.get("namespace", ""),
            name=subject.get("name", ""),
            code=event["responseStatus"]["code"],
            received=datetime.fromisoformat(event["requestReceivedTimestamp"]),
            answered=datetime.fromisoformat(event["stageTimestamp"]),
            group=subject.get("apiGroup", ""),
            message=event["responseStatus"].get("message", ""),
        )


class AuditLog:
    """Requests since a mark, in the order of their answers."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mark(self) -> int:
        """Return the end of the last complete line, for `since`; the last line may still be incomplete."""
        with self._path.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            while end:
                start = max(0, end - CHUNK_BYTES)
                log.seek(start)
                newline = log.read(end - start).rfind(b"\n")
                if newline >= 0:
                    return start + newline + 1
                end = start
        return 0

    def requests(self, since: int = 0, user: str | None = None, until: int | None = None) -> Iterator[Request]:
        """Yield what was answered between the marks; user: of this one only, e.g. local.cluster.OPERATOR_USER.

        Reviews, by which users ask about permissions, are left out: they store nothing.
        """
        end = self.mark() if until is None else until
        with self._path.open("rb") as log:
            log.seek(since)
            while log.tell() < end:
                line = log.readline()
                if not line.endswith(b"\n"):
                    return  # still being written
                event = json.loads(line)
                wanted_stage = "ResponseStarted" if event["verb"] == "watch" else "ResponseComplete"
                review = event.get("objectRef", {}).get("apiGroup") == REVIEWS
                if event["stage"] == wanted_stage and not review and user in (None, event["user"].get("username")):
                    yield Request.from_event(event)

    def count(self, since: int = 0, user: str | None = None) -> Counter[tuple[str, str, str, str, str]]:
        """Count requests by (user, verb, resource, subresource, namespace)."""
        return Counter(request[:5] for request in self.requests(since, user))
