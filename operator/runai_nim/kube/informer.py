"""Informer: lists and watches one kind, keeps a projection of each object, and reports changes.

It lists in pages, watches with bookmarks, reports deletions that happened while no watch was open, resyncs, and waits
for CRDs that are not installed. Kopf watches RunaiNimService; for other kinds it would need six times the CPU and three
times the memory. docs/design/decisions/0005-own-informer.md compares libraries.
"""

import asyncio
import contextlib
import math
import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim.api.resources import ObjectKey, Resource, object_key
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.bounded_reader import PageSize
from runai_nim.kube.client import KubeClient
from runai_nim.kube.resource_version import Version, VersionedObject, is_newer

logger: FilteringBoundLogger = structlog.get_logger(__name__)


ABSENT_KIND_RETRY_SECONDS = 5.0
"""Retry interval for a kind that is not installed."""
FORBIDDEN_KIND_RETRY_SECONDS = 60.0
"""Retry interval for an optional kind that may not be listed or watched."""
REFUSAL_GRACE_SECONDS = 5.0
"""How long a kind that was readable must be refused to count as forbidden: a starting API server refuses everything."""
RECONNECT_BACKOFF_SECONDS = (0.1, 30.0)
"""Initial and maximum backoff before a broken watch is restarted. A watch that lasted for the maximum resets it."""
OnFailure = Callable[[str, str], object]
"""Callback for each broken watch: the kind's plural, and the reason as a word."""


class Informer:
    """Caches one kind: each object as the projection that decisions need.

    `objects` maps (namespace, name) to the result of `project`. `on_change(key, old, new)` is called after every
    change; None means absent. `on_kind_change()` is called after the CRD was installed or removed. After at most
    `resync_seconds` it lists again, in case the watch lost an event. `namespace` restricts it to one; informers of
    several namespaces share `objects`. `on_failure` is called for each broken watch. With `metadata_only` the API
    server sends only `metadata`. An `optional` kind may be forbidden: then nothing is known of it.
    """

    def __init__(
        self,
        cluster: KubeClient,
        resource: Resource,
        *,
        project: Callable[[Mapping[str, Any]], VersionedObject],
        on_change: Callable[[ObjectKey, Any, Any], None],
        on_kind_change: Callable[[], None],
        selector: str = "",
        resync_seconds: float = 600.0,
        namespace: str = "",
        objects: dict[ObjectKey, Any] | None = None,
        on_failure: OnFailure = lambda kind, reason: None,
        metadata_only: bool = False,
        optional: bool = False,
    ) -> None:
        self.resource = resource
        self.namespace = namespace
        self.objects = {} if objects is None else objects
        self.synced = asyncio.Event()
        self.is_installed = True
        self._cluster = cluster
        self._project = project
        self._selector = selector
        self._on_change = on_change
        self._on_kind_change = on_kind_change
        self._resync_seconds = resync_seconds
        self._on_failure = on_failure
        self._metadata_only = metadata_only
        self._optional = optional
        self._is_forbidden = False
        self._refused_since = math.inf
        self._size = PageSize()
        self._version = "0"
        self._last_activity = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the API server last sent anything about this kind."""
        return time.monotonic() - self._last_activity

    @property
    def is_forbidden(self) -> bool:
        """Whether an optional kind may not be listed or watched."""
        return self._is_forbidden

    def store_own_write(self, obj: Mapping[str, Any]) -> None:
        """Store an object as the operator's own write returned it, before the watch event arrives.

        If the watch is already past that version, the write is ignored: the object may have been deleted since.
        """
        if is_newer(obj["metadata"]["resourceVersion"], self._version):
            self._store(obj)

    async def run(self) -> None:
        """List and watch until cancelled; after a failure list again, with backoff."""
        wait, longest = RECONNECT_BACKOFF_SECONDS
        while True:
            listed = math.inf
            try:
                version = await self._list()
                listed = time.monotonic()
                await self._watch_until_resync(version)
                continue
            except ApiError as error:
                if error.status == 404:
                    self._handle_absent_kind()
                    await asyncio.sleep(ABSENT_KIND_RETRY_SECONDS)
                    continue
                if error.status == 403 and self._optional and self._is_refused_for_good():
                    self._handle_forbidden_kind(is_listed=listed != math.inf)
                    await asyncio.sleep(FORBIDDEN_KIND_RETRY_SECONDS)
                    continue
                if error.status == 403:
                    self._record_activity()  # a restart would not help
                asked = error.retry_after
                self._tell_of(error, error.reason or ("NoAnswer" if error.status == 0 else str(error.status)))
            except Exception as error:  # no object in a cluster may end the process
                asked = 0.0
                self._tell_of(error, type(error).__name__)
            if time.monotonic() - listed > longest:
                wait, _ = RECONNECT_BACKOFF_SECONDS
            await asyncio.sleep(max(asked, wait * random.uniform(0.5, 1.0)))  # noqa: S311  # jitter
            wait = min(wait * 2, longest)

    def _tell_of(self, error: Exception, reason: str) -> None:
        self._on_failure(self.resource.plural, reason)
        if getattr(error, "status", 0) == 410:  # usual after a long interruption
            return
        unexpected = None if isinstance(error, ApiError) else error
        logger.warning(
            "watch restarted", kind=self.resource.plural, reason=reason, error=str(error), exc_info=unexpected
        )

    async def _list(self) -> str:
        listed_keys: set[ObjectKey] = set()
        version = "0"
        pages = self._cluster.pages(
            self.resource, self._selector, self.namespace, metadata_only=self._metadata_only, size=self._size
        )
        async for page in pages:
            self._record_activity()
            version = page["metadata"]["resourceVersion"]
            # Release the page before the next one is read.
            listed_keys.update(map(self._store, page.pop("items")))
        for key in self._known_keys() - listed_keys:
            # An object that the operator wrote after the LIST is missing in it, but not deleted.
            if not is_newer(self.objects[key].resource_version, version):
                self._remove(key)
        self._version = version
        self._set_installed(True)
        return version

    async def _watch_until_resync(self, version: str) -> None:
        # Jitter spreads the kinds: listing all at once, thousands of objects would delay everything else.
        seconds = self._resync_seconds * random.uniform(0.75, 1.0)  # noqa: S311  # jitter
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    version = await self._watch_once(version)

    async def _watch_once(self, version: str) -> str:
        self._version = version
        events = await self._cluster.watch(
            self.resource,
            version,
            selector=self._selector,
            namespace=self.namespace,
            metadata_only=self._metadata_only,
        )
        self._record_activity()
        self._is_forbidden = False
        self._refused_since = math.inf
        async for event in events:
            self._take(event["type"], event["object"])
            del event  # it may be large, and the next one may arrive in minutes
        return self._version

    def _take(self, what: str, obj: Mapping[str, Any]) -> None:
        self._record_activity()
        if what == "ERROR":
            raise ApiError(obj.get("code", 0), obj.get("reason", ""), obj.get("message", ""))
        self._version = obj["metadata"]["resourceVersion"]
        if what == "DELETED":
            self._remove(object_key(obj))
        elif what != "BOOKMARK":
            self._store(obj)

    def _handle_absent_kind(self) -> None:
        self._record_activity()
        for key in self._known_keys():
            self._remove(key)
        self._set_installed(False)

    def _is_refused_for_good(self) -> bool:
        """Whether an optional kind was never readable, or is refused for so long that no start of the API server is."""
        if self._is_forbidden or not self.synced.is_set():
            return True
        self._refused_since = min(self._refused_since, time.monotonic())
        return time.monotonic() - self._refused_since >= REFUSAL_GRACE_SECONDS

    def _handle_forbidden_kind(self, *, is_listed: bool) -> None:
        """Do without an optional kind; what may be listed and not watched stays until the next LIST."""
        self._record_activity()
        self.synced.set()
        for key in () if is_listed else self._known_keys():
            self._remove(key)
        if not self._is_forbidden:
            self._is_forbidden = True
            logger.warning("kind may not be read, the status does without it", kind=self.resource.plural)

    def _known_keys(self) -> set[ObjectKey]:
        return {key for key in self.objects if self.namespace in ("", key[0])}

    def _set_installed(self, is_installed: bool) -> None:
        has_changed = is_installed != self.is_installed
        self.is_installed = is_installed
        self.synced.set()
        if has_changed:
            logger.warning("CRD installed" if is_installed else "CRD not installed", kind=self.resource.plural)
            self._on_kind_change()

    def _record_activity(self) -> None:
        self._last_activity = time.monotonic()

    def _store(self, obj: Mapping[str, Any]) -> ObjectKey:
        key = object_key(obj)
        old = self.objects.get(key)
        if old is None or is_newer(obj["metadata"]["resourceVersion"], old.resource_version):
            try:
                new = self._project(obj)
            except Exception as error:  # affects this object only: its previous projection stays
                self._cluster.unreadable(self.resource.plural, "/".join(key), error)
            else:
                self.objects[key] = new
                self._on_change(key, old, new)
        return key

    def _remove(self, key: ObjectKey) -> None:
        if old := self.objects.pop(key, None):
            self._on_change(key, old, None)


class Changes(Informer):
    """Reports changes of one kind without caching objects: `on_change(key, None, Version or None)`.

    `on_missed(namespace)` is called when changes may have been missed there (empty: anywhere).
    """

    def __init__(
        self,
        cluster: KubeClient,
        resource: Resource,
        on_change: Callable[[ObjectKey, Any, Any], None],
        on_missed: Callable[[str], None],
        **more: Any,
    ) -> None:
        super().__init__(
            cluster,
            resource,
            project=Version.from_object,
            on_change=on_change,
            on_kind_change=partial(on_missed, more.get("namespace", "")),
            metadata_only=True,
            **more,
        )

    async def _list(self) -> str:
        self._version = await self._cluster.version_of(self.resource, self._selector, self.namespace)
        self._record_activity()
        self._set_installed(True)
        self._on_kind_change()
        return self._version

    def _store(self, obj: Mapping[str, Any]) -> ObjectKey:
        key = object_key(obj)
        self._on_change(key, None, self._project(obj))
        return key

    def _remove(self, key: ObjectKey) -> None:
        self._on_change(key, None, None)
