"""Which replica may write: a Lease, taken and renewed by a thread of its own. It decides nothing else.

The thread has an event loop and a connection of its own, so that a busy reconciliation can't lose the Lease. What it
wins is time to write, granted ahead and shorter than the Lease: a process that was frozen finds that its time is over.
Deadlines are of the monotonic clock, and how long another replica's Lease holds is measured by this process's own; the
times in the Lease are for people. docs/design/election.md says why no library does this.
"""

import asyncio
import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping, number, word
from runai_nim.kube.client import LEASES, Answered, ApiError, Cluster

logger = logging.getLogger(__name__)

NAME: Final = well_known.FIELD_MANAGER
"""The Lease's name."""
_LONGEST_POLL_SECONDS: Final = 1.0
_RELEASE_SECONDS: Final = 1.0
"""A release that takes longer is given up: the Lease runs out by itself."""


class NotLeaderError(ApiError):
    """This replica may not write now. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__(409, "NotLeader", "another replica leads")


@dataclass(slots=True)
class Seen:
    """The Lease as last seen, and since when it has been like that, by this process's own clock."""

    lease: Mapping[str, Any] | None = None
    version: str | None = None
    """Its resourceVersion; None when there is none to replace."""
    since: float = 0.0

    def take_up(self, lease: Mapping[str, Any] | None, now: float) -> None:
        """Note what the API server says; None: there is no Lease.

        What was deleted holds all the same until it would have run out: its holder may not know yet.
        """
        version = lease["metadata"]["resourceVersion"] if lease else None
        if lease and version != self.version:
            self.lease, self.since = lease, now
        self.version = version

    def holder(self) -> str:
        """Who holds it; empty when nobody does."""
        return word(self._spec.get("holderIdentity"))

    def held_for(self, identity: str, now: float) -> float:
        """Seconds until `identity` may take it: 0 where it is free, has run out, or is its own."""
        if self.holder() in ("", identity):
            return 0.0
        return max(0.0, self.since + number(self._spec.get("leaseDurationSeconds")) - now)

    def taken_by(self, identity: str, seconds: int, now: datetime) -> dict[str, Any]:
        """The spec that says that `identity` has it from now on for so many seconds, or still."""
        stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        mine = self.holder() == identity
        return {
            "holderIdentity": identity,
            "leaseDurationSeconds": seconds,
            "acquireTime": word(self._spec.get("acquireTime"), stamp) if mine else stamp,
            "renewTime": stamp,
            "leaseTransitions": number(self._spec.get("leaseTransitions")) + (0 if mine else 1),
        }

    def released(self) -> dict[str, Any]:
        """The spec that says that nobody has it."""
        return {**self._spec, "holderIdentity": ""}

    @property
    def _spec(self) -> Mapping[str, Any]:
        return mapping((self.lease or {}).get("spec"))


class Election:
    """This replica's candidacy for the Lease of `namespace`, under its `name`.

    seconds: how long the Lease holds without a renewal. granted: called, in the thread, after each time that time to
    write was granted. answered: told of each request.
    """

    def __init__(
        self, name: str, namespace: str, seconds: int, granted: Callable[[], object], answered: Answered
    ) -> None:
        self._namespace, self._seconds = namespace, seconds
        self._granted, self._answered = granted, answered
        self._identity = f"{name}_{secrets.token_hex(4)}"
        self._seen, self._certain = Seen(), False
        self._may_write_until = 0.0
        self._led = self._failing = False
        self._loop: asyncio.AbstractEventLoop
        self._stop = asyncio.Event()
        self._ended: Future[None] = Future()
        # A daemon, so that a process which ends by an error does not wait for it.
        self._thread = threading.Thread(target=self._serve, name="election", daemon=True)

    @property
    def leads(self) -> bool:
        """Is there time left to write?"""
        return time.monotonic() < self._may_write_until

    def permit(self) -> None:
        """Raise NotLeaderError unless this replica may send a write now."""
        if not self.leads:
            raise NotLeaderError

    async def run(self) -> None:
        """Stand for election until `resign`. Raises what ends the thread by mistake."""
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        await asyncio.shield(asyncio.wrap_future(self._ended))

    async def resign(self) -> None:
        """Let the Lease go, so that another replica takes it at once. Nothing may be written any more by then."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            await asyncio.to_thread(self._thread.join, 2 * _RELEASE_SECONDS)

    def _serve(self) -> None:
        try:
            self._ended.set_result(self._loop.run_until_complete(self._campaign()))
        except Exception as error:
            self._ended.set_exception(error)
        self._loop.close()

    async def _campaign(self) -> None:
        cluster = await Cluster.connect(self._answered)
        try:
            while not self._stop.is_set():
                pause = await self._turn(cluster)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), pause)
            await self._release(cluster)
        finally:
            await cluster.close()

    async def _turn(self, cluster: Cluster) -> float:
        """Renew the Lease, or take it when it may be taken; the seconds until the next turn."""
        soon = min(_LONGEST_POLL_SECONDS, self._seconds / 15)
        try:
            async with asyncio.timeout(self._seconds / 5):
                if held := await self._held_by_another(cluster):
                    pause = min(soon, held)
                else:
                    await self._take(cluster)
                    pause = self._seconds / 6  # and two attempts without an answer fit into what was granted
            self._failing = False
        except (ApiError, TimeoutError) as error:
            pause = max(soon, getattr(error, "retry_after", 0.0))
            self._tell_of(error)
        if self.leads != self._led:
            self._led = self.leads
            logger.warning("leads" if self._led else "leads no more", extra={"lease": f"{self._namespace}/{NAME}"})
        return pause

    def _tell_of(self, error: Exception) -> None:
        # A conflict says that another replica was faster; everything else is told once while it lasts.
        if not self._failing and getattr(error, "status", 0) != 409:
            self._failing = True
            said = str(error) or type(error).__name__
            logger.warning("the Lease can't be read or written, trying again", extra={"error": said})

    async def _held_by_another(self, cluster: Cluster) -> float:
        """For how many seconds another replica has it yet. The leader does not ask while it knows its own Lease."""
        if not self._certain:
            self._seen.take_up(await cluster.get(LEASES, self._namespace, NAME), time.monotonic())
        held = self._seen.held_for(self._identity, time.monotonic())
        if held:
            self._may_write_until = 0.0
        return held

    async def _take(self, cluster: Cluster) -> None:
        asked, self._certain = time.monotonic(), False
        await self._put(cluster, self._seen.taken_by(self._identity, self._seconds, datetime.now(UTC)))
        # Others count from when they see it, which is later than `asked`. The last third is for what is under way.
        self._may_write_until, self._certain = asked + self._seconds * 2 / 3, True
        self._granted()

    async def _release(self, cluster: Cluster) -> None:
        self._may_write_until = 0.0
        if not self._certain:
            return
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._put(cluster, self._seen.released())
        except (ApiError, TimeoutError) as error:
            logger.warning("the Lease was not released, it has to run out", extra={"error": str(error)})

    async def _put(self, cluster: Cluster, spec: Mapping[str, Any]) -> None:
        metadata = {"name": NAME, "namespace": self._namespace}
        lease = {"apiVersion": LEASES.api_version, "kind": "Lease", "metadata": metadata, "spec": spec}
        stored = await cluster.apply(LEASES, lease, resource_version=self._seen.version)
        self._seen.take_up(stored, time.monotonic())
