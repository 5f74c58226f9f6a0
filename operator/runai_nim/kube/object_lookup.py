"""Objects that others made, read by name because a RunaiNimService names them. It may not decide or write anything.

Nothing is known of those that nobody names, however many and large they are.
"""

from collections.abc import Callable, Mapping
from typing import Any

from runai_nim.api.resources import ObjectKey, Resource
from runai_nim.kube.client import KubeClient


class ObjectLookups:
    """Objects of one kind, each as `project` made it when it was read, until `invalidate` says that it is another."""

    def __init__(self, cluster: KubeClient, resource: Resource, project: Callable[[Mapping[str, Any]], Any]) -> None:
        self._cluster, self._resource, self._project = cluster, resource, project
        self._known: dict[ObjectKey, Any] = {}
        self._under_way: dict[ObjectKey, object] = {}

    def get(self, key: ObjectKey) -> Any:
        """The object as it was read; None when it was absent, or not read."""
        return self._known.get(key)

    def knows(self, key: ObjectKey) -> bool:
        """Was it read since it changed last?"""
        return key in self._known

    async def read(self, key: ObjectKey) -> Any:
        """The object; the API server is asked unless the answer is known. Raises ApiError."""
        if key not in self._known:
            self._under_way[key] = asked = object()
            live = await self._cluster.get(self._resource, *key)
            found = None if live is None else self._project(live)
            if self._under_way.get(key) is not asked:  # it changed meanwhile, and is asked for again soon
                return found
            self._known[key] = found
            del self._under_way[key]
        return self._known[key]

    def invalidate(self, key: ObjectKey) -> None:
        """The object is another one now, or gone, or there, or nobody names it any more."""
        self._known.pop(key, None)
        self._under_way.pop(key, None)

    def invalidate_all(self, namespace: str) -> tuple[ObjectKey, ...]:
        """Anything may have changed there (empty: everywhere); the keys of all that was known."""
        keys = tuple(key for key in (*self._known, *self._under_way) if namespace in ("", key[0]))
        for key in keys:
            self.invalidate(key)
        return keys
