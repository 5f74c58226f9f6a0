"""Cache of the objects of some kinds, updated by watches and by own writes."""

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
OnChange = Callable[[Kind, dict[str, Any] | None, dict[str, Any] | None], None]
"""Callback with the previous object (None: created) and the new one (None: deleted)."""

WATCH_SECONDS = 300
LONGEST_PAUSE = 5.0
# Interval in which a kind that is not installed is listed again.
ABSENT_PAUSE = 1.0


class Store:
    """Objects by kind, namespace and name. Callers must not modify them."""

    def __init__(self) -> None:
        self._objects: defaultdict[Kind, dict[Key, dict[str, Any]]] = defaultdict(dict)
        self._listeners: list[OnChange] = []
        # UIDs: the late response to an own write must not restore an object whose deletion the watch has reported.
        self._deleted: deque[str] = deque(maxlen=4096)

    def listen(self, on_change: OnChange) -> None:
        """Call `on_change` after each change."""
        self._listeners.append(on_change)

    def get(self, kind: Kind, key: Key) -> dict[str, Any] | None:
        """The object; None if it doesn't exist."""
        return self._objects[kind].get(key)

    def all(self, kind: Kind, namespace: str) -> list[dict[str, Any]]:
        """The objects of a kind in a namespace."""
        return [item for (where, _), item in self._objects[kind].items() if where == namespace]

    def take(self, kind: Kind, item: dict[str, Any]) -> None:
        """Store an object from a watch or from the response to a write, unless a newer version is known."""
        before = self._objects[kind].get(key_of(item))
        if item["metadata"]["uid"] in self._deleted or (before and _version(before) >= _version(item)):
            return
        item["metadata"].pop("managedFields", None)
        self._objects[kind][key_of(item)] = item
        self._notify(kind, before, item)

    async def follow(self, client: Client, kind: Kind, listed: asyncio.Event, selector: str = "") -> None:
        """List and watch a kind until cancelled, and reconnect after errors. Sets `listed` after the first LIST.

        An optional kind has no objects until it is installed.
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
                # 410: the resourceVersion is too old. 429: the kind has just been installed.
                if not isinstance(error, ApiError) or error.code not in {410, 429}:
                    log.warning("watch of %s failed, retrying: %s", kind.plural, error)
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
            self._remove(kind, self._objects[kind][key])

    async def _watch(self, client: Client, kind: Kind, version: str, query: dict[str, str]) -> str:
        """Store the events of one watch and return the last resourceVersion."""
        events = client.watch(
            kind.path(), resourceVersion=version, allowWatchBookmarks="true", timeoutSeconds=str(WATCH_SECONDS), **query
        )
        async for event in events:
            item = event["object"]
            if event["type"] == "ERROR":
                raise ApiError(item.get("code", 0), item.get("reason", ""), item.get("message", ""))
            version = item["metadata"]["resourceVersion"]
            if event["type"] == "DELETED":
                self._remove(kind, item)
            elif event["type"] != "BOOKMARK":
                self.take(kind, item)
        return version

    def _remove(self, kind: Kind, item: dict[str, Any]) -> None:
        self._deleted.append(item["metadata"]["uid"])
        before = self._objects[kind].pop(key_of(item), None)
        self._notify(kind, before or item, None)

    def _notify(self, kind: Kind, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
        for on_change in self._listeners:
            on_change(kind, before, after)


def key_of(item: dict[str, Any]) -> Key:
    """The object's namespace and name."""
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _version(item: dict[str, Any]) -> int:
    return int(item["metadata"]["resourceVersion"])
