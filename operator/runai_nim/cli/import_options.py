"""`runai-nim import`: its options and help. What it does is loaded when it is called."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

import typer

from runai_nim.cli.cluster.options import ContextOption, KubeconfigOption
from runai_nim.cli.diagnostic import CommandError
from runai_nim.cli.given_values import checked_namespace, not_empty
from runai_nim.cli.options import DialectOption, FractionKeysOption, NamespaceLabelsOption, SettingsFileOption

_FilesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE|DIR|-",
        callback=not_empty("FILE", "a file, a directory, or - for stdin"),
        help="NIMServices: files, the files directly in a directory, or - for stdin.",
    ),
]
_FromRunaiOption = Annotated[
    bool, typer.Option("--from-runai", help="The files contain answers of Run:ai's REST API: workloads with a spec.")
]
_LiveOption = Annotated[
    bool, typer.Option("--live", help="Import the NIMServices of a namespace of the kubeconfig's cluster; only reads.")
]
_OutputOption = Annotated[Literal["yaml", "json"], typer.Option("-o", "--output", help="Output format.")]
_DirectoryOption = Annotated[
    str | None,
    typer.Option(
        "--output-directory",
        metavar="DIR",
        callback=not_empty("--output-directory", "a directory"),
        help="Write a file for each, and a kustomization.yaml.",
    ),
]
_ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")]
_AdoptOption = Annotated[
    bool, typer.Option("--adopt", help="Print the steps that hand running NIMServices over to the operator.")
]
_NamespaceOption = Annotated[
    str | None,
    typer.Option(
        "-n",
        "--namespace",
        callback=checked_namespace,
        help="Namespace for manifests without one, default: none; with --live the one to read.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(_import)


def _import(
    files: _FilesArgument = None,
    *,
    live: _LiveOption = False,
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
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Convert NIMServices to RunaiNimServices, field by field.

    What a RunaiNimService can't say becomes a finding. stderr has the findings, and what differs between each
    NIMService and the one that its RunaiNimService becomes, without values of environment variables.

    Exit code: 0; 1 with errors; 2 when the input can't be read, contains no NIMService, or a file exists.

    \b
    runai-nim import nimservice.yaml > llama.yaml
    runai-nim import --live -n team-a --output-directory team-a --adopt > adopt.sh
    runai-nim import --from-runai workloads.json --output-directory team-a -n runai-team-a
    """
    from runai_nim.cli.import_manifests import ImportOutput
    from runai_nim.cli.offline_context import DEFAULT_NAMESPACE, offline_context

    cluster = (kubeconfig, context)
    made = ImportOutput(output, namespace=namespace or "", directory=output_directory, force=force, adopt=adopt)
    _check(files, made, live=live, from_runai=from_runai, cluster=cluster)
    assume = partial(offline_context, dialect=dialect, gpu_fraction_keys=gpu_fraction_keys, settings_file=settings)
    assumed = assume(namespace=namespace or DEFAULT_NAMESPACE, namespace_labels=namespace_label)
    raise typer.Exit(_run(files or [], assumed, made, from_runai=from_runai, cluster=cluster if live else None))


def _check(
    files: list[str] | None, made: Any, *, live: bool, from_runai: bool, cluster: tuple[str | None, str | None]
) -> None:
    """Raises CommandError for options that exclude each other."""
    if live == bool(files):
        raise CommandError("name NIMServices by files, directories or -, or a cluster by --live: one of the two")
    if any(cluster) and not live:
        raise CommandError("--kubeconfig and --context need --live")
    if from_runai and live:
        raise CommandError("--from-runai reads files: leave out --live")
    if made.adopt and made.directory is None:
        raise CommandError("--adopt needs --output-directory: the steps apply its files")
    if made.adopt and from_runai:
        raise CommandError("--adopt is for NIMServices: leave it out, workloads of Run:ai can't be adopted")


def _run(
    files: list[str], assumed: Any, made: Any, *, from_runai: bool, cluster: tuple[str | None, str | None] | None
) -> int:
    """Import, from files or from a cluster, and return the exit code."""
    from runai_nim.cli.import_manifests import run_import
    from runai_nim.cli.import_sources import imported_nimservices, imported_workloads, read_nimservices

    if from_runai:
        return run_import(list(imported_workloads(files, made.namespace)), assumed, made)
    if cluster is None:
        return run_import(list(imported_nimservices(read_nimservices(files), assumed, made.namespace)), assumed, made)
    from runai_nim.cli.cluster.connection import ClusterOptions
    from runai_nim.cli.cluster.live_nimservices import read_live_nimservices

    live = read_live_nimservices(ClusterOptions(*cluster), made.namespace)
    assumed = replace(assumed, namespace=live.namespace, namespace_labels=assumed.namespace_labels or live.labels)
    return run_import(list(imported_nimservices(live.found, assumed, live.namespace)), assumed, made)
