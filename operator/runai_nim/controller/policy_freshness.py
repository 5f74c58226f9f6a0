"""Confirms that the cache has every policy of a namespace, before a spec is accepted.

The watches of policies, namespaces and RunaiNimServices are not in step: a policy that was applied a moment before a
RunaiNimService, or a label by which it selects the namespace, may arrive after it. Who accepts the spec without it
would keep that until the spec changes.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from runai_nim.api.resources import (
    CLUSTER_RUNAI_NIM_POLICIES,
    NAMESPACES,
    RUNAI_NIM_POLICIES,
    ObjectKey,
    Resource,
    object_key,
)
from runai_nim.controller.cache import ClusterCache
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient
from runai_nim.kube.resource_version import VersionedObject, is_newer

_NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""The label with its name that the API server keeps on each namespace."""


@dataclass(slots=True)
class _Check:
    """The latest check: when it began, in the clock of the event loop, and its result."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    began: float = 0.0
    is_current: bool = False


class PolicyFreshness:
    """Compares the cache with a LIST of metadata. One LIST answers everybody who asked before it began."""

    def __init__(self, cluster: KubeClient, cache: ClusterCache) -> None:
        self._cluster = cluster
        self._cache = cache
        self._checks: defaultdict[str, _Check] = defaultdict(_Check)
        """By namespace; empty: all."""

    async def is_current(self, namespace: str) -> bool:
        """Whether the cache has a namespace's policies as they are now. Raises ApiError without an answer."""
        check = self._checks["" if self._cache.serves_all else namespace]
        asked = asyncio.get_running_loop().time()
        async with check.lock:
            if check.began <= asked:
                began = asyncio.get_running_loop().time()
                check.is_current = await self._compare("" if self._cache.serves_all else namespace)
                check.began = began
            is_current = check.is_current
        return is_current and await self._has_labels(namespace)

    async def _has_labels(self, namespace: str) -> bool:
        """Whether the cache has the namespace as it is now, if a policy selects by its labels."""
        if not (self._cache.serves_all and self._cache.policies.versions.needs_labels):
            return True
        known = self._cache.observed.by_resource[NAMESPACES]
        return await self._has_all(NAMESPACES, "", known, selector=f"{_NAME_LABEL}={namespace}")

    async def _compare(self, namespace: str) -> bool:
        policies = self._cache.policies
        found = await self._has_all(RUNAI_NIM_POLICIES, namespace, policies.of_projects)
        if found and self._cache.serves_all:
            found = await self._has_all(CLUSTER_RUNAI_NIM_POLICIES, "", policies.of_cluster)
        return found

    async def _has_all(
        self, resource: Resource, namespace: str, known: Mapping[ObjectKey, VersionedObject], *, selector: str = ""
    ) -> bool:
        try:
            async for page in self._cluster.pages(resource, selector, namespace, metadata_only=True):
                for obj in page["items"]:
                    cached = known.get(object_key(obj))
                    if cached is None or is_newer(obj["metadata"]["resourceVersion"], cached.resource_version):
                        return False
        except ApiError as error:
            if error.status != 404:  # the kind is not installed
                raise
        return True
