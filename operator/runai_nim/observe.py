"""Watches of the kinds beside our own: what was last seen of every object, and who is told when one changes.

It lists in pages, watches with bookmarks, tells of deletions that happened while no watch was open, and waits for
kinds that are not installed. It may not decide or write anything. (Kopf watches our own kind; for other kinds it costs
six times the CPU and three times the memory of this.)
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from runai_nim.cluster import ApiError, Cluster, Resource

logger = logging.getLogger(__name__)

ObjectKey = tuple[str, str]
"""Namespace (empty for objects of the cluster) and name."""

ABSENT_KIND_SECONDS = 5.0
"""How often a kind that is not installed is asked for."""
RECONNECT_SECONDS = (0.1, 30.0)
"""The first and the longest wait before a broken watch is opened anew."""


class HasVersion(Protocol):
    """What is kept of an object: at least the version it was seen at."""

    @property
    def resource_version(self) -> str:
        """The object's metadata.resourceVersion."""


def newer(version: str, than: str) -> bool:
    """Is resourceVersion `version` newer than `than`?

    That versions of one resource are ordered whole numbers is promised from Kubernetes 1.35 on, and was so before.
    """
    return int(version) > int(than)


class Watch:
    """One kind: its objects as last seen, each as the projection that decisions need.

    `objects` maps (namespace, name) to what `project` made of the object. `changed(key, old, new)` is called after
    every change, None standing for absence; `came_or_went()` after the kind was installed or uninstalled. At the latest
    after `resync_seconds` everything is listed anew, in case the watch lost something. `namespace`: of this one only;
    the watches of several then share their `objects`.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource,
        project: Callable[[Mapping[str, Any]], HasVersion],
        changed: Callable[[ObjectKey, Any, Any], None],
        came_or_went: Callable[[], None],
        selector: str = "",
        resync_seconds: float = 600.0,
        namespace: str = "",
        objects: dict[ObjectKey, Any] | None = None,
    ) -> None:
        self.resource, self.namespace = resource, namespace
        self.objects = {} if objects is None else objects
        self.synced = asyncio.Event()
        self.installed = True
        self._cluster, self._project, self._selector = cluster, project, selector
        self._changed, self._came_or_went = changed, came_or_went
        self._resync_seconds = resync_seconds
        self._version = "0"
        self._last_message = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the API server last said anything about this kind."""
        return time.monotonic() - self._last_message

    def record(self, obj: Mapping[str, Any]) -> None:
        """Take up an object as our own write returned it, before the watch brings it.

        Where the watch is past that version already it knows better: the object may even be gone again.
        """
        if newer(obj["metadata"]["resourceVersion"], self._version):
            self._put(obj)

    async def run(self) -> None:
        """List and watch until cancelled; every failure is healed by listing anew, ever less often while it lasts."""
        wait, longest = RECONNECT_SECONDS
        while True:
            try:
                version = await self._list()
                wait, _ = RECONNECT_SECONDS
                await self._follow_until_resync(version)
            except ApiError as error:
                if error.status == 404:
                    self._absent()
                    await asyncio.sleep(ABSENT_KIND_SECONDS)
                    continue
                if error.status == 403:
                    self._heard()  # a restart would not help
                if error.status != 410:
                    logger.warning(
                        "watch broken, listing anew", extra={"kind": self.resource.plural, "error": str(error)}
                    )
                await asyncio.sleep(max(error.retry_after, wait * random.uniform(0.5, 1.0)))  # noqa: S311  # jitter
                wait = min(wait * 2, longest)

    async def _list(self) -> str:
        seen: set[ObjectKey] = set()
        version = "0"
        async for page in self._cluster.pages(self.resource, self._selector, self.namespace):
            self._heard()
            version = page["metadata"]["resourceVersion"]
            for obj in page["items"]:
                seen.add(self._put(obj))
        for key in self._known() - seen:
            # What we wrote after the LIST was taken is not in it, and not gone.
            if not newer(self.objects[key].resource_version, version):
                self._drop(key)
        self._version = version
        self._is_installed(True)
        return version

    async def _follow_until_resync(self, version: str) -> None:
        # The kinds take turns: listed all at once, thousands of objects would hold up everything else.
        seconds = self._resync_seconds * random.uniform(0.75, 1.0)  # noqa: S311  # jitter
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    version = await self._follow(version)

    async def _follow(self, version: str) -> str:
        async for event in self._cluster.watch(self.resource, version, self._selector, self.namespace):
            self._heard()
            obj = event["object"]
            if event["type"] == "ERROR":
                raise ApiError(obj.get("code", 0), obj.get("reason", ""), obj.get("message", ""))
            version = self._version = obj["metadata"]["resourceVersion"]
            if event["type"] == "DELETED":
                self._drop(_key(obj))
            elif event["type"] != "BOOKMARK":
                self._put(obj)
        return version

    def _absent(self) -> None:
        self._heard()
        for key in self._known():
            self._drop(key)
        self._is_installed(False)

    def _known(self) -> set[ObjectKey]:
        return {key for key in self.objects if self.namespace in ("", key[0])}

    def _is_installed(self, installed: bool) -> None:
        changed, self.installed = installed != self.installed, installed
        self.synced.set()
        if changed:
            logger.warning("kind is %sinstalled", "" if installed else "not ", extra={"kind": self.resource.plural})
            self._came_or_went()

    def _heard(self) -> None:
        self._last_message = time.monotonic()

    def _put(self, obj: Mapping[str, Any]) -> ObjectKey:
        key, old = _key(obj), self.objects.get(_key(obj))
        if old is None or newer(obj["metadata"]["resourceVersion"], old.resource_version):
            self.objects[key] = new = self._project(obj)
            self._changed(key, old, new)
        return key

    def _drop(self, key: ObjectKey) -> None:
        if old := self.objects.pop(key, None):
            self._changed(key, old, None)


def _key(obj: Mapping[str, Any]) -> ObjectKey:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
