"""Writes the statuses of policies: whether they are valid, how many resources they are for, and how many break them."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim.api.resources import (
    CLUSTER_RUNAI_NIM_POLICIES,
    NAMESPACES,
    RUNAI_NIM_POLICIES,
)
from runai_nim.controller.cache import ClusterCache
from runai_nim.controller.policy_counter import PolicyCounter
from runai_nim.controller.policy_metrics import PolicyMetrics
from runai_nim.domain.admission.stored_policy import StoredPolicy
from runai_nim.domain.finding import Finding
from runai_nim.domain.status import status_changes
from runai_nim.domain.status.policy_status import PolicyCounts, policy_status
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient
from runai_nim.kube.leader_election import NotLeaderError

logger: FilteringBoundLogger = structlog.get_logger(__name__)

COLLECT_SECONDS: Final = 1.0
"""Time for changes to come together before statuses are computed."""
RETRY_SECONDS: Final = 5.0
"""Retry interval after a status was not written."""


class PolicyReporter:
    """Writes the status of each policy when it changes, at most once per COLLECT_SECONDS."""

    def __init__(
        self, cluster: KubeClient, cache: ClusterCache, metrics: PolicyMetrics, counter: PolicyCounter
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._metrics = metrics
        self._counter = counter

    async def run(self) -> None:
        """Write statuses until cancelled."""
        policies = self._cache.policies
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(policies.changed.wait(), self._counter.seconds_left)
            await asyncio.sleep(COLLECT_SECONDS)
            policies.changed.clear()
            if not await self._write_all():
                await asyncio.sleep(RETRY_SECONDS)
                policies.changed.set()

    async def _write_all(self) -> bool:
        """Whether all statuses are written."""
        policies = self._cache.policies
        labels = self._labels()
        rejections = policies.rejections(labels)
        counts = self._counter.count(labels)
        self._metrics.report(policies.versions.stored, rejections, policies.violations())
        are_written = True
        for stored in policies.versions.stored:
            are_written &= await self._write(stored, rejections.get(stored.key), counts[stored.key])
        return are_written

    def _labels(self) -> dict[str, Mapping[str, str]]:
        """The labels of each namespace that the operator knows, or that has a policy."""
        namespaces = self._cache.observed.by_resource[NAMESPACES]
        labels: dict[str, Mapping[str, str]] = {key[0]: {} for key in self._cache.policies.of_projects}
        return labels | {key[1]: found.labels for key, found in namespaces.items()}

    async def _write(self, stored: StoredPolicy, rejection: Finding | None, counts: PolicyCounts) -> bool:
        """Whether the status is as it should be."""
        seen_valid = self._cache.policies.versions.seen_valid(stored.key)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        status = policy_status(stored, rejection, counts=counts, seen_valid=seen_valid, now=now)
        changes = status_changes(stored.status, status)
        if not changes:
            return True
        resource = RUNAI_NIM_POLICIES if stored.key[0] else CLUSTER_RUNAI_NIM_POLICIES
        metadata = {
            "namespace": stored.key[0],
            "name": stored.key[1],
            "uid": stored.uid,
            "resourceVersion": stored.resource_version,
        }
        try:
            await self._cluster.merge_status(resource, metadata, changes)
        except NotLeaderError:
            return False
        except ApiError as error:
            if error.status == 404:
                return True
            logger.warning("status of a policy not written", policy="/".join(stored.key), error=str(error))
            return False
        logger.info("status of a policy updated", policy="/".join(stored.key), valid=rejection is None)
        return True
