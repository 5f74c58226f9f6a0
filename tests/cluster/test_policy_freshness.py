"""What the cache must have before a spec is accepted, against a real API server and a cache that is behind."""

from typing import Any

import pytest

from local.cluster import LocalCluster
from local.objects import Objects
from runai_nim.controller.cache import ClusterCache
from runai_nim.controller.policy_freshness import PolicyFreshness
from runai_nim.kube.client import KubeClient
from tests.support.cluster_cache import fill, with_cache
from tests.support.policies import CLUSTER_POLICY, policy

CAP: dict[str, Any] = {"replicas": {"max": 3}}


@pytest.fixture(autouse=True)
def _without_operator(cluster: LocalCluster) -> None:
    """An operator that goes on from another test would write statuses, which the cache then lacks."""
    if cluster.operator.alive:
        cluster.operator.stop()


def test_a_policy_that_the_cache_lacks(cluster: LocalCluster, objects: Objects, namespace: str) -> None:
    async def use(api: KubeClient, cache: ClusterCache) -> None:
        freshness = PolicyFreshness(api, cache)
        await fill(api, cache)
        assert await freshness.is_current(namespace)
        objects.apply(policy("late", rules=CAP))
        assert not await freshness.is_current(namespace)
        await fill(api, cache)
        assert await freshness.is_current(namespace)

    with_cache(cluster, use)


def test_a_label_that_the_cache_lacks(cluster: LocalCluster, objects: Objects, namespace: str) -> None:
    async def use(api: KubeClient, cache: ClusterCache) -> None:
        freshness = PolicyFreshness(api, cache)
        await fill(api, cache)
        label({"department": "a"})
        assert await freshness.is_current(namespace)  # nothing selects by labels
        selector = {"matchLabels": {"department": "a"}}
        objects.apply(policy(name, CLUSTER_POLICY, rules=CAP, namespaceSelector=selector))
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
        with_cache(cluster, use)
    finally:
        objects.delete(CLUSTER_POLICY, name)
