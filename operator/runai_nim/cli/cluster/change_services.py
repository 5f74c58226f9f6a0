"""Change RunaiNimServices: read, decide, write at the version that was read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from runai_nim.api.resources import NIM_SERVICES, RUNAI_NIM_SERVICES, KubeObject, ObjectView, object_key
from runai_nim.api.untrusted_values import mapping
from runai_nim.cli import terminal
from runai_nim.cli.cluster.connection import ClusterOptions, not_found, run
from runai_nim.cli.cluster.service_change import Change, Decide
from runai_nim.cli.diagnostic import EXIT_FAILURE, EXIT_FINDINGS, EXIT_OK
from runai_nim.domain.plan.multi_node import multi_node_replicas_of
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.command_client import CommandClient

FIELD_MANAGER: Final = "runai-nim"
"""Field manager of changes by the command line."""


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """Which RunaiNimServices, and how they are changed. An empty namespace: the context's.

    replicas: the number that is asked for, if one is. force: also change what GitOps will revert. dry_run: let the API
    server check the change without storing it.
    """

    names: Sequence[str]
    namespace: str = ""
    replicas: int | None = None
    force: bool = False
    dry_run: bool = False


def change_services(query: ChangeQuery, decide: Decide, options: ClusterOptions) -> int:
    """Change each and write what has changed; the exit code of the worst."""

    async def change_all(cluster: CommandClient) -> int:
        return max([await _change(cluster, query, name, decide) for name in dict.fromkeys(query.names)])

    return run(options, change_all)


async def _change(cluster: CommandClient, query: ChangeQuery, name: str, decide: Decide) -> int:
    """Change one and return its exit code; once more if somebody else changed it meanwhile."""
    namespace = query.namespace or cluster.namespace
    place = f"{namespace}/{name}"
    try:
        for _ in range(2):
            service = await cluster.get(RUNAI_NIM_SERVICES, namespace, name)
            if service is None:
                terminal.write_styled(await not_found(cluster, name, namespace))
                return EXIT_FINDINGS
            change = decide(service, await _most_replicas(cluster, service, query))
            if refusal := _refusal(service, change, query):
                terminal.write_styled(f"{place} {refusal}")
                return EXIT_FINDINGS
            if change.is_nothing or await _is_written(cluster, service, change, query):
                _write(place, service, change, query)
                return EXIT_OK
        message = "somebody else changed it twice meanwhile: nothing is changed; try again"
    except ApiError as error:
        message = _failure(error)
    terminal.write_styled(f"{place}: {message}")
    return EXIT_FAILURE


def _refusal(service: ObjectView, change: Change, query: ChangeQuery) -> str:
    if "deletionTimestamp" in service["metadata"]:
        return "is being deleted: nothing is changed"
    if change.refusal or change.is_nothing or query.force or change.owner is None:
        return change.refusal
    return f"is managed by {change.owner}, which would revert the change: make it in Git, or pass --force"


async def _is_written(cluster: CommandClient, service: KubeObject, change: Change, query: ChangeQuery) -> bool:
    """Write the change; False if the object has changed since it was read."""
    patch = change.as_merge_patch()
    try:
        await cluster.merge(
            RUNAI_NIM_SERVICES, service["metadata"], patch, field_manager=FIELD_MANAGER, dry_run=query.dry_run
        )
    except ApiError as error:
        if error.status != 409:
            raise
        return False
    return True


def _write(place: str, service: ObjectView, change: Change, query: ChangeQuery) -> None:
    suffix = " (server dry run)" if query.dry_run else ""
    if change.is_nothing:
        terminal.write_line(f"{place} {change.done}: nothing to do")
    for line in change.lines(service):
        terminal.write_line(f"{place}: {line}{suffix}")
    if change.note:
        terminal.write_styled(f"{place} {change.note}")
    if change.owner and not change.is_nothing:
        terminal.write_styled(
            f"{place} is managed by {change.owner}, which will revert the change: make it in Git, too"
        )


def _failure(error: ApiError) -> str:
    if error.status == 0:
        return f"{error}; runai-nim status shows whether it was changed"
    return f"not changed: {error.message or error}"


async def _most_replicas(cluster: CommandClient, service: ObjectView, query: ChangeQuery) -> int | None:
    """The number of replicas with which a multi-node NIMService was created; None for others, and if it can't be read.

    Then the operator rejects a larger number.
    """
    if query.replicas is None or mapping(service.get("spec")).get("multiNode") is None:
        return None
    namespace, name = object_key(service)
    try:
        nimservice = await cluster.get(NIM_SERVICES, namespace, name)
    except ApiError as error:
        if error.status != 403:
            raise
        return None
    return None if nimservice is None else multi_node_replicas_of({}, nimservice)
