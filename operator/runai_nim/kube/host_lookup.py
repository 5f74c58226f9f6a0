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
from runai_nim.controller.workqueue import Key
from runai_nim.domain.observed import hosts_of
from runai_nim.kube.client import GRPC_ROUTES, HTTP_ROUTES, INGRESSES, ApiError, Cluster

KINDS: Final = {
    INGRESSES: well_known.INGRESS_KIND,
    HTTP_ROUTES: well_known.HTTP_ROUTE_KIND,
    GRPC_ROUTES: well_known.GRPC_ROUTE_KIND,
}
SHARE: Final = 5
"""One part in so many of the time is spent on listing, at most."""
GIVEN_SECONDS: Final = 60.0
"""For so long a host that was found free is its finder's, whose route is not there yet."""


class Holder(NamedTuple):
    """What has a host: a route, or a RunaiNimService whose route is about to be written."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """For the log: `Ingress team-b/web`."""
        return f"{self.kind} {self.namespace}/{self.name}"


class Answer(NamedTuple):
    """What holds `host` in another namespace than that of who asked, if anything, or why nobody knows."""

    host: str
    holder: Holder | None = None
    error: ApiError | None = None


class Hosts:
    """Answers for RunaiNimServices, by their keys; `look` is called with a key when there is one."""

    def __init__(self, cluster: Cluster, namespaces: Collection[str], look: Callable[[Key], object]) -> None:
        self._cluster, self._namespaces, self._look = cluster, tuple(namespaces) or ("",), look
        self._asked: dict[Key, str] = {}
        self._answers: dict[Key, Answer] = {}
        self._given: dict[str, tuple[Key, float]] = {}
        self._wake = asyncio.Event()

    def ask(self, key: Key, host: str) -> Answer | None:
        """What holds `host` in another namespace than the key's; None while it isn't known yet.

        Each answer is given once. Raises ApiError where the routes could not be listed.
        """
        answer = self._answers.pop(key, None)
        if answer is None or answer.host != host:
            self._asked[key] = host
            self._wake.set()
            return None
        if answer.error is not None:
            raise answer.error
        return answer

    def forget(self, key: Key) -> None:
        """It is gone, and so is what it asked."""
        self._asked.pop(key, None)
        self._answers.pop(key, None)

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            asked, self._asked = self._asked, {}
            began = time.monotonic()
            self._answers |= await self._answered(asked)
            for key in asked:
                self._look(key)
            await asyncio.sleep((time.monotonic() - began) * (SHARE - 1))

    async def _answered(self, asked: Mapping[Key, str]) -> dict[Key, Answer]:
        try:
            found = await self._found(frozenset(asked.values()))
        except ApiError as error:
            return {key: Answer(host, error=error) for key, host in asked.items()}
        self._given = {host: given for host, given in self._given.items() if given[1] > time.monotonic()}
        return {key: Answer(host, self._holder(key, host, found.get(host, {}))) for key, host in asked.items()}

    def _holder(self, key: Key, host: str, found: Mapping[str, Holder]) -> Holder | None:
        """By what was found of the host, by namespace; what is free is the key's from now on."""
        if holder := next((holder for namespace, holder in found.items() if namespace != key[0]), None):
            return holder
        given_to, _ = self._given.get(host, (key, 0.0))
        if given_to[0] != key[0]:
            return Holder(well_known.KIND, *given_to)
        self._given[host] = key, time.monotonic() + GIVEN_SECONDS
        return None

    async def _found(self, hosts: frozenset[str]) -> dict[str, dict[str, Holder]]:
        """Of each host that a route has: which, by namespace, in two of these at most."""
        found: dict[str, dict[str, Holder]] = {}
        async for holder, of_route in self._routes():
            for host in hosts & of_route:
                holders = found.setdefault(host, {})
                if len(holders) < 2:
                    holders.setdefault(holder.namespace, holder)
        return found

    async def _routes(self) -> AsyncIterator[tuple[Holder, frozenset[str]]]:
        """Each route that is not being deleted, and its hosts. Raises ApiError."""
        for resource, kind in KINDS.items():
            for namespace in self._namespaces:
                try:
                    async for page in self._cluster.pages(resource, namespace=namespace):
                        for route in page.pop("items"):
                            metadata = route["metadata"]
                            if "deletionTimestamp" not in metadata:
                                yield Holder(kind, metadata["namespace"], metadata["name"]), hosts_of(route)
                except ApiError as error:
                    if error.status != 404:  # the kind is not installed
                        raise
