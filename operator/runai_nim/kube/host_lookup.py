"""Finds which route uses a host: lists the routes of all namespaces on demand and keeps none of them.

Requests that arrive during a LIST share the next one, so the load on the API server is bounded. Only requested hosts
are searched for, so memory doesn't depend on the number of routes.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Final, NamedTuple

from cachetools import TTLCache

from runai_nim.api import well_known
from runai_nim.api.resources import ROUTES, ObjectKey
from runai_nim.domain.observed import hosts_of
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient

LISTING_TIME_SHARE: Final = 5
"""Listing takes at most one part in this many of the time."""
RESERVATION_SECONDS: Final = 60.0
"""A free host stays reserved for its requester this long, until the route exists."""


class HostHolder(NamedTuple):
    """A user of a host: a route, or a RunaiNimService whose route is about to be written."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """For the log: `Ingress team-b/web`."""
        return f"{self.kind} {self.namespace}/{self.name}"


class HostAnswer(NamedTuple):
    """What uses `host` outside the requester's namespace, or why that is unknown."""

    host: str
    holder: HostHolder | None = None
    error: ApiError | None = None


class HostLookup:
    """Answers requests by RunaiNimService key; calls `enqueue` with the key when an answer is available."""

    def __init__(
        self, cluster: KubeClient, namespaces: Collection[str], enqueue: Callable[[ObjectKey], object]
    ) -> None:
        self._cluster = cluster
        self._namespaces = tuple(namespaces) or ("",)
        self._enqueue = enqueue
        self._pending: dict[ObjectKey, str] = {}
        self._answers: dict[ObjectKey, HostAnswer] = {}
        self._reservations: TTLCache[str, ObjectKey] = TTLCache(math.inf, RESERVATION_SECONDS)
        """Who reserved a host. Only hosts of RunaiNimServices are in it, so it needs no maximum size."""
        self._wake = asyncio.Event()

    def ask(self, key: ObjectKey, host: str) -> HostAnswer | None:
        """What uses `host` outside the key's namespace; None until it is known.

        Each answer is returned once. Raises ApiError if the routes could not be listed.
        """
        answer = self._answers.pop(key, None)
        if answer is None or answer.host != host:
            self._pending[key] = host
            self._wake.set()
            return None
        if answer.error is not None:
            raise answer.error
        return answer

    def forget(self, key: ObjectKey) -> None:
        """Drop the requests and reservations of a deleted RunaiNimService."""
        self._pending.pop(key, None)
        self._answers.pop(key, None)

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            pending = self._pending
            self._pending = {}
            began = time.monotonic()
            self._answers |= await self._answer_all(pending)
            for key in pending:
                self._enqueue(key)
            await asyncio.sleep((time.monotonic() - began) * (LISTING_TIME_SHARE - 1))

    async def _answer_all(self, pending: Mapping[ObjectKey, str]) -> dict[ObjectKey, HostAnswer]:
        try:
            holders = await self._find_holders(frozenset(pending.values()))
        except ApiError as error:
            return {key: HostAnswer(host, error=error) for key, host in pending.items()}
        return {key: HostAnswer(host, self._holder(key, host, holders.get(host, {}))) for key, host in pending.items()}

    def _holder(self, key: ObjectKey, host: str, holders: Mapping[str, HostHolder]) -> HostHolder | None:
        """Who uses the host, given its holders by namespace; a free host becomes reserved for the key."""
        if holder := next((holder for namespace, holder in holders.items() if namespace != key[0]), None):
            return holder
        reserved_for = self._reservations.get(host, key)
        if reserved_for[0] != key[0]:
            return HostHolder(well_known.KIND, *reserved_for)
        self._reservations[host] = key
        return None

    async def _find_holders(self, hosts: frozenset[str]) -> dict[str, dict[str, HostHolder]]:
        """For each requested host its holders by namespace, for at most two namespaces."""
        holders_of: dict[str, dict[str, HostHolder]] = {}
        async for holder, of_route in self._routes():
            for host in hosts & of_route:
                holders = holders_of.setdefault(host, {})
                if len(holders) < 2:
                    holders.setdefault(holder.namespace, holder)
        return holders_of

    async def _routes(self) -> AsyncIterator[tuple[HostHolder, frozenset[str]]]:
        """Every route that is not being deleted, with its hosts. Raises ApiError."""
        for resource in ROUTES:
            for namespace in self._namespaces:
                try:
                    async for page in self._cluster.pages(resource, namespace=namespace):
                        for route in page.pop("items"):
                            metadata = route["metadata"]
                            if "deletionTimestamp" not in metadata:
                                holder = HostHolder(resource.kind, metadata["namespace"], metadata["name"])
                                yield holder, hosts_of(route)
                except ApiError as error:
                    if error.status != 404:  # the kind is not installed
                        raise
