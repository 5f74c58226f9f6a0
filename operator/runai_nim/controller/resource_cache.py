"""Cache of the RunaiNimServices, filled by Kopf's watch and by LISTs of its own."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from runai_nim.api.resources import RUNAI_NIM_SERVICES, ObjectKey, object_key
from runai_nim.controller.url_index import ExposedUrlIndex
from runai_nim.domain.observed import StoredObject
from runai_nim.kube.client import KubeClient
from runai_nim.kube.resource_version import VersionedObject, is_newer

OnResourceChange = Callable[[ObjectKey, VersionedObject | None], None]
"""Callback for each change: the key, and the new version; None if it was removed or listed, or another one with its
URL changed."""


class ResourceCache:
    """All RunaiNimServices by (namespace, name). `on_change` is called after each change."""

    def __init__(self, cluster: KubeClient, on_change: OnResourceChange) -> None:
        self._cluster = cluster
        self._on_change = on_change
        self._stored: dict[ObjectKey, StoredObject] = {}
        self.urls = ExposedUrlIndex()

    def __contains__(self, key: ObjectKey) -> bool:
        return key in self._stored

    def __iter__(self) -> Iterator[ObjectKey]:
        return iter(self._stored)

    async def get(self, key: ObjectKey) -> dict[str, Any] | None:
        """The RunaiNimService; None if it doesn't exist. Raises ApiError if it is not cached and can't be read."""
        stored = self._stored.get(key)
        if stored is None or stored.body:
            return stored.load() if stored else None
        return await self.confirm(key, stored.uid)

    async def confirm(self, key: ObjectKey, uid: str) -> dict[str, Any] | None:
        """The RunaiNimService as the API server has it now; None, and dropped from the cache, if it is gone."""
        live = await self._cluster.get(RUNAI_NIM_SERVICES, *key)
        if live is not None and live["metadata"]["uid"] == uid:
            self.refresh(live)
            return live
        known = self._stored.get(key)
        if known is not None and known.uid == uid:
            self._remove(key)
        if live is not None:
            self.store(live)
        return None

    def is_large(self, key: ObjectKey) -> bool:
        """Whether it is too large to cache and is read at each reconciliation."""
        stored = self._stored.get(key)
        return stored is not None and not stored.body

    async def resync(self, namespace: str) -> None:
        """List RunaiNimServices (empty: of all namespaces), because Kopf reports no deletions after a "410 Gone"."""
        listed_keys: set[ObjectKey] = set()
        version = "0"
        async for page in self._cluster.pages(RUNAI_NIM_SERVICES, namespace=namespace):
            version = page["metadata"]["resourceVersion"]
            listed_keys.update(map(self.store, page.pop("items")))
        self.note_listing(namespace, listed_keys, version)
        for key in listed_keys:
            self._on_change(key, None)

    def note_listing(self, namespace: str, seen: set[ObjectKey], version: str) -> None:
        """Remove RunaiNimServices that are missing in a LIST of the namespace (empty: all) at that version."""
        for key in {key for key in self._stored if namespace in ("", key[0])} - seen:
            if not is_newer(self._stored[key].resource_version, version):
                self._remove(key)

    def store(self, obj: Mapping[str, Any]) -> ObjectKey:
        """Store a RunaiNimService, unless a newer version of it is known, and report the change."""
        key = object_key(obj)
        current = self._stored.get(key)
        if current is None or is_newer(obj["metadata"]["resourceVersion"], current.resource_version):
            try:
                new = self._keep(key, obj)
            except (KeyError, TypeError, ValueError) as error:  # affects this object only
                self._cluster.unreadable(RUNAI_NIM_SERVICES.plural, "/".join(key), error)
            else:
                self._on_change(key, new)
        return key

    def refresh(self, obj: Mapping[str, Any]) -> None:
        """Store a newer version of a known RunaiNimService, as it was read or written; that is no change to report."""
        key = object_key(obj)
        current = self._stored.get(key)
        if current is not None and is_newer(obj["metadata"]["resourceVersion"], current.resource_version):
            self._keep(key, obj)

    def remove(self, obj: Mapping[str, Any]) -> None:
        """Remove a deleted RunaiNimService, unless a later one of the same name is already known."""
        key = object_key(obj)
        current = self._stored.get(key)
        if current is not None and current.uid == obj["metadata"]["uid"]:
            self._remove(key)

    def _keep(self, key: ObjectKey, obj: Mapping[str, Any]) -> StoredObject:
        self._stored[key] = stored = _project(obj)
        for other in self.urls.store(key, obj):
            self._on_change(other, None)
        return stored

    def _remove(self, key: ObjectKey) -> None:
        del self._stored[key]
        self._on_change(key, None)
        for other in self.urls.forget(key):
            self._on_change(other, None)


def _project(obj: Mapping[str, Any]) -> StoredObject:
    """The cached form; an object without a spec was reduced to its metadata because it is large."""
    stored = StoredObject.from_object(obj)
    return stored if "spec" in obj else replace(stored, body=b"")
