"""Executes a plan: releases claims, then writes what policies gave, the claim, the NIMService and the route."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim.api.resources import CLAIMS, CONTROLLER_REVISIONS, NIM_SERVICES, ROUTES, ObjectKey, Resource
from runai_nim.controller.cache import ClusterCache
from runai_nim.controller.limits.field_conflict import FieldConflictBackoff, managers_of
from runai_nim.domain.observed import ObservedClaim
from runai_nim.domain.plan import Deletion, Plan, Release, RoutePlan, Write, releases_from, take_over_fields
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status import Outcome
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient

logger: FilteringBoundLogger = structlog.get_logger(__name__)

FORBIDDEN_RETRY_SECONDS = 30.0
"""Retry interval for forbidden writes, because no event reports that a permission, a quota or a webhook changed."""
_CHILD_RESOURCES: Mapping[str, Resource] = {
    resource.kind: resource for resource in (CONTROLLER_REVISIONS, CLAIMS, NIM_SERVICES, *ROUTES)
}


class WriteRefusedError(Exception):
    """The API server refused a write and would refuse it again. The message contains the API server's message.

    `retry_after`: seconds; None if only a change of the RunaiNimService or of another object helps, which requeues it.
    """

    def __init__(self, message: str, due: float | None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = due


@contextmanager
def _translate_refusals(what: str) -> Iterator[None]:
    """Convert a permanent refusal of `what` by the API server to WriteRefusedError; other errors pass through."""
    try:
        yield
    except ApiError as error:
        if not error.is_permanent:
            raise
        logger.warning("write rejected", write=what, reason=error.reason, error=str(error))
        due = FORBIDDEN_RETRY_SECONDS if error.status == 403 else None
        remedy = "; shorten what it is made from" if error.is_too_large else ""
        raise WriteRefusedError(f"the API server refuses {what}: {error.message}{remedy}", due) from error


class PlanExecutor:
    """Executes plans, and remembers which fields it reverted."""

    def __init__(self, cluster: KubeClient, cache: ClusterCache) -> None:
        self._cluster = cluster
        self._cache = cache
        self._field_conflicts: defaultdict[ObjectKey, FieldConflictBackoff] = defaultdict(FieldConflictBackoff)

    def forget(self, key: ObjectKey) -> None:
        """Drop the state of a deleted RunaiNimService."""
        self._field_conflicts.pop(key, None)

    async def execute(self, key: ObjectKey, write_plan: Plan) -> tuple[Outcome, float | None]:
        """Execute the plan; return the outcome and the seconds until a delayed revert or a refused write is due."""
        try:
            await self._release_claims(key, write_plan.releases)
            for write in (write_plan.policy_revision, write_plan.claim, write_plan.nimservice):
                if write is None:
                    continue
                if write.reverted_fields and (delay := await self._revert_delay(key, write)):
                    return Outcome(field_conflict=self._field_conflicts[key].message), delay
                await self._apply(key, await self._prepare(key, write))
        except WriteRefusedError as refused:
            return Outcome(refusal=refused.message), refused.retry_after
        outcome, due = await self._execute_route(key, write_plan.route)
        for deletion in write_plan.obsolete_revisions:
            # One that stays does no harm, and the next reconciliation tries again.
            with suppress(WriteRefusedError):
                await self._delete(deletion)
        return outcome, due

    async def _execute_route(self, key: ObjectKey, route_plan: RoutePlan) -> tuple[Outcome, float | None]:
        """Write the wanted route and delete the others; a refused write doesn't prevent the remaining ones."""
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
        """Seconds until another manager's change may be reverted; 0 if now, which counts as a revert."""
        conflict = self._field_conflicts[key]
        if due := conflict.delay(time.monotonic()):
            if not conflict.is_reported:
                conflict.message = await self._field_conflict_message(write)
                conflict.is_reported = True
            return due
        conflict.record_revert(time.monotonic())
        return 0.0

    def _settling_outcome(self, key: ObjectKey) -> tuple[Outcome, float | None]:
        """The outcome without pending writes: a field conflict while another manager may still undo the last revert."""
        conflict = self._field_conflicts.get(key)
        if conflict and (unsure := conflict.settling(time.monotonic())):
            return Outcome(field_conflict=conflict.message), unsure
        return Outcome(), None

    async def _field_conflict_message(self, write: Write) -> str:
        """The message with the field managers that change the operator's fields, from the live managedFields."""
        metadata = write.manifest["metadata"]
        live = await self._cluster.get(NIM_SERVICES, metadata["namespace"], metadata["name"])
        managed_fields = live["metadata"].get("managedFields") if live else None
        managers = ", ".join(managers_of(managed_fields, write.reverted_fields))
        fields = ", ".join(".".join(path) for path in write.reverted_fields)
        return (
            f"{f'field manager {managers}' if managers else 'another field manager'} keeps changing {fields} of"
            f" NIMService {metadata['name']}, which this RunaiNimService sets; stop the other writer, or set the field"
            " in the RunaiNimService; the operator reverts the changes with increasing delay"
        )

    async def _prepare(self, key: ObjectKey, write: Write) -> Write:
        """Release claims before an adoption, and take over the fields that the write removes; return the write."""
        if not write.is_adoption and not write.taken_fields:
            return write
        metadata = write.manifest["metadata"]
        live = await self._cluster.get(NIM_SERVICES, metadata["namespace"], metadata["name"])
        if live is None or live["metadata"]["resourceVersion"] != write.resource_version:
            raise ApiError(409, "Conflict", f"NIMService {metadata['name']} has changed")
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
        """Release every claim that the NIMService owns, because any of them may contain weights."""
        unread: list[str] = []
        pages = self._cluster.pages(CLAIMS, namespace=key[0], unreadable=lambda name, error: unread.append(name))
        async for page in pages:
            await self._release_claims(
                key, releases_from(nimservice, map(ObservedClaim.from_object, page.pop("items")))
            )
        if unread:
            name = nimservice["metadata"]["name"]
            raise WriteRefusedError(
                f"PersistentVolumeClaim {unread[0]} can't be parsed because its JSON is nested too deeply. It might be"
                f" deleted with NIMService {name}, so the operator doesn't adopt that NIMService; remove the claim's"
                " metadata.managedFields",
                FORBIDDEN_RETRY_SECONDS,
            )

    async def _release_claims(self, key: ObjectKey, releases: Iterable[Release]) -> None:
        """Remove the owner references with which claims would be deleted."""
        for one in releases:
            try:
                with _translate_refusals(f"to release PersistentVolumeClaim {one.claim} from {one.owner}"):
                    claim = await self._cluster.remove_owner(
                        CLAIMS, key[0], one.claim, uid=one.claim_uid, owner_uid=one.owner_uid
                    )
            except ApiError as error:
                if error.status != 404:  # 404: deleted meanwhile
                    raise
                continue
            self._cache.store_own_write(key, CLAIMS, claim)
            logger.info("PersistentVolumeClaim released", child=one.claim, owner=one.owner)

    async def _apply(self, key: ObjectKey, write: Write) -> None:
        """One server-side apply."""
        kind = write.manifest["kind"]
        name = write.manifest["metadata"]["name"]
        resource = _CHILD_RESOURCES[kind]
        what = f"{kind} {name}"
        if kind == "ControllerRevision":
            what += ", which keeps the defaults of its policies"
        try:
            with _translate_refusals(what):
                live = await self._cluster.apply(resource, write.manifest, resource_version=write.resource_version)
        except ApiError as error:
            if error.status == 409 and resource == CLAIMS and write.resource_version is None:
                # Another client created the claim, and the cache doesn't have it yet.
                await self._cache.observed.read_claim(key, name, again=True)
            raise
        self._cache.store_own_write(key, resource, live)
        reason = "Created" if write.resource_version is None else "PutBack" if write.reverted_fields else "Changed"
        fields = {"fields": [".".join(path) for path in write.reverted_fields]} if write.reverted_fields else {}
        logger.info(f"{kind} written", child=name, reason=reason, **fields)

    async def _delete(self, deletion: Deletion) -> None:
        with _translate_refusals(f"to delete {deletion.kind} {deletion.name}"):
            resource = _CHILD_RESOURCES[deletion.kind]
            await self._cluster.delete(
                resource,
                deletion.namespace,
                deletion.name,
                uid=deletion.uid,
                resource_version=deletion.resource_version,
            )
        logger.info(f"{deletion.kind} deleted", child=deletion.name, reason=Reason.NOT_WANTED)
