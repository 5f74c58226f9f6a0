"""The commands on a cluster: their options and help."""

from typing import Annotated, Literal, get_args

import typer

from runai_nim.cli.cluster.change_commands import register as register_changes
from runai_nim.cli.cluster.options import ContextOption, KubeconfigOption, NameArgument, NamespaceOption
from runai_nim.cli.diagnostic import CommandError
from runai_nim.cli.given_values import checked_namespace, seconds, whole_number

_OneNamespaceOption = Annotated[
    str, typer.Option("-n", "--namespace", help="One namespace; default: all.", callback=checked_namespace)
]
_TailOption = Annotated[
    int | None,
    typer.Option(
        "--tail",
        metavar="N",
        parser=whole_number("--tail", 0, 1_000_000_000),
        help="The last N lines only; default: all.",
    ),
]

commands = typer.Typer()


@commands.command(name="list")
def list_(
    namespace: _OneNamespaceOption = "",
    project: Annotated[str, typer.Option("-p", "--project", help="Only those of this Run:ai project.")] = "",
    selector: Annotated[str, typer.Option("-l", "--selector", help="A label selector, such as team=search.")] = "",
    phase: Annotated[list[str], typer.Option("--phase", help="Only those in this phase; repeatable.")] = [],  # noqa: B006 # Typer copies it
    not_ready: Annotated[bool, typer.Option("--not-ready", help="Only those that are not ready.")] = False,
    output: Annotated[
        Literal["table", "wide", "json", "name"], typer.Option("-o", "--output", help="Output format.")
    ] = "table",
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Print each change until interrupted.")] = False,
    by_project: Annotated[bool, typer.Option("--by-project", help="Sum up the GPUs in use by project.")] = False,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """List the RunaiNimServices of a cluster: phase, reason, GPUs, ready replicas, URL and age.

    Reads nothing but RunaiNimServices.

    Exit code: 0, also without a RunaiNimService; 2 for errors.

    \b
    runai-nim list --not-ready
    runai-nim list -n runai-team-a -o wide
    runai-nim list --project team-a --phase Failed --phase Degraded -o json
    runai-nim list --by-project
    """
    from runai_nim.api.v1alpha1.status import Phase
    from runai_nim.cli.cluster.connection import ClusterOptions
    from runai_nim.cli.cluster.list_services import ListQuery, list_services
    from runai_nim.cli.cluster.service_row import RowFilter

    _check_phases(phase, get_args(Phase))
    if watch and output == "json":
        raise CommandError("--watch needs another output than json: use -o table, wide or name")
    if by_project and (watch or output not in ("table", "json")):
        raise CommandError("--by-project needs the output table or json, without --watch")
    rows = RowFilter(phases=phase, project=project, not_ready=not_ready)
    query = ListQuery(namespace, selector, rows, output=output, watch=watch, by_project=by_project)
    raise typer.Exit(list_services(query, ClusterOptions(kubeconfig, context)))


def _check_phases(phases: list[str], allowed: tuple[str, ...]) -> None:
    if unknown := [one for one in phases if one not in allowed]:
        raise CommandError(f'--phase is "{unknown[0]}" but must be one of {", ".join(allowed)}')


@commands.command(name="status")
def status(
    name: NameArgument,
    namespace: NamespaceOption = "",
    output: Annotated[Literal["text", "json"], typer.Option("-o", "--output", help="Output format.")] = "text",
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Print each change until interrupted.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is ready or needs you.")] = False,
    timeout: Annotated[str, typer.Option("--timeout", help="How long --wait waits, such as 90s, 10m or 1h.")] = "10m",
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Show a RunaiNimService, its objects down to the pods, its conditions and the latest events.

    Only reads. What you may not read is shown as such.

    Exit code: 0 if it is ready; 1 if not, or if it doesn't exist; 2 for errors.

    \b
    runai-nim status llama-8b -n runai-team-a
    runai-nim status llama-8b --wait --timeout 30m
    """
    from runai_nim.cli.cluster.connection import ClusterOptions
    from runai_nim.cli.cluster.status_service import StatusQuery, show_status

    if watch and output == "json":
        raise CommandError("--watch needs the output text: remove -o json")
    if watch and wait:
        raise CommandError("--wait ends when the service is ready, --watch goes on: remove one of the two")
    wait_seconds = seconds(timeout)
    query = StatusQuery(name, namespace, output, watch=watch, wait_seconds=wait_seconds if wait else 0.0)
    raise typer.Exit(show_status(query, ClusterOptions(kubeconfig, context)))


@commands.command(name="logs")
def logs(
    name: NameArgument,
    *,
    namespace: NamespaceOption = "",
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with each new line until interrupted.")] = False,
    previous: Annotated[
        bool, typer.Option("-p", "--previous", help="The log of the container before its last restart.")
    ] = False,
    tail: _TailOption = None,
    container: Annotated[
        str | None, typer.Option("-c", "--container", help="Another container than the model's.")
    ] = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Print the log of the model, of all pods of a RunaiNimService; with several, each line names its pod.

    Control characters are shown as escapes. -f also follows pods that start later, and waits for the first one.

    Exit code: 0; 1 if no pod has a log, or it doesn't exist; 2 for errors.

    \b
    runai-nim logs llama-8b -n runai-team-a --tail 100 -f
    runai-nim logs llama-8b --previous
    """
    from runai_nim.cli.cluster.connection import ClusterOptions
    from runai_nim.cli.cluster.service_logs import LogsQuery, show_logs

    query = LogsQuery(name, namespace, container=container, tail=tail, follow=follow, previous=previous)
    raise typer.Exit(show_logs(query, ClusterOptions(kubeconfig, context)))


register_changes(commands)
