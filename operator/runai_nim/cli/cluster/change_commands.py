"""The commands that change RunaiNimServices of a cluster: their options and help."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import typer
from typer.core import TyperCommand

from runai_nim.cli.cluster.options import (
    ContextOption,
    KubeconfigOption,
    NameArgument,
    NamesArgument,
    NamespaceOption,
)
from runai_nim.cli.given_values import whole_number

_MOST_REPLICAS: Final = 1000
_replicas_of = whole_number("N, the number of replicas,", 0, _MOST_REPLICAS)

_ReplicasOption = Annotated[
    int | None,
    typer.Option(
        "--replicas",
        metavar="N",
        parser=whole_number("--replicas", 1, _MOST_REPLICAS),
        help="Number of replicas, 1 to 1000; default: the one in the spec.",
    ),
]
_ReplicasArgument = Annotated[
    int, typer.Argument(metavar="N", parser=_replicas_of, help="Number of replicas, 0 to 1000.")
]
_DryRunOption = Annotated[
    Literal["none", "server"],
    typer.Option("--dry-run", help="server: the API server checks the change and doesn't store it."),
]
_ForceOption = Annotated[
    bool, typer.Option("--force", help="Change it even if Argo CD, Flux or Helm will revert the change.")
]


class _ScaleCommand(TyperCommand):
    """Reads -1 as the number that it is meant as, where another command would look for an option of that name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with_value = {name for param in self.params if not getattr(param, "is_flag", True) for name in param.opts}
        for before, given in zip(["", *args], args, strict=False):
            if re.fullmatch("-[0-9.]+", given) and before not in with_value:
                _replicas_of(given)
        return super().parse_args(ctx, args)


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    commands.command("stop")(_stop)
    commands.command("start")(_start)
    commands.command("scale", cls=_ScaleCommand)(_scale)
    commands.command("restart")(_restart)
    commands.command("pause")(_pause)
    commands.command("resume")(_resume)


def _stop(
    names: NamesArgument,
    *,
    namespace: NamespaceOption = "",
    dry_run: _DryRunOption = "none",
    force: _ForceOption = False,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Stop RunaiNimServices: no pods, no GPUs. Claim, replicas and autoscaling are kept for the next start.

    Sets spec.desiredPhase to Stopped.

    Exit code: 0, also if it is stopped already; 1 if one is refused or doesn't exist; 2 for errors.

    \b
    runai-nim stop llama-8b -n runai-team-a
    runai-nim stop llama-8b embedder --dry-run=server
    """
    from runai_nim.cli.cluster.change_services import ChangeQuery, change_services
    from runai_nim.cli.cluster.connection import ClusterOptions
    from runai_nim.cli.cluster.service_change import stop

    query = ChangeQuery(names, namespace, force=force, dry_run=dry_run == "server")
    code = change_services(query, lambda service, _: stop(service), ClusterOptions(kubeconfig, context))
    raise typer.Exit(code)


def _start(
    names: NamesArgument,
    *,
    replicas: _ReplicasOption = None,
    namespace: NamespaceOption = "",
    dry_run: _DryRunOption = "none",
    force: _ForceOption = False,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Start RunaiNimServices that were stopped, by the command line, the REST API or replicas: 0.

    Sets spec.desiredPhase to Running; spec.replicas with --replicas, or to 1 if it is 0.

    Exit code: 0, also if it is started already; 1 if one is refused or doesn't exist; 2 for errors.

    \b
    runai-nim start llama-8b -n runai-team-a
    runai-nim start llama-8b --replicas 3
    """
    from runai_nim.cli.cluster.change_services import ChangeQuery, change_services
    from runai_nim.cli.cluster.connection import ClusterOptions
    from runai_nim.cli.cluster.service_change import start

    query = ChangeQuery(names, namespace, replicas=replicas, force=force, dry_run=dry_run == "server")
    code = change_services(
        query, lambda service, most: start(service, replicas, most), ClusterOptions(kubeconfig, context)
    )
    raise typer.Exit(code)


def _scale(
    name: NameArgument,
    replicas: _ReplicasArgument,
    *,
    namespace: NamespaceOption = "",
    dry_run: _DryRunOption = "none",
    force: _ForceOption = False,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Set the number of replicas of a RunaiNimService; 0 stops it.

    Sets spec.replicas. Refused with autoscaling, and above the bound of multiNode.

    Exit code: 0, also if it has this number already; 1 if it is refused or doesn't exist; 2 for errors.

    \b
    runai-nim scale llama-8b 3 -n runai-team-a
    """
    from runai_nim.cli.cluster.change_services import ChangeQuery, change_services
    from runai_nim.cli.cluster.connection import ClusterOptions
    from runai_nim.cli.cluster.service_change import scale

    query = ChangeQuery([name], namespace, replicas=replicas, force=force, dry_run=dry_run == "server")
    code = change_services(
        query, lambda service, most: scale(service, replicas, most), ClusterOptions(kubeconfig, context)
    )
    raise typer.Exit(code)


def _restart(
    names: NamesArgument,
    *,
    namespace: NamespaceOption = "",
    dry_run: _DryRunOption = "none",
    force: _ForceOption = False,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Replace the pods of RunaiNimServices, one after the other, as the rollout strategy allows.

    Sets the annotation runai-nim.io/restarted-at to the current time.

    Exit code: 0, also if it is stopped and has no pods; 1 if one is refused or doesn't exist; 2 for errors.

    \b
    runai-nim restart llama-8b -n runai-team-a
    runai-nim status llama-8b -n runai-team-a --wait
    """
    from runai_nim.cli.cluster.change_services import ChangeQuery, change_services
    from runai_nim.cli.cluster.connection import ClusterOptions
    from runai_nim.cli.cluster.service_change import restart

    now = datetime.now(UTC)
    query = ChangeQuery(names, namespace, force=force, dry_run=dry_run == "server")
    code = change_services(query, lambda service, _: restart(service, now), ClusterOptions(kubeconfig, context))
    raise typer.Exit(code)


def _pause(
    names: NamesArgument,
    *,
    namespace: NamespaceOption = "",
    dry_run: _DryRunOption = "none",
    force: _ForceOption = False,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Keep the operator from writing the children of RunaiNimServices: NIMService, claim and route stay as they are.

    Sets the annotation runai-nim.io/paused. Pods go on running; runai-nim diff -f FILE --live shows what waits.

    Exit code: 0, also if it is paused already; 1 if one is refused or doesn't exist; 2 for errors.

    \b
    runai-nim pause llama-8b -n runai-team-a
    """
    from runai_nim.cli.cluster.change_services import ChangeQuery, change_services
    from runai_nim.cli.cluster.connection import ClusterOptions
    from runai_nim.cli.cluster.service_change import pause

    query = ChangeQuery(names, namespace, force=force, dry_run=dry_run == "server")
    code = change_services(query, lambda service, _: pause(service), ClusterOptions(kubeconfig, context))
    raise typer.Exit(code)


def _resume(
    names: NamesArgument,
    *,
    namespace: NamespaceOption = "",
    dry_run: _DryRunOption = "none",
    force: _ForceOption = False,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Let the operator write the children of paused RunaiNimServices again.

    Removes the annotation runai-nim.io/paused.

    Exit code: 0, also if it is not paused; 1 if one is refused or doesn't exist; 2 for errors.

    \b
    runai-nim resume llama-8b -n runai-team-a
    """
    from runai_nim.cli.cluster.change_services import ChangeQuery, change_services
    from runai_nim.cli.cluster.connection import ClusterOptions
    from runai_nim.cli.cluster.service_change import resume

    query = ChangeQuery(names, namespace, force=force, dry_run=dry_run == "server")
    code = change_services(query, lambda service, _: resume(service), ClusterOptions(kubeconfig, context))
    raise typer.Exit(code)
