"""The connection of a command: the kubeconfig's cluster, and errors as one line."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, TypeVar

from runai_nim.cli.diagnostic import CommandError
from runai_nim.config.log_format import configure_logging
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient

T = TypeVar("T")
_INTERRUPTED: Final = 130
"""Exit code after Ctrl+C, as of a shell."""


class ClusterOptions(NamedTuple):
    """Which kubeconfig and which of its contexts; None: KUBECONFIG's, and the current one."""

    kubeconfig: str | None = None
    context: str | None = None


def run(options: ClusterOptions, use: Callable[[KubeClient], Awaitable[T]]) -> T:
    """Connect and call `use`. Raises CommandError where the API server refuses or doesn't answer."""
    configure_logging("console", "warning")  # to stderr; structlog's default is stdout
    try:
        return asyncio.run(_run(options, use))
    except ApiError as error:
        raise CommandError(f"the cluster can't be read: {_told(error)}") from None
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None


async def _run(options: ClusterOptions, use: Callable[[KubeClient], Awaitable[T]]) -> T:
    cluster = await KubeClient.connect(kubeconfig=options.kubeconfig, context=options.context)
    try:
        return await use(cluster)
    finally:
        await cluster.close()


def _told(error: ApiError) -> str:
    if error.status == 404:
        return "it doesn't serve RunaiNimServices; install the operator's chart"
    return str(error)
