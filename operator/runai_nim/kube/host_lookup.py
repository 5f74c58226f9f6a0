"""Who has a host: routes of all namespaces, listed when somebody asks, and none of them kept.

Everybody who asks while a listing goes on has an answer by the next one, so that what it costs the API server depends
neither on how many ask nor on how often; and only the hosts asked for are looked for, so that what it costs in memory
doesn't depend on the routes. It decides nothing.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Final, NamedTuple

from runai_nim.api import well_known
from runai_nim.api.resources import ROUTES, ObjectKey
from runai_nim.domain.observed import hosts_of
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient

LISTING_TIME_SHARE: Final = 5
"""One part in so many of the time is spent on listing, at most."""
RESERVATION_SECONDS: Final = 60.0
"""For so long a host that was found free is its finder's, whose route is not there yet."""


class HostHolder(NamedTuple):
    """What has a host: a route, or a RunaiNimService whose route is about to be written."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """For the log: `Ingress team-b/web`."""
        return f"{self.kind} {self.namespace}/{self.name}"


class HostAnswer(NamedTuple):
    """What holds `host` in another namespace than that of who asked, if anything, or why nobody knows."""

    host: str
    holder: HostHolder | None = None
    error: ApiError | None = None


class HostLookup:
    """Answers for RunaiNimServices, by their keys; `enqueue` is called with a key when there is one."""

    def __init__(
        self, cluster: KubeClient, namespaces: Collection[str], enqueue: Callable[[ObjectKey], object]
    ) -> None:
        self._cluster, self._namespaces, self._enqueue = cluster, tuple(namespaces) or ("",), enqueue
        self._pending: dict[ObjectKey, str] = {}
        self._answers: dict[ObjectKey, HostAnswer] = {}
        self._reservations: dict[str, tuple[ObjectKey, float]] = {}
        self._wake = asyncio.Event()

    def ask(self, key: ObjectKey, host: str) -> HostAnswer | None:
        """What holds `host` in another namespace than the key's; None while it isn't known yet.

        Each answer is given once. Raises ApiError where the routes could not be listed.
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
        """It is gone, and so is what it asked."""
        self._pending.pop(key, None)
        self._answers.pop(key, None)

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            pending, self._pending = self._pending, {}
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
        self._reservations = {
            host: reservation for host, reservation in self._reservations.items() if reservation[1] > time.monotonic()
        }
        return {key: HostAnswer(host, self._holder(key, host, holders.get(host, {}))) for key, host in pending.items()}

    def _holder(self, key: ObjectKey, host: str, holders: Mapping[str, HostHolder]) -> HostHolder | None:
        """By what was found of the host, by namespace; what is free is the key's from now on."""
        if holder := next((holder for namespace, holder in holders.items() if namespace != key[0]), None):
            return holder
        given_to, _ = self._reservations.get(host, (key, 0.0))
        if given_to[0] != key[0]:
            return HostHolder(well_known.KIND, *given_to)
        self._reservations[host] = key, time.monotonic() + RESERVATION_SECONDS
        return None

    async def _find_holders(self, hosts: frozenset[str]) -> dict[str, dict[str, HostHolder]]:
        """Of each host that a route has: which, by namespace, in two of these at most."""
        holders_of: dict[str, dict[str, HostHolder]] = {}
        async for holder, of_route in self._routes():
            for host in hosts & of_route:
                holders = holders_of.setdefault(host, {})
                if len(holders) < 2:
                    holders.setdefault(holder.namespace, holder)
        return holders_of

    async def _routes(self) -> AsyncIterator[tuple[HostHolder, frozenset[str]]]:
        """Each route that is not being deleted, and its hosts. Raises ApiError."""
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
