"""Writes what a plan says: releases of claims, claim, NIMService and route, in that order. It decides nothing."""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from runai_nim.api.resources import CLAIMS, NIM_SERVICES, ROUTES, ObjectKey, Resource
from runai_nim.controller.cache import ClusterCache
from runai_nim.controller.limits.field_conflict import FieldConflictBackoff, managers_of
from runai_nim.domain.observed import ObservedClaim
from runai_nim.domain.plan import Deletion, Plan, Release, RoutePlan, Write, releases_from, take_over_fields
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status import Outcome
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient

logger = logging.getLogger(__name__)

FORBIDDEN_RETRY_SECONDS = 30.0
"""When is tried again what was forbidden: nobody tells of a permission, a quota or a webhook that allows it now."""
_CHILD_RESOURCES: Mapping[str, Resource] = {resource.kind: resource for resource in (CLAIMS, NIM_SERVICES, *ROUTES)}


class WriteRefusedError(Exception):
    """The API server refuses a write, and would again: its words as a sentence, and when the write is tried again.

    `retry_after`: seconds; None where only another request or another object can help, both of which are told of.
    """

    def __init__(self, message: str, due: float | None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = due


@contextmanager
def _translate_refusals(what: str) -> Iterator[None]:
    """Turns the API server's refusal of `what` into WriteRefusedError; any other error passes."""
    try:
        yield
    except ApiError as error:
        if not error.is_permanent:
            raise
        logger.warning("write refused", extra={"write": what, "reason": error.reason, "error": str(error)})
        due = FORBIDDEN_RETRY_SECONDS if error.status == 403 else None
        raise WriteRefusedError(f"the API server refuses {what}: {error.message}", due) from error


class PlanExecutor:
    """Writes what is planned for RunaiNimServices, and remembers whose changes it reverted."""

    def __init__(self, cluster: KubeClient, cache: ClusterCache) -> None:
        self._cluster = cluster
        self._cache = cache
        self._field_conflicts: defaultdict[ObjectKey, FieldConflictBackoff] = defaultdict(FieldConflictBackoff)

    def forget(self, key: ObjectKey) -> None:
        """The RunaiNimService is gone."""
        self._field_conflicts.pop(key, None)

    async def execute(self, key: ObjectKey, write_plan: Plan) -> tuple[Outcome, float | None]:
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
                conflict.message = await self._field_conflict_message(write)
                conflict.is_reported = True
            return due
        conflict.record_revert(time.monotonic())
        return 0.0

    def _settling_outcome(self, key: ObjectKey) -> tuple[Outcome, float | None]:
        """All is as it should be, unless somebody may be about to take a revert back."""
        conflict = self._field_conflicts.get(key)
        if conflict and (unsure := conflict.settling(time.monotonic())):
            return Outcome(field_conflict=conflict.message), unsure
        return Outcome(), None

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
        kind = write.manifest["kind"]
        name = write.manifest["metadata"]["name"]
        resource = _CHILD_RESOURCES[kind]
        try:
            with _translate_refusals(f"{kind} {name}"):
                live = await self._cluster.apply(resource, write.manifest, resource_version=write.resource_version)
        except ApiError as error:
            if error.status == 409 and resource == CLAIMS and write.resource_version is None:
                await self._cache.observed.read_claim(
                    key, name, again=True
                )  # somebody made one, which was not asked for yet
            raise
        self._cache.store_own_write(key, resource, live)
        reason = "Created" if write.resource_version is None else "PutBack" if write.reverted_fields else "Changed"
        fields = {"fields": [".".join(path) for path in write.reverted_fields]} if write.reverted_fields else {}
        logger.info("%s written", kind, extra={"child": name, "reason": reason, **fields})

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
        logger.info("%s deleted", deletion.kind, extra={"child": deletion.name, "reason": Reason.NOT_WANTED})
