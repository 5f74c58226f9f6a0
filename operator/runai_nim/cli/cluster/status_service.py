"""`runai-nim status`: reads a RunaiNimService and what belongs to it, and waits until it is ready."""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from runai_nim.api import well_known
from runai_nim.api.resources import (
    AUTOSCALERS,
    CLAIMS,
    DEPLOYMENTS,
    EVENTS,
    LEADER_WORKER_SETS,
    NIM_CACHES,
    NIM_SERVICES,
    PODS,
    REPLICA_SETS,
    ROUTES,
    RUNAI_NIM_SERVICES,
    KubeObject,
    Resource,
)
from runai_nim.api.untrusted_values import mapping, word
from runai_nim.cli import terminal
from runai_nim.cli.cluster.connection import ClusterOptions, not_found, run
from runai_nim.cli.cluster.resource_tree import Reading, Readings, do_next, tree_of
from runai_nim.cli.cluster.service_row import condition_of, is_ready
from runai_nim.cli.cluster.status_view import events_of, status_json, status_lines
from runai_nim.cli.diagnostic import EXIT_FINDINGS, EXIT_OK
from runai_nim.domain import names
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient

_PAUSE_SECONDS: Final = 2.0
"""Between two reads of --watch and --wait."""


@dataclass(frozen=True, slots=True)
class StatusQuery:
    """Which RunaiNimService, and how it is shown. An empty namespace: the context's. `wait_seconds`: 0 doesn't wait."""

    name: str
    namespace: str = ""
    output: Literal["text", "json"] = "text"
    watch: bool = False
    wait_seconds: float = 0.0


def show_status(query: StatusQuery, options: ClusterOptions) -> int:
    """Write the status and return the exit code: 0 ready, 1 not ready."""
    return run(options, lambda cluster: _show(cluster, query))


async def _show(cluster: KubeClient, query: StatusQuery) -> int:
    namespace = query.namespace or cluster.namespace
    service = await _wait(cluster, query, namespace)
    if service is None:
        terminal.write_styled(await not_found(cluster, query.name, namespace))
        return EXIT_FINDINGS
    shown = await _write(cluster, query, service, before=[])
    while query.watch:
        await asyncio.sleep(_PAUSE_SECONDS)
        service = await cluster.get(RUNAI_NIM_SERVICES, namespace, query.name)
        if service is None:
            terminal.write_styled(await not_found(cluster, query.name, namespace))
            return EXIT_FINDINGS
        shown = await _write(cluster, query, service, before=shown)
    return EXIT_OK if is_ready(service) else EXIT_FINDINGS


async def _wait(cluster: KubeClient, query: StatusQuery, namespace: str) -> KubeObject | None:
    """The RunaiNimService, once it is ready, needs a person, or the time is over. Progress goes to stderr."""
    deadline = time.monotonic() + query.wait_seconds
    told = ""
    while True:
        service = await cluster.get(RUNAI_NIM_SERVICES, namespace, query.name)
        if service is None or is_ready(service) or time.monotonic() >= deadline or _is_stalled(service):
            return service
        if told != (told := do_next(service)):
            terminal.write_styled(f"waiting: {told}")
        await asyncio.sleep(_PAUSE_SECONDS)


def _is_stalled(service: KubeObject) -> bool:
    status = mapping(service.get("status"))
    is_current = status.get("observedGeneration") == service["metadata"]["generation"]
    return is_current and condition_of(status, "Stalled").get("status") == "True"


async def _write(cluster: KubeClient, query: StatusQuery, service: KubeObject, before: list[str]) -> list[str]:
    """Write the status if it has changed, but for ages; return what was compared."""
    tree = tree_of(service, await _read(cluster, service))
    namespace = service["metadata"]["namespace"]
    events = await _reading(_listed(cluster, EVENTS, namespace))
    about = events_of(tree, events.objects)
    epoch = datetime.fromtimestamp(0, UTC)
    now = list(status_lines(service, tree, about, problem=events.problem, now=epoch))
    if now == before:
        return before
    if query.output == "json":
        terminal.write_json(status_json(service, tree, about, events.problem))
        return now
    if before:
        terminal.write_line("")
    for line in status_lines(service, tree, about, problem=events.problem, now=datetime.now(UTC)):
        terminal.write_parts([(line, "")])
    return now


async def _read(cluster: KubeClient, service: KubeObject) -> Readings:
    """What belongs to the RunaiNimService, by kind."""
    namespace = service["metadata"]["namespace"]
    name = service["metadata"]["name"]
    cache = word(mapping(mapping(mapping(service.get("spec")).get("modelStore")).get("nimCache")).get("name"))
    named = {
        NIM_SERVICES: name,
        DEPLOYMENTS: name,
        LEADER_WORKER_SETS: name + well_known.LWS_SUFFIX,
        AUTOSCALERS: name,
        CLAIMS: word(mapping(service.get("status")).get("claimName")),
        NIM_CACHES: cache,
        **dict.fromkeys(ROUTES, names.route_name(name)),
    }
    label = f"{well_known.SERVICE_LABEL}={name}"
    reads = {kind: _got(cluster, kind, namespace, known) for kind, known in named.items() if known}
    reads |= {kind: _listed(cluster, kind, namespace, label) for kind in (REPLICA_SETS, PODS)}
    found = await asyncio.gather(*(_reading(read) for read in reads.values()))
    readings = {kind.kind: reading for kind, reading in zip(reads, found, strict=True)}
    if not readings[well_known.NIMSERVICE_KIND].objects and not readings[well_known.NIMSERVICE_KIND].problem:
        readings[well_known.NIMSERVICE_KIND] = await _absent_nimservice(cluster)
    return readings


async def _got(cluster: KubeClient, kind: Resource, namespace: str, name: str) -> tuple[KubeObject, ...]:
    found = await cluster.get(kind, namespace, name)
    return () if found is None else (found,)


async def _listed(cluster: KubeClient, kind: Resource, namespace: str, selector: str = "") -> tuple[KubeObject, ...]:
    found: list[KubeObject] = []
    async for page in cluster.pages(kind, selector, namespace):
        found += page["items"]
    return tuple(found)


async def _reading(read: Awaitable[tuple[KubeObject, ...]]) -> Reading:
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
