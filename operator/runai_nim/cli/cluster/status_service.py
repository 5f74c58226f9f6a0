"""`runai-nim status`: reads a RunaiNimService and what belongs to it, and waits until it is ready."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from runai_nim.api.resources import EVENTS, RUNAI_NIM_SERVICES, KubeObject
from runai_nim.api.untrusted_values import condition_of, mapping
from runai_nim.cli import terminal
from runai_nim.cli.cluster.connection import ClusterOptions, not_found, run
from runai_nim.cli.cluster.readings import listed, read_children, reading
from runai_nim.cli.cluster.service_row import is_ready
from runai_nim.cli.cluster.status_view import events_of, progress_line, status_json, status_lines
from runai_nim.cli.diagnostic import EXIT_FINDINGS, EXIT_OK
from runai_nim.domain.observed.resource_tree import tree_of
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
        terminal.flush()
        await asyncio.sleep(_PAUSE_SECONDS)
        service = await cluster.get(RUNAI_NIM_SERVICES, namespace, query.name)
        if service is None:
            terminal.write_styled(await not_found(cluster, query.name, namespace))
            return EXIT_FINDINGS
        shown = await _write(cluster, query, service, before=shown)
    return EXIT_OK if is_ready(service) else EXIT_FINDINGS


async def _wait(cluster: KubeClient, query: StatusQuery, namespace: str) -> KubeObject | None:
    """The RunaiNimService, once it is ready, needs a person, or the time is over.

    stderr gets a line when something changes, in a pipe, too; none beside JSON.
    """
    deadline = time.monotonic() + query.wait_seconds
    told = ""
    while True:
        service = await cluster.get(RUNAI_NIM_SERVICES, namespace, query.name)
        if service is None or is_ready(service) or time.monotonic() >= deadline or _is_stalled(service):
            return service
        if told != (told := progress_line(service)) and query.output != "json":
            terminal.write_styled(told)
        await asyncio.sleep(_PAUSE_SECONDS)


def _is_stalled(service: KubeObject) -> bool:
    status = mapping(service.get("status"))
    is_current = status.get("observedGeneration") == service["metadata"]["generation"]
    return is_current and condition_of(status, "Stalled").get("status") == "True"


async def _write(cluster: KubeClient, query: StatusQuery, service: KubeObject, before: list[str]) -> list[str]:
    """Write the status if it has changed, but for ages; return what was compared."""
    tree = tree_of(service, await read_children(cluster, service))
    namespace = service["metadata"]["namespace"]
    events = await reading(listed(cluster, EVENTS, namespace))
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
