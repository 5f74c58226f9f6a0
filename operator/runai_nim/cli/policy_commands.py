"""`runai-nim policy`: the options and help of its commands. What they do is loaded when they are called."""

from functools import partial
from typing import Annotated

import typer

from runai_nim.cli.options import (
    DialectOption,
    NamespaceLabelsOption,
    NamespaceOption,
    NimOperatorOption,
    OutputOption,
    PoliciesOption,
    SettingsFileOption,
)

policy = typer.Typer(no_args_is_help=True, help="Commands for policies.")


@policy.command()
def check(
    resources: Annotated[
        list[str],
        typer.Argument(metavar="FILE|DIR|-", help="RunaiNimServices: files, the files directly in a directory, or -."),
    ],
    *,
    filename: Annotated[
        list[str], typer.Option("-f", "--filename", metavar="FILE|DIR", help="The policies that you want to apply.")
    ],
    policies: PoliciesOption = [],  # noqa: B006 # Typer copies it
    output: OutputOption = "text",
    dialect: DialectOption = None,
    settings: SettingsFileOption = None,
    nim_operator: NimOperatorOption = None,
    namespace: NamespaceOption = "default",
    namespace_label: NamespaceLabelsOption = [],  # noqa: B006 # Typer copies it
) -> None:
    """Print what policies would change for RunaiNimServices, whether pods restart, and which rules they break.

    The policies of -f are added to those of --policies, and replace those of the same name.

    Exit code: 0 without changes; 1 with changes; 3 if pods restart; 4 if rules are broken that hold now; 2 for errors.

    \b
    runai-nim policy check -f gpu-team.yaml deploy/
    runai-nim policy check -f gpu-team.yaml --policies policies/ deploy/
    """
    from runai_nim.cli.offline_context import offline_context
    from runai_nim.cli.policy_check import check_policy

    assume = partial(
        offline_context,
        dialect=dialect,
        settings_file=settings,
        nim_operator=nim_operator,
        namespace=namespace,
        namespace_labels=namespace_label,
        policies=policies,
    )
    raise typer.Exit(check_policy(resources, assume(), assume(new_policies=filename), output))
