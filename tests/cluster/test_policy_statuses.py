"""The numbers in the statuses of policies, on a real API server."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from local.cluster import LocalCluster
from local.objects import Objects, wait_for
from runai_nim.controller.cache import ClusterCache
from runai_nim.controller.policy_counter import PolicyCounter
from runai_nim.controller.policy_metrics import PolicyMetrics
from runai_nim.controller.policy_reporter import PolicyReporter
from runai_nim.kube.client import KubeClient
from tests.cluster.conftest import Without
from tests.support.cluster_cache import fill, with_cache
from tests.support.hostile_objects import PLAIN
from tests.support.permissions import Permission
from tests.support.policies import CLUSTER_POLICY, Policy, cap, counted, policy, status, valid
from tests.support.services import CR, reason, sample, settled


@pytest.mark.usefixtures("operator_process", "stand_in")
def test_a_rejected_version_s_selector_counts_nothing(
    objects: Objects, cluster_policies: Callable[[Policy], None], namespace: str
) -> None:
    name = f"{namespace}-dep"
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    elsewhere = {"matchLabels": {"kubernetes.io/metadata.name": "default"}}
    cluster_policies(policy(f"{namespace}-all", CLUSTER_POLICY, rules={"replicas": {"max": 4}}))
    cluster_policies(policy(name, CLUSTER_POLICY, rules=cap(0.3), namespaceSelector=here, scope="department"))
    objects.apply(sample("gpu-portion"))
    counted(objects, name, CLUSTER_POLICY, matched=1, violating=1)
    wrong = {**cap(0.3), "replicas": {"min": 5}}
    cluster_policies(policy(name, CLUSTER_POLICY, rules=wrong, namespaceSelector=elsewhere, scope="department"))
    valid(objects, "False", name, CLUSTER_POLICY)
    objects.apply(policy("own", rules=cap(0.2)))  # the statuses are computed again
    counted(objects, "own", matched=1)
    assert status(objects, name, CLUSTER_POLICY)["matched"] == 1
    assert status(objects, name, CLUSTER_POLICY)["violating"] == 1


@pytest.mark.usefixtures("operator_process", "stand_in")
def test_a_deleted_resource_is_not_counted(objects: Objects) -> None:
    objects.apply(policy(rules=cap(0.5)))
    objects.apply(sample("gpu-portion"))
    counted(objects, matched=1, violating=0)
    objects.delete(CR, "llama-8b")
    counted(objects, matched=0, violating=0)


@pytest.mark.usefixtures("operator_process", "stand_in")
def test_a_version_that_was_valid_for_a_moment_stays_in_force(
    objects: Objects, cluster_policies: Callable[[Policy], None], namespace: str
) -> None:
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    name = f"{namespace}-wide"
    cluster_policies(policy(name, CLUSTER_POLICY, rules={"replicas": {"max": 4}}, namespaceSelector=here))
    objects.apply(policy(rules=cap(0.5)))
    valid(objects, "True")
    objects.apply(sample("gpu-portion"))
    counted(objects, matched=1, violating=0)
    objects.apply(policy(rules=cap(0.3)))  # in force before its status is written
    objects.patch(CR, "llama-8b", {"metadata": {"annotations": {"example.com/now": ""}}})
    wait_for(lambda: reason(objects, "llama-8b", "PolicyCompliant") == "PolicyViolation")
    objects.apply(policy(rules={"replicas": {"min": 5}}))
    told = valid(objects, "False")
    assert told["message"].endswith("the last valid version, generation 2, stays in force")
    assert status(objects)["inForce"] == {"generation": 2, "spec": {"rules": cap(0.3)}}
    counted(objects, matched=1, violating=1)


def test_a_count_waits_for_what_is_not_evaluated_and_then_leaves_it_out(
    cluster: LocalCluster, objects: Objects, namespace: str, cluster_policies: Callable[[Policy], None]
) -> None:
    cluster.operator.stop()
    objects.apply(policy(rules=cap(0.5)))
    name = f"{namespace}-other"
    elsewhere = {"matchLabels": {"kubernetes.io/metadata.name": "default"}}
    cluster_policies(policy(name, CLUSTER_POLICY, rules=cap(0.5), namespaceSelector=elsewhere))
    for one in ("evaluated", "waiting"):
        body = sample("gpu-portion")
        body["metadata"]["name"] = one
        objects.apply(body)

    async def use(api: KubeClient, cache: ClusterCache) -> None:
        await fill(api, cache, namespace)
        reporter = PolicyReporter(api, cache, PolicyMetrics(CollectorRegistry()), PolicyCounter(cache, 3))
        task = asyncio.create_task(reporter.run())
        cache.policies.note((namespace, "evaluated"), None, None)
        await told(matched=2, violating=None, unevaluated=None)
        await told(kind=CLUSTER_POLICY, name=name, matched=0, violating=0)
        await fill(api, cache)  # a status is written over the one that the cache has
        await told(matched=2, violating=0, unevaluated=1)
        await fill(api, cache)
        cache.policies.note((namespace, "waiting"), None, None)
        await told(matched=2, violating=0, unevaluated=None)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def told(**want: Any) -> None:
        await asyncio.to_thread(counted, objects, **want)

    with_cache(cluster, use)


@pytest.mark.long
@pytest.mark.usefixtures("operator_process", "stand_in")
def test_one_that_may_not_be_read_does_not_stop_the_count(objects: Objects, without: Without) -> None:
    objects.apply(policy(rules=cap(0.3)))
    valid(objects, "True")
    with without(Permission("get", "runai-nim.io", "runainimservices")):
        large = sample("gpu-portion", environmentVariables=[{"name": f"V{n}", "value": PLAIN} for n in range(3)])
        large["metadata"]["name"] = "large"  # not cached, but read for each decision
        objects.apply(large)
        objects.apply(sample("gpu-portion"))
        settled(objects, "llama-8b", "PolicyViolation")
        wait_for(lambda: status(objects).get("unevaluated") == 1, 90)
        assert (status(objects)["matched"], status(objects)["violating"]) == (2, 1)
    wait_for(lambda: status(objects).get("violating") == 2 and "unevaluated" not in status(objects), 60)
