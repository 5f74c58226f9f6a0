"""Reads the objects of a RunaiNimService; what the caller may not read is noted."""

import asyncio
from collections.abc import Awaitable, Collection
from typing import Final

from runai_nim.api import well_known
from runai_nim.api.resources import (
    AUTOSCALERS,
    CLAIMS,
    DEPLOYMENTS,
    LEADER_WORKER_SETS,
    NIM_CACHES,
    NIM_SERVICES,
    PODS,
    REPLICA_SETS,
    ROUTES,
    KubeObject,
    Resource,
)
from runai_nim.domain.observed.resource_tree import Reading, Readings
from runai_nim.domain.observed.service_children import child_label, child_names
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient

DOWN_TO_THE_PODS: Final = (NIM_SERVICES, DEPLOYMENTS, LEADER_WORKER_SETS, REPLICA_SETS, PODS)
CHILDREN: Final = (*DOWN_TO_THE_PODS, AUTOSCALERS, CLAIMS, NIM_CACHES, *ROUTES)


async def read_children(cluster: KubeClient, service: KubeObject, kinds: Collection[Resource] = CHILDREN) -> Readings:
    """What belongs to the RunaiNimService, by kind."""
    namespace = service["metadata"]["namespace"]
    named = child_names(service)
    label = child_label(service)
    reads = {kind: _got(cluster, kind, namespace, known) for kind, known in named.items() if kind in kinds}
    reads |= {kind: listed(cluster, kind, namespace, label) for kind in (REPLICA_SETS, PODS)}
    found = await asyncio.gather(*(reading(read) for read in reads.values()))
    readings = {kind.kind: one for kind, one in zip(reads, found, strict=True)}
    if not readings[well_known.NIMSERVICE_KIND].objects and not readings[well_known.NIMSERVICE_KIND].problem:
        readings[well_known.NIMSERVICE_KIND] = await _absent_nimservice(cluster)
    return readings


async def _got(cluster: KubeClient, kind: Resource, namespace: str, name: str) -> tuple[KubeObject, ...]:
    found = await cluster.get(kind, namespace, name)
    return () if found is None else (found,)


async def listed(cluster: KubeClient, kind: Resource, namespace: str, selector: str = "") -> tuple[KubeObject, ...]:
    """All objects of the kind in the namespace that the label selector picks."""
    found: list[KubeObject] = []
    async for page in cluster.pages(kind, selector, namespace):
        found += page["items"]
    return tuple(found)


async def reading(read: Awaitable[tuple[KubeObject, ...]]) -> Reading:
    """What was read, or why the caller may not read it."""
    try:
        return Reading(await read)
    except ApiError as error:
        if error.status != 403:
            raise
        return Reading(problem=f"can't be read: {error.message}")


async def _absent_nimservice(cluster: KubeClient) -> Reading:
    """Says whether the NIMService is absent, or its kind."""
    try:
        await cluster.get_document(f"/apis/{well_known.NIM_API_VERSION}")
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        return Reading(problem="is not installed" if error.status == 404 else f"can't be read: {error.message}")
    return Reading(problem="doesn't exist")
