"""The loop: what was observed of one RunaiNimService → what should be → the writes that are missing → its status.

Every event, of the CR or of anything around it, ends here with the CR's key. Nothing else in the operator writes, and
this module decides nothing: `translate`, `plan` and `status` do.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from runai_nim.cluster import CLAIMS, NIM_SERVICES, RUNAI_NIM_SERVICES, ApiError, Cluster, Resource
from runai_nim.observed import Observed
from runai_nim.plan import Deletion, Plan, Write, is_ours, plan
from runai_nim.queueing import Key
from runai_nim.settings import Settings
from runai_nim.status import facts_of, status_of
from runai_nim.translate import Context, Desired, translate
from runai_nim.translate.names import claim_name_of
from runai_nim.world import ROUTES, World

logger = logging.getLogger(__name__)


class Reconciler:
    """Brings one RunaiNimService at a time to where it should be, as `KeyQueue.work` asks."""

    def __init__(self, cluster: Cluster, world: World, settings: Settings) -> None:
        self._cluster, self._world, self._settings = cluster, world, settings

    async def reconcile(self, key: Key) -> float | None:
        """One pass for `key`. Raises ApiError where the API server was away, busy, or further than our knowledge."""
        cr = self._world.resource(key)
        if cr is None:
            self._world.forget(key)
            return None
        claim_name = claim_name_of(cr)
        claim = self._world.claim(key, claim_name)
        labels = self._world.namespace_labels(key[0])
        found = claim is not None and claim.made_for != key[1]
        exists = is_ours(cr, self._world.nimservice(key))
        installed = self._world.installed
        desired = translate(cr, Context(self._settings, labels, found, exists, installed))
        observed = self._world.observed(key, claim_name, desired.nim_cache)
        planned = plan(cr, desired, observed)
        refusal, written = await self._carry_out(planned)
        if written:
            observed = self._world.observed(key, claim_name, desired.nim_cache)
        await self._report(cr, desired, planned, observed, refusal)
        return None

    async def _carry_out(self, planned: Plan) -> tuple[str, bool]:
        """Write what is planned: what the API server refused, and whether anything was written."""
        route = planned.route.write
        writes = [(CLAIMS, planned.claim), (NIM_SERVICES, planned.nimservice)]
        writes += [(_route_resource(route.manifest["kind"]), route)] if route else []
        for resource, write in writes:
            if write and (refusal := await self._apply(resource, write)):
                return refusal, False
        for deletion in planned.route.deletions:
            await self._delete(deletion)
        return "", any(write for _, write in writes)

    async def _delete(self, deletion: Deletion) -> None:
        resource = _route_resource(deletion.kind)
        await self._cluster.delete(resource, deletion.namespace, deletion.name, deletion.uid, deletion.resource_version)
        logger.info("deleted %s", deletion.kind, extra={"object": f"{deletion.namespace}/{deletion.name}"})

    async def _apply(self, resource: Resource, write: Write) -> str:
        """One server-side apply: empty when it was taken, the API server's words when it never will be."""
        kind, name = write.manifest["kind"], write.manifest["metadata"]["name"]
        namespace = write.manifest["metadata"]["namespace"]
        try:
            live = await self._cluster.apply(resource, write.manifest, resource_version=write.resource_version)
        except ApiError as error:
            if not error.refused:
                raise
            logger.warning("write refused", extra={"object": f"{kind} {namespace}/{name}", "error": str(error)})
            return f"the API server refuses {kind} {name}: {error.message}"
        self._world.record(resource, live)
        verb = "created" if write.resource_version is None else "changed"
        logger.info("%s %s", verb, kind, extra={"object": f"{namespace}/{name}"})
        return ""

    async def _report(
        self, cr: Mapping[str, Any], desired: Desired, planned: Plan, observed: Observed, refusal: str
    ) -> None:
        """Write the status where it differs from the stored one."""
        before: Mapping[str, Any] = cr.get("status") or {}
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        status = status_of(cr, desired, facts_of(cr, desired, planned, observed, refusal), now)
        changes = {field: value for field, value in status.items() if before.get(field) != value}
        changes |= dict.fromkeys(before.keys() - status.keys())
        if not changes:
            return
        metadata = cr["metadata"]
        try:
            stored = await self._cluster.merge_status(
                RUNAI_NIM_SERVICES, metadata["namespace"], metadata["name"], metadata["uid"], changes
            )
        except ApiError as error:
            if error.status == 404:  # deleted meanwhile; its event is on the way
                return
            raise
        self._world.record(RUNAI_NIM_SERVICES, stored)
        ready = status["conditions"][0]
        logger.info(
            "status",
            extra={
                "object": f"{metadata['namespace']}/{metadata['name']}",
                "generation": metadata["generation"],
                "phase": status["phase"],
                "reason": ready["reason"],
            },
        )


def _route_resource(kind: str) -> Resource:
    return next(resource for resource, its_kind in ROUTES.items() if its_kind == kind)
