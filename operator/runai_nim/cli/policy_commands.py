"""`runai-nim policy`: the options and help of its commands. What they do is loaded when they are called."""

from functools import partial
from typing import Annotated, Final

import typer

from runai_nim.cli.cluster.options import ContextOption, KubeconfigOption
from runai_nim.cli.given_values import checked_namespace, not_empty
from runai_nim.cli.options import (
    DialectOption,
    NamespaceLabelsOption,
    NimOperatorOption,
    OutputOption,
    PoliciesOption,
    SettingsFileOption,
)

_ServicesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE|DIR|-",
        callback=not_empty("FILE", "a file, a directory, or - for stdin"),
        help="RunaiNimServices: files, the files directly in a directory, or -.",
    ),
]
_NewPoliciesOption = Annotated[
    list[str],
    typer.Option(
        "-f",
        "--filename",
        metavar="FILE|DIR",
        callback=not_empty("-f", "a file or a directory"),
        help="The policies that you want to apply.",
    ),
]
_LiveOption = Annotated[
    bool, typer.Option("--live", help="Check the RunaiNimServices of the kubeconfig's cluster; only reads.")
]
_NamespaceOption = Annotated[
    str | None,
    typer.Option(
        "-n",
        "--namespace",
        callback=checked_namespace,
        help="Namespace of manifests without one, default: default; with --live only this one.",
    ),
]

_ONE_OF_TWO: Final = "name RunaiNimServices by files or directories, or the cluster by --live: one of the two"

policy = typer.Typer(no_args_is_help=True, help="Commands for policies.")


@policy.command()
def check(
    resources: _ServicesArgument = None,
    *,
    filename: _NewPoliciesOption,
    live: _LiveOption = False,
    policies: PoliciesOption = [],  # noqa: B006 # Typer copies it
    output: OutputOption = "text",
    dialect: DialectOption = None,
    settings: SettingsFileOption = None,
    nim_operator: NimOperatorOption = None,
    namespace: _NamespaceOption = None,
    namespace_label: NamespaceLabelsOption = [],  # noqa: B006 # Typer copies it
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Print what policies would change for RunaiNimServices, whether pods restart, and which rules they break.

    Those of -f replace others of their name. --live tells apart what changes at once and with a spec's next change.

    Exit code: 0 without changes; 1 with changes; 3 if pods restart; 4 if rules are broken that hold now; 2 for errors.

    \b
    runai-nim policy check -f gpu-team.yaml deploy/
    runai-nim policy check -f gpu-team.yaml --live
    """
    from runai_nim.cli.cluster.check_policies import check_live
    from runai_nim.cli.cluster.connection import ClusterOptions
    from runai_nim.cli.diagnostic import CommandError
    from runai_nim.cli.offline_context import offline_context
    from runai_nim.cli.policy_check import check_policy

    if live == bool(resources):
        raise CommandError(_ONE_OF_TWO)
    assume = partial(offline_context, dialect=dialect, settings_file=settings, nim_operator=nim_operator)
    assume = partial(assume, namespace=namespace or "default", namespace_labels=namespace_label)
    if live:
        cluster = ClusterOptions(kubeconfig, context)
        raise typer.Exit(check_live([*policies, *filename], assume(), output, cluster, namespace=namespace))
    new = assume(policies=policies, new_policies=filename)
    raise typer.Exit(check_policy(resources or [], assume(policies=policies), new, output))
