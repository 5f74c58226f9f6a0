"""The loop: what was observed of one RunaiNimService → what should be → the writes that are missing → its status.

Every event, of the CR or of anything around it, ends here with the CR's key. Nothing else in the operator writes, and
this module decides nothing: `translate`, `plan` and `status` do.
"""

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from runai_nim.api.resources import CLAIMS, NIM_SERVICES, ROUTES, RUNAI_NIM_SERVICES, ObjectKey, Resource
from runai_nim.config import log_format
from runai_nim.config.settings import Settings
from runai_nim.controller.cache import ClusterCache
from runai_nim.controller.limits.field_conflict import FieldConflictBackoff, managers_of
from runai_nim.controller.limits.status_rate_limit import TokenBucket
from runai_nim.controller.metrics import ServiceMetrics
from runai_nim.domain.decision_input import DecisionInput, make_decision_input
from runai_nim.domain.observed import ObservedClaim, ObservedState
from runai_nim.domain.plan import (
    Deletion,
    Plan,
    Release,
    RoutePlan,
    Write,
    check_names,
    host_taken_finding,
    host_to_check,
    is_ours,
    names_to_check,
    plan,
    releases_from,
    take_over_fields,
)
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status import Deadlines, Outcome, facts_of, status_of, transitions
from runai_nim.domain.translate import Desired, translate
from runai_nim.kube import name_lookup
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient
from runai_nim.kube.events import EventRecorder
from runai_nim.kube.host_lookup import HostLookup

logger = logging.getLogger(__name__)

LARGE_SECONDS = 2.0
"""When is tried again what waits for another large resource: two at once would be most of the memory there is."""
FORBIDDEN_RETRY_SECONDS = 30.0
"""When is tried again what was forbidden: nobody tells of a permission, a quota or a webhook that allows it now."""
CONFLICT_RETRY_SECONDS = 5.0, 600.0
"""When is looked again at what somebody else has, at first and at last: nobody tells that it is gone."""


class WriteRefusedError(Exception):
    """The API server refuses a write, and would again: its words as a sentence, and when the write is tried again.

    `retry_after`: seconds; None where only another request or another object can help, both of which are told of.
    """

    def __init__(self, message: str, due: float | None) -> None:
        super().__init__(message)
        self.message, self.retry_after = message, due


@contextmanager
def _translate_refusals(what: str) -> Iterator[None]:
    """Turns the API server's refusal of `what` into RefusedError; any other error passes."""
    try:
        yield
    except ApiError as error:
        if not error.is_permanent:
            raise
        logger.warning("write refused", extra={"write": what, "reason": error.reason, "error": str(error)})
        due = FORBIDDEN_RETRY_SECONDS if error.status == 403 else None
        raise WriteRefusedError(f"the API server refuses {what}: {error.message}", due) from error


@dataclass(frozen=True, slots=True)
class _Decision:
    """What one pass decision, and from what."""

    claim_name: str | None
    desired: Desired
    observed: ObservedState
    planned: Plan


class Reconciler:
    """Brings one RunaiNimService at a time to where it should be, as `KeyQueue.work` asks."""

    def __init__(
        self,
        cluster: KubeClient,
        cache: ClusterCache,
        hosts: HostLookup,
        events: EventRecorder,
        settings: Settings,
        metrics: ServiceMetrics,
    ) -> None:
        self._cluster, self._cache, self._events, self._settings = cluster, cache, events, settings
        self._hosts, self._metrics = hosts, metrics
        self._conflict_retries: dict[ObjectKey, float] = {}
        """Seconds until the next look, of resources that want what somebody else has."""
        self._field_conflicts: defaultdict[ObjectKey, FieldConflictBackoff] = defaultdict(FieldConflictBackoff)
        self._status_limits: defaultdict[ObjectKey, TokenBucket] = defaultdict(TokenBucket)
        self._of_a_large_one = asyncio.Lock()

    async def reconcile(self, key: ObjectKey) -> float | None:
        """One pass for `key`; returns the seconds after which to look again, if nothing happens before.

        Raises ApiError where the API server was away, busy, or further than our knowledge.
        """
        if not self._cache.is_large(key):
            return await self._pass(key)
        if self._of_a_large_one.locked():
            return LARGE_SECONDS * random.uniform(0.5, 1.0)  # noqa: S311  # jitter
        async with self._of_a_large_one:
            return await self._pass(key)

    async def _pass(self, key: ObjectKey) -> float | None:
        cr = await self._cache.resource(key)
        if cr is None:
            self._forget(key)
            return None
        log_format.set_log_subject(key, cr["metadata"]["generation"])
        self._metrics.record_resource(key, cr)
        decision = await self._decide(key, cr)
        planned, observed = decision.planned, decision.observed
        if planned.writes or planned.releases or planned.route.deletions:
            self._cluster.permit()  # before anything is read or counted for the sake of a write
        if planned.writes:
            allowed = await self._check_conflicts(key, cr, decision)
            if allowed is None:
                return None
            planned = allowed
        if planned.confirm and not await self._is_still_there(key, cr):
            return 0.0  # what is known by now decides
        outcome, tug_due = await self._execute(key, planned)
        if planned.writes or planned.releases:
            observed = await self._observed(key, decision)
        status_due = await self._report_status(key, cr, decision.desired, planned, observed, outcome)
        dues = tug_due, status_due, self._conflict_retry_after(key, planned)
        return min((due for due in dues if due is not None), default=None)

    def _forget(self, key: ObjectKey) -> None:
        self._cache.forget(key)
        self._hosts.forget(key)
        self._conflict_retries.pop(key, None)
        self._metrics.remove_resource(key)
        self._field_conflicts.pop(key, None)
        self._status_limits.pop(key, None)

    async def _decide(self, key: ObjectKey, cr: Mapping[str, Any]) -> _Decision:
        """What is wanted, what is there, and what to write. A claim that we would make is not asked for before."""
        decision_input = make_decision_input(
            cr,
            settings=self._settings,
            namespace_labels=self._cache.namespace_labels(key[0]),
            nimservice_schema=self._cache.nimservice_schema,
        )
        decision, claim_name = await self._decide_with(key, decision_input), decision_input.claim_name
        if decision.planned.claim is None and claim_name and await self._cache.read_claim(key, claim_name):
            decision = await self._decide_with(key, decision_input)
        return decision

    async def _decide_with(self, key: ObjectKey, decision_input: DecisionInput) -> _Decision:
        """With the children that the cache has by now."""
        cr, claim_name = decision_input.resource, decision_input.claim_name
        live = await self._cache.nimservice(key)
        claim = self._cache.claim(key, claim_name)
        desired = translate(
            decision_input.with_children(
                claim_exists=claim is not None,
                claim_size=claim.storage if claim else "",
                nimservice_exists=live is not None and is_ours(cr, live.obj),
            )
        )
        observed = await self._cache.observed_state(key, live, claim_name, desired.nim_cache)
        return _Decision(claim_name, desired, observed, plan(cr, desired, observed))

    async def _observed(self, key: ObjectKey, decision: _Decision) -> ObservedState:
        """What is there after the writes."""
        live = await self._cache.nimservice(key)
        return await self._cache.observed_state(key, live, decision.claim_name, decision.desired.nim_cache)

    async def _check_conflicts(self, key: ObjectKey, cr: Mapping[str, Any], decision: _Decision) -> Plan | None:
        """The plan, or its refusal where somebody else has what it would take; None while that isn't known yet."""
        write_plan, exposure = decision.planned, decision.desired.exposure
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
        logger.warning("host is taken", extra={"reason": Reason.HOST_TAKEN, "host": host, "route": str(answer.holder)})
        finding = host_taken_finding(host, exposure.url if exposure else None, answer.holder.kind)
        return Plan(write_plan.releases, refusal=finding)

    def _conflict_retry_after(self, key: ObjectKey, write_plan: Plan) -> float | None:
        """When to look again at what somebody else has, ever more seldom."""
        if write_plan.refusal is None or write_plan.refusal.reason not in _CONFLICT_REASONS:
            self._conflict_retries.pop(key, None)
            return None
        first, last = CONFLICT_RETRY_SECONDS
        seconds = self._conflict_retries.get(key, first)
        self._conflict_retries[key] = min(seconds * 2, last)
        return seconds

    async def _execute(self, key: ObjectKey, write_plan: Plan) -> tuple[Outcome, float | None]:
        """Write what is planned; what came of it, and when a revert or a refused write that has to wait is due."""
        try:
            await self._release_claims(key, write_plan.releases)
            for write in (write_plan.claim, write_plan.nimservice):
                if write is None:
                    continue
                if write.reverted_fields and (due := await self._revert_delay(key, write)):
                    return Outcome(field_conflict=self._field_conflicts[key].message), due
                await self._apply(key, await self._prepare(key, write))
        except WriteRefusedError as refused:
            return Outcome(refusal=refused.message), refused.retry_after
        return await self._execute_route(key, write_plan.route)

    async def _execute_route(self, key: ObjectKey, route_plan: RoutePlan) -> tuple[Outcome, float | None]:
        """Write the route of our own, delete those that are not wanted: what is refused of it hinders nothing else."""
        outcome, due = self._settling_outcome(key)
        dues = [due]
        if route_plan.write:
            try:
                await self._apply(key, route_plan.write)
            except WriteRefusedError as refused:
                outcome = replace(outcome, route_refusal=refused.message)
                dues.append(refused.retry_after)
        for deletion in route_plan.deletions:
            try:
                await self._delete(deletion)
            except WriteRefusedError as refused:
                outcome = replace(outcome, route_deletion_refusal=refused.message)
                dues.append(refused.retry_after)
        return outcome, min((due for due in dues if due is not None), default=None)

    async def _revert_delay(self, key: ObjectKey, write: Write) -> float:
        """Seconds for which somebody's change has to stay; 0 for none, and then the revert counts."""
        conflict = self._field_conflicts[key]
        if due := conflict.delay(time.monotonic()):
            if not conflict.is_reported:
                conflict.message, conflict.is_reported = await self._field_conflict_message(write), True
            return due
        conflict.record_revert(time.monotonic())
        return 0.0

    def _settling_outcome(self, key: ObjectKey) -> tuple[Outcome, float | None]:
        """All is as it should be, unless somebody may be about to take a revert back."""
        conflict = self._field_conflicts.get(key)
        if conflict and (unsure := conflict.settling(time.monotonic())):
            return Outcome(field_conflict=conflict.message), unsure
        return Outcome(), None

    async def _is_still_there(self, key: ObjectKey, cr: Mapping[str, Any]) -> bool:
        """Is the resource there, and not being deleted? What is found out is known from then on."""
        live = await self._cache.confirm(key, cr["metadata"]["uid"])
        return live is not None and "deletionTimestamp" not in live["metadata"]

    async def _field_conflict_message(self, write: Write) -> str:
        """Who changes what we write, by the managedFields of the live object."""
        metadata = write.manifest["metadata"]
        live = await self._cluster.get(NIM_SERVICES, metadata["namespace"], metadata["name"])
        managed_fields = live["metadata"].get("managedFields") if live else None
        who = ", ".join(managers_of(managed_fields, write.reverted_fields)) or "of somebody"
        fields = ", ".join(".".join(path) for path in write.reverted_fields)
        return (
            f"field manager {who} keeps changing {fields} of NIMService {metadata['name']}, which this RunaiNimService"
            " sets; stop it there, or set the field here; it is put back ever more slowly"
        )

    async def _prepare(self, key: ObjectKey, write: Write) -> Write:
        """`write`, once no claim is lost by it and the fields that it takes away are ours."""
        if not write.is_adoption and not write.taken_fields:
            return write
        metadata = write.manifest["metadata"]
        live = await self._cluster.get(NIM_SERVICES, metadata["namespace"], metadata["name"])
        if live is None or live["metadata"]["resourceVersion"] != write.resource_version:
            raise ApiError(409, "Conflict", f"NIMService {metadata['name']} is not as it was seen")
        if write.is_adoption:
            await self._release_all_of(key, live)
        before = live["metadata"].get("managedFields") or []
        if (managed_fields := take_over_fields(before, write.taken_fields)) == before:
            return write
        with _translate_refusals(f"to take over fields of NIMService {metadata['name']}"):
            live = await self._cluster.set_managed_fields(NIM_SERVICES, live["metadata"], managed_fields)
        self._cache.store_own_write(key, NIM_SERVICES, live)
        return replace(write, resource_version=live["metadata"]["resourceVersion"])

    async def _release_all_of(self, key: ObjectKey, nimservice: Mapping[str, Any]) -> None:
        """Every claim that it owns: not only the one that the CR names may hold weights."""
        unread: list[str] = []
        pages = self._cluster.pages(CLAIMS, namespace=key[0], unreadable=lambda name, error: unread.append(name))
        async for page in pages:
            await self._release_claims(
                key, releases_from(nimservice, map(ObservedClaim.from_object, page.pop("items")))
            )
        if unread:
            name = nimservice["metadata"]["name"]
            raise WriteRefusedError(
                f"PersistentVolumeClaim {unread[0]} can't be read, its JSON is nested too deep: whether it would be"
                f" deleted with NIMService {name} is not known, so that NIMService is not adopted; remove its"
                " metadata.managedFields",
                FORBIDDEN_RETRY_SECONDS,
            )

    async def _release_claims(self, key: ObjectKey, releases: Iterable[Release]) -> None:
        """Take claims out of the ownership of what they would be deleted with."""
        for one in releases:
            try:
                with _translate_refusals(f"to release PersistentVolumeClaim {one.claim} from {one.owner}"):
                    claim = await self._cluster.remove_owner(
                        CLAIMS, key[0], one.claim, uid=one.claim_uid, owner_uid=one.owner_uid
                    )
            except ApiError as error:
                if error.status != 404:  # gone meanwhile
                    raise
                continue
            self._cache.store_own_write(key, CLAIMS, claim)
            logger.info("PersistentVolumeClaim released", extra={"child": one.claim, "owner": one.owner})

    async def _apply(self, key: ObjectKey, write: Write) -> None:
        """One server-side apply."""
        kind, metadata = write.manifest["kind"], write.manifest["metadata"]
        name, resource = metadata["name"], _CHILD_RESOURCES[kind]
        try:
            with _translate_refusals(f"{kind} {name}"):
                live = await self._cluster.apply(resource, write.manifest, resource_version=write.resource_version)
        except ApiError as error:
            if error.status == 409 and resource == CLAIMS and write.resource_version is None:
                await self._cache.read_claim(key, name, again=True)  # somebody made one, which was not asked for yet
            raise
        self._cache.store_own_write(key, resource, live)
        reason = "Created" if write.resource_version is None else "PutBack" if write.reverted_fields else "Changed"
        fields = {"fields": [".".join(path) for path in write.reverted_fields]} if write.reverted_fields else {}
        logger.info("%s written", kind, extra={"child": name, "reason": reason, **fields})

    async def _delete(self, deletion: Deletion) -> None:
        with _translate_refusals(f"to delete {deletion.kind} {deletion.name}"):
            resource = _CHILD_RESOURCES[deletion.kind]
            await self._cluster.delete(
                resource, deletion.namespace, deletion.name, deletion.uid, deletion.resource_version
            )
        logger.info("%s deleted", deletion.kind, extra={"child": deletion.name, "reason": Reason.NOT_WANTED})

    async def _report_status(
        self,
        key: ObjectKey,
        cr: Mapping[str, Any],
        desired: Desired,
        write_plan: Plan,
        observed: ObservedState,
        outcome: Outcome,
    ) -> float | None:
        """Write the status where it differs from the stored one; when to look at it again."""
        before: Mapping[str, Any] = cr.get("status") or {}
        now = datetime.now(UTC)
        allowed_seconds = self._settings.nim_operator_deadline_seconds, self._settings.scheduler_deadline_seconds
        facts = facts_of(cr, desired, write_plan, observed, outcome, Deadlines(now, *allowed_seconds))
        status = status_of(cr, desired, facts, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
        changes = {field: value for field, value in status.items() if before.get(field) != value}
        changes |= dict.fromkeys(before.keys() - status.keys())
        if not changes:
            return facts.requeue_after
        limit = self._status_limits[key]
        if delay := limit.delay(time.monotonic(), cr["metadata"]["generation"]):
            return delay
        if not await self._write_status(cr, status, changes):
            return None
        limit.take()
        for transition in transitions(before, status):
            self._events.post(cr, transition.type, transition.reason, transition.message)
        return facts.requeue_after

    async def _write_status(self, cr: Mapping[str, Any], status: Mapping[str, Any], changes: dict[str, Any]) -> bool:
        """Store the status; False when the CR is gone."""
        metadata = cr["metadata"]
        try:
            response = await self._cluster.merge_status(RUNAI_NIM_SERVICES, metadata, changes)
        except ApiError as error:
            if error.status == 404:  # deleted meanwhile; its event is on the way
                return False
            raise
        key = metadata["namespace"], metadata["name"]
        self._cache.store_own_write(key, RUNAI_NIM_SERVICES, response)
        self._metrics.record_status(key, cr, response)
        logger.info("status", extra={"phase": status["phase"], "reason": status["conditions"][0]["reason"]})
        return True


_CONFLICT_REASONS = (Reason.HOST_TAKEN, Reason.NAME_CONFLICT)
"""Reasons of a refusal that others cause, and heal."""
_CHILD_RESOURCES: Mapping[str, Resource] = {resource.kind: resource for resource in (CLAIMS, NIM_SERVICES, *ROUTES)}
