"""`runai-nim logs`: the logs of a RunaiNimService's pods."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from runai_nim.api.resources import RUNAI_NIM_SERVICES
from runai_nim.cli import terminal
from runai_nim.cli.cluster.connection import ClusterOptions, not_found, run
from runai_nim.cli.cluster.pod_logs import ContainerLog, container_logs, service_pods
from runai_nim.cli.cluster.readings import DOWN_TO_THE_PODS, read_children
from runai_nim.cli.diagnostic import EXIT_FAILURE, EXIT_FINDINGS, EXIT_OK
from runai_nim.domain.observed.resource_tree import do_next, tree_of
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.command_client import CommandClient


@dataclass(frozen=True, slots=True)
class LogsQuery:
    """Whose logs, and which part. An empty namespace: the context's. container: None for the model's. tail: None for
    all lines."""

    name: str
    namespace: str = ""
    container: str | None = None
    tail: int | None = None
    follow: bool = False
    previous: bool = False

    def of_container(self, container: str) -> Mapping[str, str]:
        """The query of the API server."""
        flags = {"follow": self.follow, "previous": self.previous}
        asked = {name: "true" for name, is_set in flags.items() if is_set}
        return asked | {"container": container} | ({} if self.tail is None else {"tailLines": str(self.tail)})


def show_logs(query: LogsQuery, options: ClusterOptions) -> int:
    """Write the logs and return the exit code: 0 if there is one, 1 without."""
    return run(options, lambda cluster: _show(cluster, query))


async def _show(cluster: CommandClient, query: LogsQuery) -> int:
    namespace = query.namespace or cluster.namespace
    service = await cluster.get(RUNAI_NIM_SERVICES, namespace, query.name)
    if service is None:
        terminal.write_styled(await not_found(cluster, query.name, namespace))
        return EXIT_FINDINGS
    readings = await read_children(cluster, service, DOWN_TO_THE_PODS)
    if problem := readings["Pod"].problem:
        terminal.write_styled(f"pods of {namespace}/{query.name} {problem}")
        return EXIT_FAILURE
    pods = service_pods(tree_of(service, readings), readings["Pod"].objects)
    if not pods:
        terminal.write_styled(f"{namespace}/{query.name} has no pods: {do_next(service)}")
        return EXIT_FINDINGS
    logs = list(container_logs(query.name, pods, query.container, previous=query.previous))
    return await _write_all(cluster, query, namespace, logs)


async def _write_all(cluster: CommandClient, query: LogsQuery, namespace: str, logs: list[ContainerLog]) -> int:
    """Write all logs, one after the other, or at the same time if they are followed; the exit code."""
    for log in logs:
        if log.absence:
            terminal.write_styled(f"{log.pod} {log.absence}")
    present = [log for log in logs if not log.absence]
    prefixed = len(logs) > 1
    if query.follow:
        codes = await asyncio.gather(*(_write(cluster, query, namespace, log, prefixed=prefixed) for log in present))
    else:
        codes = [await _write(cluster, query, namespace, log, prefixed=prefixed) for log in present]
    return max(codes, default=EXIT_FINDINGS)


async def _write(cluster: CommandClient, query: LogsQuery, namespace: str, log: ContainerLog, *, prefixed: bool) -> int:
    prefix = f"[{log.pod}] " if prefixed else ""
    try:
        async for line in cluster.pod_log(namespace, log.pod, query.of_container(log.container)):
            terminal.write_log_line(prefix, line.rstrip(b"\r").decode(errors="backslashreplace"))
    except ApiError as error:
        terminal.write_styled(f"{log.pod}: the log can't be read: {error.message}")
        return EXIT_FAILURE
    return EXIT_OK
