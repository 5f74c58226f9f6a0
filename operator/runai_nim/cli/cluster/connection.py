"""The connection of a command: the kubeconfig's cluster, and errors as one line."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from difflib import get_close_matches
from typing import Final, Literal, NamedTuple, TypeVar

from runai_nim.api.resources import RUNAI_NIM_SERVICES, KubeObject
from runai_nim.cli import terminal
from runai_nim.cli.diagnostic import CommandError
from runai_nim.config.log_format import configure_logging
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient
from runai_nim.kube.command_client import CommandClient

T = TypeVar("T")
_UNTIL_PROGRESS: Final = 1.0
_INTERRUPTED: Final = 130
"""Exit code after Ctrl+C, as of a shell."""


class ClusterOptions(NamedTuple):
    """Which kubeconfig and which of its contexts; None: KUBECONFIG's, and the current one."""

    kubeconfig: str | None = None
    context: str | None = None


def run(
    options: ClusterOptions,
    use: Callable[[CommandClient], Awaitable[T]],
    *,
    log_level: Literal["warning", "error"] = "warning",
    progress: str = "",
) -> T:
    """Connect and call `use`. Raises CommandError where the API server refuses or doesn't answer.

    progress: what a terminal shows from the first second on; not for commands that write meanwhile.
    """
    configure_logging("console", log_level)  # to stderr; structlog's default is stdout
    try:
        return asyncio.run(_run(options, use, progress))
    except ApiError as error:
        raise CommandError(f"the cluster can't be read: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None


async def _run(options: ClusterOptions, use: Callable[[CommandClient], Awaitable[T]], progress: str) -> T:
    shown = asyncio.create_task(_show(progress))
    try:
        cluster = await CommandClient.connect(kubeconfig=options.kubeconfig, context=options.context)
        try:
            return await use(cluster)
        finally:
            await cluster.close()
    finally:
        shown.cancel()
        await asyncio.gather(shown, return_exceptions=True)


async def _show(progress: str) -> None:
    if progress:
        await asyncio.sleep(_UNTIL_PROGRESS)
        with terminal.progress(progress):
            await asyncio.Event().wait()


async def service_pages(
    cluster: KubeClient, selector: str = "", namespace: str = "", *, metadata_only: bool = False
) -> AsyncIterator[KubeObject]:
    """The pages of RunaiNimServices. Raises CommandError where the cluster has no such kind."""
    try:
        async for page in cluster.pages(RUNAI_NIM_SERVICES, selector, namespace, metadata_only=metadata_only):
            yield page
    except ApiError as error:
        if error.status == 403 and not namespace:
            raise CommandError(f"the cluster can't be read: {error}; name a namespace of yours by -n") from None
        if error.status == 400 and selector:
            must = "be a label selector, such as team=search"
            raise CommandError(f'--selector is "{selector}" but must {must}: {error.message}') from None
        if error.status != 404:
            raise
        message = "the cluster can't be read: it doesn't serve RunaiNimServices; install the operator's chart"
        raise CommandError(message) from None


async def not_found(cluster: KubeClient, name: str, namespace: str) -> str:
    """A line that says so, with similar names if these may be listed.

    Raises CommandError where the cluster has no such kind.
    """
    known: list[str] = []
    try:
        async for page in service_pages(cluster, namespace=namespace, metadata_only=True):
            known += (item["metadata"]["name"] for item in page["items"])
    except ApiError as error:
        if error.status != 403:
            raise
    near = get_close_matches(name, known)
    hint = f"; did you mean {' or '.join(near)}?" if near else ", runai-nim list shows all"
    return f'no RunaiNimService "{name}" in namespace {namespace}{hint}'
