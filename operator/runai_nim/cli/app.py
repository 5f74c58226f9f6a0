"""The commands of `runai-nim`: their options and help. What a command does is loaded when it is called."""

from typing import Annotated, Any, Final, Literal

import typer
from typer.core import TyperGroup

from runai_nim import __version__
from runai_nim.cli.cluster.commands import commands
from runai_nim.cli.cluster.options import ContextOption, KubeconfigOption
from runai_nim.cli.diagnostic import EXIT_FAILURE, CommandError
from runai_nim.cli.diff_command import register as register_diff
from runai_nim.cli.given_values import not_empty
from runai_nim.cli.import_options import register as register_import
from runai_nim.cli.options import (
    DialectOption,
    FilesOption,
    FractionKeysOption,
    NamespaceLabelsOption,
    NamespaceOption,
    NimOperatorOption,
    OutputOption,
    PoliciesOption,
    SettingsFileOption,
    StrictRunaiOption,
)
from runai_nim.cli.policy_commands import policy

_OF_PYDANTIC: Final = "Value error, "
"""What Typer lets stand before its own words about a choice."""


class _Commands(TyperGroup):
    """Turns a CommandError into a line on stderr and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CommandError as error:
            typer.echo(error, err=True)
            raise typer.Exit(EXIT_FAILURE) from None
        except typer.BadParameter as error:
            error.message = error.message.removeprefix(_OF_PYDANTIC)
            raise


app = typer.Typer(cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"runai-nim {__version__}")
        raise typer.Exit


@app.callback(help="Render, validate and compare RunaiNimServices without a cluster, and list those of a cluster.")
def _main(
    _: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Global options, before the command."""


@app.command()
def render(
    filename: FilesOption,
    output: Annotated[Literal["yaml", "json"], typer.Option("-o", "--output", help="Output format.")] = "yaml",
    explain: Annotated[bool, typer.Option("--explain", help="Comment each line with the field it comes from.")] = False,
    dialect: DialectOption = None,
    gpu_fraction_keys: FractionKeysOption = None,
    settings: SettingsFileOption = None,
    nim_operator: NimOperatorOption = None,
    namespace: NamespaceOption = "default",
    namespace_label: NamespaceLabelsOption = [],  # noqa: B006 # Typer copies it
    policies: PoliciesOption = [],  # noqa: B006
) -> None:
    """Print the objects that the operator would write.

    These are the NIMService, claim and route of each RunaiNimService without errors. Findings go to stderr.

    Exit code: 0; 1 with errors; 2 when the input can't be read.

    \b
    runai-nim render -f llama.yaml --explain
    kustomize build . | runai-nim render -f - --dialect kai --namespace-label kai/project=team-a
    """
    from runai_nim.cli.offline_context import offline_context
    from runai_nim.cli.render import render as run

    assumed = offline_context(
        dialect=dialect,
        gpu_fraction_keys=gpu_fraction_keys,
        settings_file=settings,
        nim_operator=nim_operator,
        namespace=namespace,
        namespace_labels=namespace_label,
        policies=policies,
    )
    raise typer.Exit(run(filename, assumed, output, explain=explain))


@app.command()
def validate(
    filename: FilesOption,
    output: OutputOption = "text",
    strict_runai: StrictRunaiOption = False,
    dialect: DialectOption = None,
    gpu_fraction_keys: FractionKeysOption = None,
    settings: SettingsFileOption = None,
    nim_operator: NimOperatorOption = None,
    namespace: NamespaceOption = "default",
    namespace_label: NamespaceLabelsOption = [],  # noqa: B006 # Typer copies it
    policies: PoliciesOption = [],  # noqa: B006
) -> None:
    """Print errors and warnings, as FILE:LINE:COLUMN: error: MESSAGE.

    Applies the rules of the API server and of the operator. Skips other kinds, with a note on stderr.

    Exit code: 0; 1 with errors; 2 when the input can't be read or contains no RunaiNimService.

    \b
    runai-nim validate -f deploy/samples
    runai-nim validate -f llama.yaml -o json --strict-runai
    """
    from runai_nim.cli.offline_context import offline_context
    from runai_nim.cli.validate import validate_files

    assumed = offline_context(
        dialect=dialect,
        gpu_fraction_keys=gpu_fraction_keys,
        settings_file=settings,
        nim_operator=nim_operator,
        namespace=namespace,
        namespace_labels=namespace_label,
        policies=policies,
    )
    raise typer.Exit(validate_files(filename, assumed, output, strict_runai=strict_runai))


@app.command()
def explain(
    field: Annotated[str | None, typer.Argument(help="A path, such as spec.compute.gpuPortionRequest.")] = None,
) -> None:
    """Describe a field: its meaning, what it becomes, and why. Without a field, list all fields.

    Exit code: 0; 2 for an unknown field.

    \b
    runai-nim explain
    runai-nim explain spec.modelStore.pvc
    """
    from runai_nim.cli.explain import explain as run

    run(field)


@app.command()
def convert(
    filename: Annotated[
        str,
        typer.Option(
            "-f",
            "--filename",
            metavar="FILE|-",
            callback=not_empty("-f", "a file, or - for stdin"),
            help="A body of Run:ai's REST API.",
        ),
    ],
    name: Annotated[str | None, typer.Option("--name", help="Name; overrides the one in the body.")] = None,
    namespace: Annotated[
        str | None, typer.Option("-n", "--namespace", help="Namespace of the project; default: none.")
    ] = None,
    dialect: DialectOption = None,
    gpu_fraction_keys: FractionKeysOption = None,
    settings: SettingsFileOption = None,
) -> None:
    """Convert a body of Run:ai's "NVIDIA NIM" REST API to a RunaiNimService.

    Keeps every field of the spec. Findings, such as unknown fields, go to stderr, as for validate.

    Exit code: 0; 1 with errors; 2 when the input can't be read.

    \b
    runai-nim convert -f body.json --namespace runai-team-a > llama.yaml
    """
    from runai_nim.cli.convert import convert as run
    from runai_nim.cli.offline_context import offline_context

    assumed = offline_context(dialect=dialect, gpu_fraction_keys=gpu_fraction_keys, settings_file=settings)
    raise typer.Exit(run(filename, name, namespace, assumed))


@app.command()
def doctor(
    output: OutputOption = "text",
    bundle: Annotated[
        str | None,
        typer.Option(
            "--bundle",
            metavar="FILE",
            callback=not_empty("--bundle", "a file"),
            help="Write what a bug report needs into this .tar.gz.",
        ),
    ] = None,
    dialect: DialectOption = None,
    settings: SettingsFileOption = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Check the kubeconfig's cluster: versions, kinds, operators, scheduler, permissions, GPUs, storage, settings.

    Only reads. A bundle holds no Secrets and no values of environment variables.

    Exit code: 0; 1 with problems; 2 when the cluster can't be read.

    \b
    runai-nim doctor --settings settings.yaml
    runai-nim doctor --bundle report.tar.gz
    """
    from runai_nim.cli.cluster.connection import ClusterOptions
    from runai_nim.cli.doctor import doctor as run
    from runai_nim.cli.offline_context import read_settings

    assumed = read_settings(settings, dialect=dialect)
    raise typer.Exit(run(assumed, output, ClusterOptions(kubeconfig, context), bundle=bundle))


register_diff(app)
register_import(app)
app.add_typer(policy, name="policy")
app.add_typer(commands)  # without a name: beside the others
