"""Writes Events of NIMServices, each once: the real one only increments the count of a repeated Event."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import NamedTuple

from local.nim_operator import kinds
from local.nim_operator.children import Object, digest
from local.nim_operator.client import ApiError, Client

COMPONENT = "nimservice-controller"


class Event(NamedTuple):
    """An Event; `type` is Normal or Warning."""

    type: str
    reason: str
    message: str


class Events:
    """Writes Events and remembers them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._written: defaultdict[str, set[Event]] = defaultdict(set)

    async def record(self, nim: Object, event: Event) -> None:
        """Write an Event of a NIMService unless it has been written before."""
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
            # Written before a restart, or the namespace is being deleted: a retry would not help.
            if error.code not in {403, 404, 409}:
                raise

    def forget(self, nim: Object) -> None:
        """Forget the Events of a deleted NIMService."""
        self._written.pop(nim["metadata"]["uid"], None)
