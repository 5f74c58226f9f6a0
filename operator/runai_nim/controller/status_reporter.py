"""Writes the status of RunaiNimServices if it changed, and posts an event for each transition."""

import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim.api.resources import RUNAI_NIM_SERVICES, ObjectKey
from runai_nim.config.settings import Settings
from runai_nim.controller.cache import ClusterCache
from runai_nim.controller.decision import Decision
from runai_nim.controller.limits.status_rate_limit import StatusRateLimit
from runai_nim.controller.metrics import ServiceMetrics
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status import (
    Deadlines,
    Facts,
    Outcome,
    facts_of,
    is_progress,
    status_changes,
    status_of,
    transitions,
)
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient
from runai_nim.kube.events import EventRecorder

logger: FilteringBoundLogger = structlog.get_logger(__name__)


class StatusReporter:
    """Writes statuses within the rate limit of each RunaiNimService."""

    def __init__(
        self,
        cluster: KubeClient,
        cache: ClusterCache,
        *,
        events: EventRecorder,
        settings: Settings,
        metrics: ServiceMetrics,
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._events = events
        self._settings = settings
        self._metrics = metrics
        self._limits: defaultdict[ObjectKey, StatusRateLimit] = defaultdict(StatusRateLimit)

    def forget(self, key: ObjectKey) -> None:
        """Drop the state of a deleted RunaiNimService."""
        self._limits.pop(key, None)

    async def report(self, key: ObjectKey, decision: Decision, outcome: Outcome) -> float | None:
        """Write the status for a decision and its outcome; return the seconds after which to requeue, or None."""
        cr = decision.resource
        before: Mapping[str, Any] = cr.get("status") or {}
        now = datetime.now(UTC)
        facts = self._facts(decision, outcome, now)
        status = status_of(cr, decision.desired, facts, now=now.strftime("%Y-%m-%dT%H:%M:%SZ"))
        changes = status_changes(before, status)
        if not changes:
            if key in self._limits:
                self._limits[key].drop_progress()
            return facts.requeue_after
        limit = self._limits[key]
        can_wait = is_progress(before, status)
        if delay := limit.delay(time.monotonic(), cr["metadata"]["generation"], is_progress=can_wait):
            return min(delay, facts.requeue_after or delay)
        if not await self._write_status(cr, status, changes):
            return None
        limit.take(is_progress=can_wait)
        for transition in transitions(before, status):
            self._events.post(cr, transition.type, transition.reason, message=transition.message)
            if transition.reason == Reason.NIM_OPERATOR_NOT_RESPONDING and facts.image_pull_failures:
                suspects = ["/".join(suspect) for suspect in facts.image_pull_failures]
                logger.warning("NIM Operator may wait for an image registry", nimservices=suspects)
        return facts.requeue_after

    def _facts(self, decision: Decision, outcome: Outcome, now: datetime) -> Facts:
        return facts_of(
            decision.resource,
            decision.desired,
            decision.planned,
            observed=decision.observed,
            outcome=outcome,
            deadlines=Deadlines(
                now,
                nim_operator_seconds=self._settings.nim_operator_deadline_seconds,
                scheduler_seconds=self._settings.scheduler_deadline_seconds,
            ),
        )

    async def _write_status(self, cr: Mapping[str, Any], status: Mapping[str, Any], changes: dict[str, Any]) -> bool:
        """Write the changed fields; False if the RunaiNimService is gone."""
        metadata = cr["metadata"]
        try:
            response = await self._cluster.merge_status(RUNAI_NIM_SERVICES, metadata, changes)
        except ApiError as error:
            if error.status == 404:  # deleted meanwhile; the event will follow
                return False
            raise
        key = metadata["namespace"], metadata["name"]
        self._cache.store_own_write(key, RUNAI_NIM_SERVICES, response)
        self._metrics.record_status(key, cr, response)
        logger.info("status updated", phase=status["phase"], reason=status["conditions"][0]["reason"])
        return True
