"""What the API server has of some kinds, kept up to date by watches and by our own writes."""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

import aiohttp

from local.nim_operator.client import ApiError, Client
from local.nim_operator.kinds import Kind

log = logging.getLogger(__name__)

Key = tuple[str, str]
Changed = Callable[[Kind, dict[str, Any] | None, dict[str, Any] | None], None]
"""Called with the object before (None: new) and after (None: gone)."""

WATCH_SECONDS = 300
LONGEST_PAUSE = 5.0
# Until a kind that isn't installed is looked for again.
ABSENT_PAUSE = 1.0


class Store:
    """Objects by kind, namespace and name. Whoever reads one must not change it."""

    def __init__(self) -> None:
        self._objects: defaultdict[Kind, dict[Key, dict[str, Any]]] = defaultdict(dict)
        self._listeners: list[Changed] = []
        # A late answer to one of our writes must not bring back what a watch has seen go.
        self._gone: deque[str] = deque(maxlen=4096)

    def listen(self, changed: Changed) -> None:
        """Have `changed` called after each change."""
        self._listeners.append(changed)

    def get(self, kind: Kind, key: Key) -> dict[str, Any] | None:
        """Return an object, None if there is none."""
        return self._objects[kind].get(key)

    def all(self, kind: Kind, namespace: str) -> list[dict[str, Any]]:
        """Return the objects of a kind in a namespace."""
        return [item for (where, _), item in self._objects[kind].items() if where == namespace]

    def take(self, kind: Kind, item: dict[str, Any]) -> None:
        """Take in an object, from a watch or as the answer to a write, unless a newer one is known."""
        before = self._objects[kind].get(key_of(item))
        if item["metadata"]["uid"] in self._gone or (before and _version(before) >= _version(item)):
            return
        item["metadata"].pop("managedFields", None)
        self._objects[kind][key_of(item)] = item
        self._tell(kind, before, item)

    async def follow(self, client: Client, kind: Kind, listed: asyncio.Event, selector: str = "") -> None:
        """Keep a kind up to date, for ever; lost connections are taken up again. Sets `listed` when it is complete.

        Of a kind that may be missing there is nothing until it is installed.
        """
        query = {"labelSelector": selector} if selector else {}
        pause = 0.1
        while True:
            try:
                version = await self._list(client, kind, query)
                listed.set()
                pause = 0.1
                while True:
                    version = await self._watch(client, kind, version, query)
            except (aiohttp.ClientError, OSError, TimeoutError, ApiError) as error:
                if kind.optional and isinstance(error, ApiError) and error.code == 404:
                    self._keep_only(kind, set())
                    listed.set()
                    await asyncio.sleep(ABSENT_PAUSE)
                    continue
                # 410: what the watch would go on from is too old. 429: the kind was made a moment ago.
                if not isinstance(error, ApiError) or error.code not in {410, 429}:
                    log.warning("lost the watch of %s, trying again: %s", kind.plural, error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _list(self, client: Client, kind: Kind, query: dict[str, str]) -> str:
        answer = await client.get(kind.path(), **query)
        present = set()
        for item in answer["items"]:
            present.add(key_of(item))
            self.take(kind, item)
        self._keep_only(kind, present)
        return str(answer["metadata"]["resourceVersion"])

    def _keep_only(self, kind: Kind, present: set[Key]) -> None:
        for key in self._objects[kind].keys() - present:
            self._removed(kind, self._objects[kind][key])

    async def _watch(self, client: Client, kind: Kind, version: str, query: dict[str, str]) -> str:
        """Take in the events of one watch and return the version that it came to."""
        events = client.watch(
            kind.path(), resourceVersion=version, allowWatchBookmarks="true", timeoutSeconds=str(WATCH_SECONDS), **query
        )
        async for event in events:
            item = event["object"]
            if event["type"] == "ERROR":
                raise ApiError(item.get("code", 0), item.get("reason", ""), item.get("message", ""))
            version = item["metadata"]["resourceVersion"]
            if event["type"] == "DELETED":
                self._removed(kind, item)
            elif event["type"] != "BOOKMARK":
                self.take(kind, item)
        return version

    def _removed(self, kind: Kind, item: dict[str, Any]) -> None:
        self._gone.append(item["metadata"]["uid"])
        before = self._objects[kind].pop(key_of(item), None)
        self._tell(kind, before or item, None)

    def _tell(self, kind: Kind, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
        for changed in self._listeners:
            changed(kind, before, after)


def key_of(item: dict[str, Any]) -> Key:
    """Namespace and name."""
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _version(item: dict[str, Any]) -> int:
    return int(item["metadata"]["resourceVersion"])
