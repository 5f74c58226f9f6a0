"""The reconcile loop: observed state → desired state → plan → writes → status, for one RunaiNimService.

Every event of a RunaiNimService or of an object that affects it leads here, as the RunaiNimService's key. `translate`,
`plan` and `status` decide; `plan_executor` and `status_reporter` send the writes.
"""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim.api.resources import ObjectKey
from runai_nim.config import log_format
from runai_nim.config.settings import Settings
from runai_nim.controller.cache import ClusterCache
from runai_nim.controller.decision import Decision
from runai_nim.controller.metrics import ServiceMetrics
from runai_nim.controller.plan_executor import PlanExecutor
from runai_nim.controller.policy_cache import NO_POLICIES
from runai_nim.controller.policy_freshness import PolicyFreshness
from runai_nim.controller.status_reporter import StatusReporter
from runai_nim.domain.decision_input import DecisionInput, make_decision_input
from runai_nim.domain.observed import ObservedState
from runai_nim.domain.plan import (
    Plan,
    check_names,
    host_taken_finding,
    host_to_check,
    is_ours,
    names_to_check,
    plan,
)
from runai_nim.domain.policy import AcceptedSpec, CompiledPolicies, accepted_before
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status import event_queries
from runai_nim.domain.translate import Desired, translate
from runai_nim.kube import name_lookup
from runai_nim.kube.client import KubeClient
from runai_nim.kube.event_reader import EventReader
from runai_nim.kube.events import EventRecorder
from runai_nim.kube.host_lookup import HostLookup
from runai_nim.kube.priority_lookup import PriorityClassLookup

logger: FilteringBoundLogger = structlog.get_logger(__name__)

LARGE_SECONDS = 2.0
"""Retry interval while another large resource is reconciled: two at once would take most of the memory limit."""
STALE_POLICIES_SECONDS = 0.1
"""Retry interval while the watch of policies is behind."""
UNKNOWN_NAMESPACE_SECONDS = 1.0
"""Retry interval while the labels of a new namespace, which select policies, are not known yet."""
CONFLICT_RETRY_SECONDS = 5.0, 600.0
"""Initial and maximum retry interval for a host or a name that is taken, because no event reports its release."""


class Reconciler:
    """Reconciles RunaiNimServices, one key per call; `WorkQueue.run_worker` calls it."""

    def __init__(
        self,
        cluster: KubeClient,
        cache: ClusterCache,
        *,
        hosts: HostLookup,
        event_reader: EventReader,
        events: EventRecorder,
        settings: Settings,
        metrics: ServiceMetrics,
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._hosts = hosts
        self._event_reader = event_reader
        self._settings = settings
        self._metrics = metrics
        self._priority_classes = PriorityClassLookup(cluster)
        self._policies = PolicyFreshness(cluster, cache)
        self._executor = PlanExecutor(cluster, cache)
        self._status = StatusReporter(cluster, cache, events=events, settings=settings, metrics=metrics)
        self._conflict_retries: dict[ObjectKey, float] = {}
        """Retry intervals of resources whose host or name is taken."""
        self._of_a_large_one = asyncio.Lock()

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Reconcile `key`; return the seconds after which to requeue it, or None.

        Raises ApiError if the API server doesn't answer, is busy, or reports a conflict.
        """
        if not self._cache.is_large(key):
            return await self._pass(key)
        if self._of_a_large_one.locked():
            return LARGE_SECONDS * random.uniform(0.5, 1.0)  # noqa: S311  # jitter
        async with self._of_a_large_one:
            return await self._pass(key)

    async def _pass(self, key: ObjectKey) -> float | None:
        cr = await self._cache.resources.get(key)
        if cr is None:
            self._forget(key)
            return None
        log_format.set_log_subject(key, cr["metadata"]["generation"])
        self._metrics.record_resource(key, cr)
        if self._cache.policies.versions.needs_labels and self._cache.observed.namespace_labels(key[0]) is None:
            return UNKNOWN_NAMESPACE_SECONDS
        policies = self._policies_of(key)
        decision = await self._decide(key, cr, policies)
        planned = decision.planned
        if planned.changes_anything:
            self._cluster.permit()  # raises before anything is read or counted for a write
        if planned.writes:
            allowed = await self._check_conflicts(key, cr, decision)
            if allowed is None:
                return None
            planned = allowed
        if (seconds := await self._retry_after(key, cr, planned, policies=policies)) is not None:
            return seconds
        outcome, write_due = await self._executor.execute(key, planned)
        observed = decision.observed
        if planned.writes or planned.releases or planned.obsolete_revisions:
            observed = await self._observe(key, decision)
        observed, events_due = self._with_events(key, decision.desired, observed)
        status_due = await self._status.report(key, replace(decision, planned=planned, observed=observed), outcome)
        dues = write_due, status_due, events_due, self._conflict_retry_after(key, planned)
        return min((due for due in dues if due is not None), default=None)

    def _forget(self, key: ObjectKey) -> None:
        self._cache.forget(key)
        self._hosts.forget(key)
        self._event_reader.forget(key)
        self._conflict_retries.pop(key, None)
        self._metrics.remove_resource(key)
        self._executor.forget(key)
        self._status.forget(key)

    def _policies_of(self, key: ObjectKey) -> CompiledPolicies | None:
        """The policies of the namespace, as the cache has them now; None if there are none in the cluster."""
        return self._cache.policies.of_namespace(key[0], self._cache.observed.namespace_labels(key[0]))

    async def _decide(self, key: ObjectKey, cr: Mapping[str, Any], policies: CompiledPolicies | None) -> Decision:
        """The decision. A foreign claim is read only if the first decision wouldn't create it."""
        kept = self._kept_policies(key, cr)
        policies = policies or (NO_POLICIES if kept else None)
        decision_input = make_decision_input(
            cr,
            settings=self._settings,
            namespace_labels=self._cache.observed.namespace_labels(key[0]),
            nimservice_schema=self._cache.nimservice_schema,
            policies=policies,
            accepted=accepted_before(cr, kept) if policies else None,
        )
        self._cache.policies.note(key, decision_input.context.project, decision_input.compliance)
        exists = await self._priority_class_exists(decision_input.priority_class)
        older = self._cache.resources.urls.older(key)
        decision_input = decision_input.with_cluster(priority_class_exists=exists, older_with_url=older)
        decision = await self._decide_with(key, decision_input)
        claim_name = decision_input.claim_name
        if decision.planned.claim is None and claim_name and await self._cache.observed.read_claim(key, claim_name):
            decision = await self._decide_with(key, decision_input)
        return decision

    def _kept_policies(self, key: ObjectKey, cr: Mapping[str, Any]) -> list[AcceptedSpec]:
        """What the operator keeps of the policies under which specs of the resource were accepted."""
        found = self._cache.observed.policy_revisions(key, cr["metadata"]["uid"])
        return [revision.accepted for revision in found if revision.accepted]

    async def _retry_after(
        self, key: ObjectKey, cr: Mapping[str, Any], planned: Plan, *, policies: CompiledPolicies | None
    ) -> float | None:
        """Seconds after which to decide again because the cache is behind; None if the plan may be executed.

        No policy may be missing when a spec is accepted, and nothing is created for a resource that is gone.
        `policies`: those that the plan was made under. The cache may have others by the time that it is up to date.
        """
        is_new = planned.nimservice is not None and accepted_before(cr, self._kept_policies(key, cr)) is None
        if is_new and not (await self._policies.is_current(key[0]) and self._policies_of(key) == policies):
            return STALE_POLICIES_SECONDS
        if planned.confirm and not await self._is_still_there(key, cr):
            return 0.0
        return None

    async def _priority_class_exists(self, name: str | None) -> bool | None:
        # With listed namespaces the operator has no ClusterRole, so it may not read cluster-scoped objects.
        return None if name is None or self._settings.namespaces else await self._priority_classes.exists(name)

    async def _decide_with(self, key: ObjectKey, decision_input: DecisionInput) -> Decision:
        """The decision with the children that are in the cache now."""
        cr = decision_input.resource
        claim_name = decision_input.claim_name
        live = await self._cache.observed.nimservice(key)
        claim = self._cache.observed.claim(key, claim_name)
        desired = translate(
            decision_input.with_children(
                claim_exists=claim is not None,
                claim_size=claim.storage if claim else "",
                claim_access_modes=claim.access_modes if claim else (),
                nimservice_exists=live is not None and is_ours(cr, live.obj),
            )
        )
        observed = await self._cache.observed_state(
            key, live, uid=cr["metadata"]["uid"], claim_name=claim_name, cache_name=desired.nim_cache
        )
        return Decision(decision_input, desired, observed, planned=plan(cr, desired, observed))

    def _with_events(
        self, key: ObjectKey, desired: Desired, observed: ObservedState
    ) -> tuple[ObservedState, float | None]:
        """With the events about what is stuck, as far as they were read, and when to look at them again."""
        queries = event_queries(desired, observed, datetime.now(UTC))
        events, due = self._event_reader.ask(key, queries)
        return (replace(observed, events=events) if events else observed), due

    async def _observe(self, key: ObjectKey, decision: Decision) -> ObservedState:
        """The observed state after the writes."""
        live = await self._cache.observed.nimservice(key)
        return await self._cache.observed_state(
            key,
            live,
            uid=decision.resource["metadata"]["uid"],
            claim_name=decision.decision_input.claim_name,
            cache_name=decision.desired.nim_cache,
        )

    async def _check_conflicts(self, key: ObjectKey, cr: Mapping[str, Any], decision: Decision) -> Plan | None:
        """The plan, or a refusal if another object has the same name or host; None while the lookup runs."""
        write_plan = decision.planned
        exposure = decision.desired.exposure
        if names := names_to_check(write_plan.nimservice):
            objects = await name_lookup.find_by_name(self._cluster, key[0], names)
            if finding := check_names(key[1], objects):
                return Plan(write_plan.releases, refusal=finding)
        host = host_to_check(cr, write_plan.route.write, decision.observed.routes)
        if not host:
            return write_plan
        answer = self._hosts.ask(key, host)
        if answer is None:
            return None
        if answer.holder is None:
            return write_plan
        logger.warning("host is taken", reason=Reason.HOST_TAKEN, host=host, route=str(answer.holder))
        finding = host_taken_finding(host, exposure.url if exposure else None, answer.holder.kind)
        return Plan(write_plan.releases, refusal=finding)

    def _conflict_retry_after(self, key: ObjectKey, write_plan: Plan) -> float | None:
        """Seconds until the next check of a taken host or name, with backoff; None without a conflict."""
        if write_plan.refusal is None or write_plan.refusal.reason not in _CONFLICT_REASONS:
            self._conflict_retries.pop(key, None)
            return None
        first, last = CONFLICT_RETRY_SECONDS
        seconds = self._conflict_retries.get(key, first)
        self._conflict_retries[key] = min(seconds * 2, last)
        return seconds

    async def _is_still_there(self, key: ObjectKey, cr: Mapping[str, Any]) -> bool:
        """Whether the resource exists and is not being deleted. Updates the cache."""
        live = await self._cache.resources.confirm(key, cr["metadata"]["uid"])
        return live is not None and "deletionTimestamp" not in live["metadata"]


_CONFLICT_REASONS = (Reason.HOST_TAKEN, Reason.NAME_CONFLICT)
"""Reasons of refusals that other objects cause, and that end when those change."""
