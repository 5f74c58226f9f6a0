"""`runai-nim diff`: its options and help. What it does is loaded when it is called."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import typer

from runai_nim.cli.cluster.options import ContextOption, KubeconfigOption
from runai_nim.cli.diagnostic import CommandError
from runai_nim.cli.options import (
    DialectOption,
    FilesOption,
    FractionKeysOption,
    LiveOption,
    NamespaceLabelsOption,
    NamespaceOfDiffOption,
    NewManifestsArgument,
    NewNimOperatorOption,
    NewSettingsFileOption,
    NimOperatorOption,
    OldManifestsArgument,
    OutputOption,
    PoliciesOption,
    SettingsFileOption,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff")(_diff_command)


def _diff_command(
    old: OldManifestsArgument = None,
    new: NewManifestsArgument = None,
    *,
    filename: FilesOption = [],  # noqa: B006 # Typer copies it
    live: LiveOption = False,
    new_settings: NewSettingsFileOption = None,
    new_nim_operator: NewNimOperatorOption = None,
    output: OutputOption = "text",
    dialect: DialectOption = None,
    gpu_fraction_keys: FractionKeysOption = None,
    settings: SettingsFileOption = None,
    nim_operator: NimOperatorOption = None,
    namespace: NamespaceOfDiffOption = None,
    namespace_label: NamespaceLabelsOption = [],  # noqa: B006 # Typer copies it
    policies: PoliciesOption = [],  # noqa: B006
    kubeconfig: KubeconfigOption = None,
    kube_context: ContextOption = None,
) -> None:
    """Print what would change, and whether pods restart.

    Compares manifests A and B, or manifests -f under other settings, with another NIM Operator, or with the cluster.
    Doesn't show values of environment variables and of a claim's annotations.

    Exit code: 0 without changes; 1 with changes; 2 for errors.

    \b
    runai-nim diff old.yaml new.yaml
    runai-nim diff -f llama.yaml --live
    runai-nim diff -f llama.yaml --settings now.yaml --new-settings next.yaml
    """
    from runai_nim.cli.offline_context import offline_context as context

    cluster = (kubeconfig, kube_context)
    files = _checked_files(old, new, filename, modes=(live, bool(new_settings or new_nim_operator)), cluster=cluster)
    assume = partial(context, dialect=dialect, namespace_labels=namespace_label, policies=policies)
    sides = _sides(gpu_fraction_keys, (settings, new_settings), (nim_operator, new_nim_operator))
    if live:
        raise typer.Exit(_diff_live(filename, partial(assume, **sides[0]), output, cluster, namespace=namespace))
    raise typer.Exit(_diff(files, partial(assume, namespace=namespace or "default"), sides, output))


def _diff(
    files: tuple[list[str], list[str] | None],
    assume: Callable[..., Any],
    sides: tuple[dict[str, Any], dict[str, Any]],
    output: Literal["text", "json"],
) -> int:
    from runai_nim.cli.diff import diff_files

    old, new = files
    before, after = (assume(**side) for side in sides)
    return diff_files(old, before, new, after, output=output)


def _diff_live(
    files: list[str],
    assume: Callable[..., Any],
    output: Literal["text", "json"],
    cluster: tuple[str | None, str | None],
    *,
    namespace: str | None,
) -> int:
    from runai_nim.cli.cluster.connection import ClusterOptions
    from runai_nim.cli.live import diff_live

    return diff_live(files, assume, output, ClusterOptions(*cluster), namespace=namespace)


def _sides(
    keys: str | None, settings: tuple[str | None, str | None], nim_operator: tuple[str | None, str | None]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of both sides, from (old, new) pairs. New settings are taken as they are, with their own keys."""
    old = {"gpu_fraction_keys": keys, "settings_file": settings[0], "nim_operator": nim_operator[0]}
    return old, {
        "gpu_fraction_keys": None if settings[1] else keys,
        "settings_file": settings[1] or settings[0],
        "nim_operator": nim_operator[1] or nim_operator[0],
    }


def _checked_files(
    old: str | None,
    new: str | None,
    filename: list[str],
    *,
    modes: tuple[bool, bool],
    cluster: tuple[str | None, str | None],
) -> tuple[list[str], list[str] | None]:
    """The files of both sides; None: the same. Raises CommandError for arguments that exclude each other."""
    if (old is not None, *modes).count(True) != 1 or (old is None) != (new is None) or (old is None) != bool(filename):
        raise CommandError("diff needs A and B, or -f with one of --live, --new-settings and --new-nim-operator")
    if any(cluster) and not modes[0]:
        raise CommandError("--kubeconfig and --context need --live")
    return [old] if old else filename, [new] if new else None
