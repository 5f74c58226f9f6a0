"""What the cache must have before a spec is accepted, against a real API server and a cache that is behind."""

import asyncio
from collections.abc import Callable
from typing import Any

from kubernetes.aio import client, config
from prometheus_client import CollectorRegistry

from local.cluster import LocalCluster
from local.objects import Objects
from runai_nim.api.resources import CLUSTER_RUNAI_NIM_POLICIES, NAMESPACES, RUNAI_NIM_POLICIES, object_key
from runai_nim.api.well_known import API_VERSION
from runai_nim.controller.cache import ClusterCache
from runai_nim.controller.metrics import WorkQueueMetrics
from runai_nim.controller.policy_freshness import PolicyFreshness
from runai_nim.controller.workqueue import Backoff, WorkQueue
from runai_nim.domain.admission.stored_policy import StoredPolicy
from runai_nim.domain.observed import ObservedNamespace
from runai_nim.kube.client import KubeClient
from runai_nim.kube.transport import Transport

Use = Callable[[KubeClient, ClusterCache, PolicyFreshness], Any]


def ask(cluster: LocalCluster, use: Use) -> Any:
    """What `use` returns, given a cache that no watch fills."""

    async def session() -> Any:
        configuration = client.Configuration()
        await config.load_kube_config(str(cluster.control_plane.kubeconfig), client_configuration=configuration)
        connection = client.ApiClient(configuration)
        api = KubeClient(Transport(connection, lambda method, code, host: None, lambda: None, in_pod=False))
        queue = WorkQueue(Backoff(0.005, 1), WorkQueueMetrics(CollectorRegistry()))
        cache = ClusterCache(api, queue, resync_seconds=600, on_failure=lambda *_: None)
        try:
            return await use(api, cache, PolicyFreshness(api, cache))
        finally:
            await api.close()

    return asyncio.run(session())


async def fill(api: KubeClient, cache: ClusterCache) -> None:
    """Give the cache all policies and namespaces as they are now."""
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


def policy(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    rules = {"replicas": {"max": 3}}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": {"rules": rules, **spec}}


def test_a_policy_that_the_cache_lacks(cluster: LocalCluster, objects: Objects, namespace: str) -> None:
    async def use(api: KubeClient, cache: ClusterCache, freshness: PolicyFreshness) -> None:
        await fill(api, cache)
        assert await freshness.is_current(namespace)
        objects.apply(policy("RunaiNimPolicy", "late"))
        assert not await freshness.is_current(namespace)
        await fill(api, cache)
        assert await freshness.is_current(namespace)

    ask(cluster, use)


def test_a_label_that_the_cache_lacks(cluster: LocalCluster, objects: Objects, namespace: str) -> None:
    async def use(api: KubeClient, cache: ClusterCache, freshness: PolicyFreshness) -> None:
        await fill(api, cache)
        label({"department": "a"})
        assert await freshness.is_current(namespace)  # nothing selects by labels
        selector = {"matchLabels": {"department": "a"}}
        objects.apply(policy("ClusterRunaiNimPolicy", name, namespaceSelector=selector))
        await fill(api, cache)
        assert await freshness.is_current(namespace)
        label({"department": "b"})
        assert not await freshness.is_current(namespace)
        await fill(api, cache)
        assert await freshness.is_current(namespace)

    def label(labels: dict[str, str]) -> None:
        objects.patch("v1 Namespace", namespace, {"metadata": {"labels": labels}})

    name = f"{namespace}-late"
    try:
        ask(cluster, use)
    finally:
        objects.delete("runai-nim.io/v1alpha1 ClusterRunaiNimPolicy", name)
