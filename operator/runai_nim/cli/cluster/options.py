"""Options that commands on a cluster share."""

from typing import Annotated

import typer

KubeconfigOption = Annotated[
    str | None, typer.Option("--kubeconfig", metavar="FILE", help="The kubeconfig; default: the one in KUBECONFIG.")
]
ContextOption = Annotated[
    str | None, typer.Option("--context", help="Context of the kubeconfig; default: the current one.")
]
NamespaceOption = Annotated[str, typer.Option("-n", "--namespace", help="Namespace; default: the context's.")]


def _complete_name(ctx: typer.Context, incomplete: str) -> list[str]:
    from runai_nim.cli.cluster.completion import service_names

    return service_names(ctx.params, incomplete)


NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the RunaiNimService.", autocompletion=_complete_name)
]
NamesArgument = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="Names of RunaiNimServices.", autocompletion=_complete_name)
]
