"""Reads foreign objects by name if a RunaiNimService names them, and caches the results.

Memory depends on the names in RunaiNimServices, not on the number or size of the cluster's objects.
"""

from collections.abc import Callable, Mapping
from typing import Any

from runai_nim.api.resources import ObjectKey, Resource
from runai_nim.kube.client import KubeClient


class ObjectLookups:
    """Objects of one kind, as projected by `project` when read, until `invalidate`."""

    def __init__(self, cluster: KubeClient, resource: Resource, project: Callable[[Mapping[str, Any]], Any]) -> None:
        self._cluster = cluster
        self._resource = resource
        self._project = project
        self._known: dict[ObjectKey, Any] = {}
        self._under_way: dict[ObjectKey, object] = {}

    def get(self, key: ObjectKey) -> Any:
        """The object as it was read; None if it was absent or not read."""
        return self._known.get(key)

    def knows(self, key: ObjectKey) -> bool:
        """Whether it was read since its last change."""
        return key in self._known

    async def read(self, key: ObjectKey) -> Any:
        """The object, from the cache or the API server. Raises ApiError."""
        if key not in self._known:
            self._under_way[key] = asked = object()
            live = await self._cluster.get(self._resource, *key)
            found = None if live is None else self._project(live)
            if self._under_way.get(key) is not asked:  # it changed meanwhile, so the result isn't cached
                return found
            self._known[key] = found
            del self._under_way[key]
        return self._known[key]

    def invalidate(self, key: ObjectKey) -> None:
        """Forget the object: it changed, or no RunaiNimService names it any more."""
        self._known.pop(key, None)
        self._under_way.pop(key, None)

    def invalidate_all(self, namespace: str) -> tuple[ObjectKey, ...]:
        """Forget all objects in a namespace (empty: everywhere), which may have changed; return their keys."""
        keys = tuple(key for key in (*self._known, *self._under_way) if namespace in ("", key[0]))
        for key in keys:
            self.invalidate(key)
        return keys
