"""Names of RunaiNimServices for the shell's completion: quickly, or none."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Final

from runai_nim.api.resources import RUNAI_NIM_SERVICES
from runai_nim.cli.cluster.connection import ClusterOptions
from runai_nim.config.log_format import configure_logging
from runai_nim.kube.bounded_reader import PageSize
from runai_nim.kube.command_client import CommandClient

_SECONDS: Final = 2.0
"""Longest wait of somebody who has pressed the tab key."""
_PAGE: Final = 500


def service_names(parameters: Mapping[str, Any], incomplete: str) -> list[str]:
    """The names in the namespace that the options select, without those that are given already.

    What was read until then, if the cluster is slow; none for any error: nobody can read a message within a word.
    """
    configure_logging("console", "critical")
    found: list[str] = []
    with suppress(Exception):  # also of the kubeconfig and its plugins
        asyncio.run(asyncio.wait_for(_read(parameters, found), _SECONDS))
    given: Collection[str] = parameters.get("names") or ()
    return [name for name in found if name.startswith(incomplete) and name not in given]


async def _read(parameters: Mapping[str, Any], found: list[str]) -> None:
    options = ClusterOptions(parameters.get("kubeconfig"), parameters.get("context"))
    cluster = await CommandClient.connect(kubeconfig=options.kubeconfig, context=options.context)
    try:
        namespace = parameters.get("namespace") or cluster.namespace
        async for page in cluster.pages(
            RUNAI_NIM_SERVICES, namespace=namespace, metadata_only=True, size=PageSize(limit=_PAGE)
        ):
            found += (item["metadata"]["name"] for item in page["items"])
    finally:
        await cluster.close()
