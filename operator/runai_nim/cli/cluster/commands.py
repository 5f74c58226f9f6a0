"""The commands on a cluster: their options and help."""

from typing import Annotated, Literal, get_args

import typer

from runai_nim.cli.diagnostic import CommandError

commands = typer.Typer()

KubeconfigOption = Annotated[
    str | None, typer.Option("--kubeconfig", metavar="FILE", help="The kubeconfig; default: the one in KUBECONFIG.")
]
ContextOption = Annotated[
    str | None, typer.Option("--context", help="Context of the kubeconfig; default: the current one.")
]


@commands.command(name="list")
def list_(
    namespace: Annotated[str, typer.Option("-n", "--namespace", help="One namespace; default: all.")] = "",
    project: Annotated[str, typer.Option("-p", "--project", help="Only those of this Run:ai project.")] = "",
    selector: Annotated[str, typer.Option("-l", "--selector", help="A label selector, such as team=search.")] = "",
    phase: Annotated[list[str], typer.Option("--phase", help="Only those in this phase; repeatable.")] = [],  # noqa: B006 # Typer copies it
    not_ready: Annotated[bool, typer.Option("--not-ready", help="Only those that are not ready.")] = False,
    output: Annotated[
        Literal["table", "wide", "json", "name"], typer.Option("-o", "--output", help="Output format.")
    ] = "table",
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Print each change until interrupted.")] = False,
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
    """
    from runai_nim.api.v1alpha1.status import Phase
    from runai_nim.cli.cluster.connection import ClusterOptions
    from runai_nim.cli.cluster.list_services import ListQuery, list_services
    from runai_nim.cli.cluster.service_row import RowFilter

    _check_phases(phase, get_args(Phase))
    if watch and output == "json":
        raise CommandError("--watch needs another output than json: use -o table, wide or name")
    rows = RowFilter(phases=phase, project=project, not_ready=not_ready)
    query = ListQuery(namespace=namespace, selector=selector, rows=rows, output=output, watch=watch)
    raise typer.Exit(list_services(query, ClusterOptions(kubeconfig, context)))


def _check_phases(phases: list[str], allowed: tuple[str, ...]) -> None:
    if unknown := [one for one in phases if one not in allowed]:
        raise CommandError(f'--phase is "{unknown[0]}" but must be one of {", ".join(allowed)}')
