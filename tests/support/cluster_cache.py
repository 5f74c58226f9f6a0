"""The operator's cache in a test's own process, on a real API server: no watch fills it, so it is behind at will."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from kubernetes.aio import client, config
from prometheus_client import CollectorRegistry

from local.cluster import LocalCluster
from runai_nim.api.resources import (
    CLUSTER_RUNAI_NIM_POLICIES,
    NAMESPACES,
    RUNAI_NIM_POLICIES,
    object_key,
)
from runai_nim.controller.cache import ClusterCache
from runai_nim.controller.metrics import WorkQueueMetrics
from runai_nim.controller.workqueue import Backoff, WorkQueue
from runai_nim.domain.admission.stored_policy import StoredPolicy
from runai_nim.domain.observed import ObservedNamespace
from runai_nim.kube.client import KubeClient
from runai_nim.kube.transport import Transport

T = TypeVar("T")


def with_cache(cluster: LocalCluster, use: Callable[[KubeClient, ClusterCache], Awaitable[T]]) -> T:
    """What `use` returns, given an administrator's client and an empty cache."""

    async def session() -> T:
        configuration = client.Configuration()
        await config.load_kube_config(str(cluster.control_plane.kubeconfig), client_configuration=configuration)
        connection = client.ApiClient(configuration)
        api = KubeClient(Transport(connection, lambda method, code, host: None, lambda: None, in_pod=False))
        queue = WorkQueue(Backoff(0.005, 1), WorkQueueMetrics(CollectorRegistry()))
        cache = ClusterCache(api, queue, resync_seconds=600, on_failure=lambda *_: None)
        try:
            return await use(api, cache)
        finally:
            await api.close()

    return asyncio.run(session())


async def fill(api: KubeClient, cache: ClusterCache, namespace: str = "") -> None:
    """Give the cache all policies and namespaces, and a namespace's RunaiNimServices, as they are now."""
    policies = cache.policies
    kinds = (RUNAI_NIM_POLICIES, policies.of_projects), (CLUSTER_RUNAI_NIM_POLICIES, policies.of_cluster)
    for resource, known in kinds:
        async for page in api.pages(resource):
            for obj in page["items"]:
                known[object_key(obj)] = stored = StoredPolicy.from_object(obj)
                policies.take(object_key(obj), stored)
    async for page in api.pages(NAMESPACES):
        cache.observed.by_resource[NAMESPACES].update(
            {object_key(obj): ObservedNamespace.from_object(obj) for obj in page["items"]}
        )
    if namespace:
        await cache.resources.resync(namespace)
