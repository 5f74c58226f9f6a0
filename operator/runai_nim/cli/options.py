"""Options that several commands of `runai-nim` share."""

from typing import Annotated, Literal

import typer

from runai_nim.cli.given_values import checked_namespace, not_empty

FilesOption = Annotated[
    list[str],
    typer.Option(
        "-f",
        "--filename",
        metavar="FILE|DIR|-",
        callback=not_empty("-f", "a file, a directory, or - for stdin"),
        help="Manifests: a file, the files directly in a directory, or - for stdin.",
    ),
]
SettingsFileOption = Annotated[
    str | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        callback=not_empty("--settings", "a file"),
        help="The operator's settings, or values of its chart; default: none.",
    ),
]
DialectOption = Annotated[
    Literal["runai", "kai"] | None,
    typer.Option("--dialect", help="Scheduler; default: the one in the settings, or runai."),
]
FractionKeysOption = Annotated[
    Literal["annotations", "shorthand", "nvfractions"] | None,
    typer.Option("--gpu-fraction-keys", help="Keys of GPU shares; default: those in the settings, or annotations."),
]
NimOperatorOption = Annotated[
    str | None,
    typer.Option(
        "--nim-operator",
        metavar="VERSION|FILE",
        callback=not_empty("--nim-operator", "a version or a file"),
        help="Report fields that this version of the NIM Operator (3.0.2 to 3.1.4, main), or the NIMService CRD in this"
        " file, lacks.",
    ),
]
OutputOption = Annotated[Literal["text", "json"], typer.Option("-o", "--output", help="Output format.")]
NamespaceOption = Annotated[str, typer.Option("-n", "--namespace", help="Namespace for manifests without one.")]
NamespaceOfDiffOption = Annotated[
    str | None,
    typer.Option(
        "-n",
        "--namespace",
        callback=checked_namespace,
        help="Namespace for manifests without one; default: default, with --live the context's.",
    ),
]
NamespaceLabelsOption = Annotated[
    list[str],
    typer.Option("--namespace-label", metavar="KEY=VALUE", help="A label of the namespace, such as its project."),
]

PoliciesOption = Annotated[
    list[str],
    typer.Option(
        "--policies",
        metavar="FILE|DIR",
        callback=not_empty("--policies", "a file or a directory"),
        help="Policies to apply; with --live beside the cluster's, in the place of those of the same name.",
    ),
]
StrictRunaiOption = Annotated[bool, typer.Option("--strict-runai", help="Reject the fields that Run:ai's API lacks.")]

OldManifestsArgument = Annotated[
    str | None,
    typer.Argument(metavar="[A]", callback=not_empty("A", "a file or a directory"), help="Manifests before."),
]
NewManifestsArgument = Annotated[
    str | None,
    typer.Argument(metavar="[B]", callback=not_empty("B", "a file or a directory"), help="Manifests after."),
]
LiveOption = Annotated[bool, typer.Option("--live", help="Compare with the kubeconfig's cluster; only reads.")]
NewSettingsFileOption = Annotated[
    str | None,
    typer.Option(
        "--new-settings",
        metavar="FILE",
        callback=not_empty("--new-settings", "a file"),
        help="Compare with these settings.",
    ),
]
NewNimOperatorOption = Annotated[
    str | None,
    typer.Option(
        "--new-nim-operator",
        metavar="VERSION|FILE",
        callback=not_empty("--new-nim-operator", "a version or a file"),
        help="Compare with this NIM Operator.",
    ),
]
