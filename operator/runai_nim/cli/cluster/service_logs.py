"""`runai-nim logs`: the logs of a RunaiNimService's pods."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from runai_nim.api.resources import RUNAI_NIM_SERVICES, KubeObject
from runai_nim.cli import terminal
from runai_nim.cli.cluster.connection import ClusterOptions, not_found, run
from runai_nim.cli.cluster.followed_logs import LogFollower
from runai_nim.cli.cluster.pod_logs import ContainerLog, container_logs, service_pods
from runai_nim.cli.cluster.readings import DOWN_TO_THE_PODS, read_children
from runai_nim.cli.diagnostic import EXIT_FAILURE, EXIT_FINDINGS, EXIT_OK, CommandError
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

    def of_container(self, container: str, *, is_late: bool = False) -> Mapping[str, str]:
        """The query of the API server. is_late: of a run of a container that began meanwhile, with all its lines."""
        flags = {"follow": self.follow, "previous": self.previous}
        asked = {name: "true" for name, is_set in flags.items() if is_set}
        has_tail = self.tail is not None and not is_late
        return asked | {"container": container} | ({"tailLines": str(self.tail)} if has_tail else {})


def show_logs(query: LogsQuery, options: ClusterOptions) -> int:
    """Write the logs and return the exit code: 0 if there is one, 1 without."""
    return run(options, lambda cluster: _show(cluster, query))


async def _show(cluster: CommandClient, query: LogsQuery) -> int:
    namespace = query.namespace or cluster.namespace
    service = await cluster.get(RUNAI_NIM_SERVICES, namespace, query.name)
    if service is None:
        terminal.write_styled(await not_found(cluster, query.name, namespace))
        return EXIT_FINDINGS
    if query.follow and not query.previous:
        return await _follow(cluster, query, namespace)
    logs = await _logs(cluster, query, service)
    if not logs:
        terminal.write_styled(f"{namespace}/{query.name} has no pods: {do_next(service)}")
    for log in logs:
        if log.absence:
            terminal.write_styled(f"{log.pod} {log.absence}")
    present = [log for log in logs if not log.absence]
    codes = [await _write(cluster, query, namespace, log, prefix=_prefix_of(logs)) for log in present]
    return max(codes, default=EXIT_FINDINGS)


def _prefix_of(logs: Sequence[ContainerLog]) -> Callable[[ContainerLog], str]:
    return lambda log: f"[{log.pod}] " if len(logs) > 1 else ""


async def _logs(cluster: CommandClient, query: LogsQuery, service: KubeObject) -> list[ContainerLog]:
    """The logs that the service's pods have now, and why some have none. Raises CommandError without permission."""
    readings = await read_children(cluster, service, DOWN_TO_THE_PODS)
    if problem := readings["Pod"].problem:
        raise CommandError(f"pods of {service['metadata']['namespace']}/{query.name} {problem}")
    pods = service_pods(tree_of(service, readings), readings["Pod"].objects)
    return list(container_logs(query.name, pods, query.container, previous=query.previous))


async def _follow(cluster: CommandClient, query: LogsQuery, namespace: str) -> int:
    """Write logs until interrupted, or until the service is gone."""
    told = ""

    async def read() -> list[ContainerLog] | None:
        nonlocal told
        try:
            current = await cluster.get(RUNAI_NIM_SERVICES, namespace, query.name)
            logs = await _logs(cluster, query, current) if current else []
        except ApiError as error:
            if error.is_permanent:
                raise
            return []  # as an API server that restarts
        if current and not logs and told != (told := do_next(current)):
            terminal.write_styled(f"{namespace}/{query.name} has no pods yet: {told}")
        return logs if current else None

    async def write(log: ContainerLog, is_late: bool) -> int:
        return await _write(cluster, query, namespace, log, prefix=follower.prefix, is_late=is_late)

    follower = LogFollower(read, write)
    return await follower.follow()


async def _write(
    cluster: CommandClient,
    query: LogsQuery,
    namespace: str,
    log: ContainerLog,
    *,
    prefix: Callable[[ContainerLog], str],
    is_late: bool = False,
) -> int:
    try:
        async for line in cluster.pod_log(namespace, log.pod, query.of_container(log.container, is_late=is_late)):
            terminal.write_log_line(prefix(log), line.rstrip(b"\r").decode(errors="backslashreplace"))
    except ApiError as error:
        terminal.write_styled(f"{log.pod}: the log can't be read: {error.message}")
        return EXIT_FAILURE
    return EXIT_OK
