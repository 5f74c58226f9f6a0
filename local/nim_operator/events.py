"""Events of NIMServices, each written once: the real one only counts up an event that it repeats."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import NamedTuple

from local.nim_operator import kinds
from local.nim_operator.children import Object, digest
from local.nim_operator.client import ApiError, Client

COMPONENT = "nimservice-controller"


class Event(NamedTuple):
    """`type` is Normal or Warning."""

    type: str
    reason: str
    message: str


class Events:
    """Writes events and remembers which it has written."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._written: defaultdict[str, set[Event]] = defaultdict(set)

    async def record(self, nim: Object, event: Event) -> None:
        """Write an event about a NIMService unless it has been written before."""
        metadata = nim["metadata"]
        if event in self._written[metadata["uid"]]:
            return
        self._written[metadata["uid"]].add(event)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        about = {
            "apiVersion": kinds.NIM_SERVICE.api_version,
            "kind": kinds.NIM_SERVICE.name,
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        }
        name = f"{metadata['name']}.{digest([metadata['uid'], *event])}"
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "involvedObject": about,
            **event._asdict(),
            "source": {"component": COMPONENT},
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
        }
        try:
            await self._client.create(kinds.EVENT, body)
        except ApiError as error:
            # It was written before a restart, or the namespace is going: neither is worth a retry.
            if error.code not in {403, 404, 409}:
                raise

    def forget(self, nim: Object) -> None:
        """Drop what is remembered of a NIMService that goes."""
        self._written.pop(nim["metadata"]["uid"], None)
