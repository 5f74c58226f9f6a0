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
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the RunaiNimService.")]
NamesArgument = Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of RunaiNimServices.")]
