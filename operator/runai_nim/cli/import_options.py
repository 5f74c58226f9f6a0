"""`runai-nim import`: its options and help. What it does is loaded when it is called."""

from typing import Annotated, Literal

import typer

from runai_nim.cli.options import DialectOption, FractionKeysOption, NamespaceLabelsOption, SettingsFileOption

_FilesArgument = Annotated[
    list[str],
    typer.Argument(metavar="FILE|DIR|-", help="NIMServices: files, the files directly in a directory, or - for stdin."),
]
_FromRunaiOption = Annotated[
    bool, typer.Option("--from-runai", help="The files contain answers of Run:ai's REST API: workloads with a spec.")
]
_OutputOption = Annotated[Literal["yaml", "json"], typer.Option("-o", "--output", help="Output format.")]
_DirectoryOption = Annotated[
    str | None,
    typer.Option("--output-directory", metavar="DIR", help="Write a file for each, and a kustomization.yaml."),
]
_ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")]
_AdoptOption = Annotated[
    bool, typer.Option("--adopt", help="Print the steps that hand running NIMServices over to the operator.")
]
_NamespaceOption = Annotated[
    str | None, typer.Option("-n", "--namespace", help="Namespace for manifests without one; default: none.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(_import)


def _import(
    files: _FilesArgument,
    *,
    from_runai: _FromRunaiOption = False,
    output: _OutputOption = "yaml",
    output_directory: _DirectoryOption = None,
    force: _ForceOption = False,
    adopt: _AdoptOption = False,
    dialect: DialectOption = None,
    gpu_fraction_keys: FractionKeysOption = None,
    settings: SettingsFileOption = None,
    namespace: _NamespaceOption = None,
    namespace_label: NamespaceLabelsOption = [],  # noqa: B006 # Typer copies it
) -> None:
    """Convert NIMServices to RunaiNimServices, field by field.

    What a RunaiNimService can't say becomes a finding. stderr has the findings, and what differs between each
    NIMService and the one that its RunaiNimService becomes, without values of environment variables.

    Exit code: 0; 1 with errors; 2 when the input can't be read, contains no NIMService, or a file exists.

    \b
    runai-nim import nimservice.yaml > llama.yaml
    kubectl get nimservices -n team-a -o yaml | runai-nim import - --output-directory team-a --adopt
    runai-nim import --from-runai workloads.json --output-directory team-a -n runai-team-a
    """
    from runai_nim.cli.import_manifests import ImportOutput, run_import
    from runai_nim.cli.offline_context import DEFAULT_NAMESPACE, offline_context

    assumed = offline_context(
        dialect=dialect,
        gpu_fraction_keys=gpu_fraction_keys,
        settings_file=settings,
        namespace=namespace or DEFAULT_NAMESPACE,
        namespace_labels=namespace_label,
    )
    made = ImportOutput(output, namespace=namespace or "", directory=output_directory, force=force, adopt=adopt)
    raise typer.Exit(run_import(files, assumed, made, from_runai=from_runai))
