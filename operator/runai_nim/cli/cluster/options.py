"""Options that commands on a cluster share."""

from typing import Annotated

import typer

from runai_nim.cli.given_values import checked_name, checked_names, checked_namespace, not_empty

KubeconfigOption = Annotated[
    str | None,
    typer.Option(
        "--kubeconfig",
        metavar="FILE",
        callback=not_empty("--kubeconfig", "a file"),
        help="The kubeconfig; default: the one in KUBECONFIG.",
    ),
]
ContextOption = Annotated[
    str | None,
    typer.Option(
        "--context",
        callback=not_empty("--context", "a context of the kubeconfig"),
        help="Context of the kubeconfig; default: the current one.",
    ),
]
NamespaceOption = Annotated[
    str, typer.Option("-n", "--namespace", help="Namespace; default: the context's.", callback=checked_namespace)
]


def _complete_name(ctx: typer.Context, incomplete: str) -> list[str]:
    from runai_nim.cli.cluster.completion import service_names

    return service_names(ctx.params, incomplete)


NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Name of the RunaiNimService.", autocompletion=_complete_name, callback=checked_name
    ),
]
NamesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME...", help="Names of RunaiNimServices.", autocompletion=_complete_name, callback=checked_names
    ),
]
