"""Leader election with a Lease that a separate thread acquires and renews.

The thread has its own event loop and connection, so a busy reconciliation can't lose the Lease. Each renewal grants
time to write that is shorter than the Lease: a process that was frozen sees that its time is over. Deadlines, also
those of other replicas' Leases, use this process's monotonic clock; the times in the Lease are informational.
docs/design/election.md explains why no library is used.
"""

import asyncio
import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim.api import well_known
from runai_nim.api.resources import LEASES
from runai_nim.api.untrusted_values import mapping, number, word
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient
from runai_nim.kube.transport import ResponseObserver

logger: FilteringBoundLogger = structlog.get_logger(__name__)

LEASE_NAME: Final = well_known.FIELD_MANAGER
"""Name of the Lease."""
_MAX_POLL_SECONDS: Final = 1.0
_RELEASE_SECONDS: Final = 1.0
"""Timeout of the release; without it the Lease expires."""


class NotLeaderError(ApiError):
    """This replica may not write now, so no request was sent."""

    def __init__(self) -> None:
        super().__init__(409, "NotLeader", "another replica is the leader")


@dataclass(slots=True)
class LeaseRecord:
    """The Lease as last observed, and since when it is unchanged by this process's clock."""

    lease: Mapping[str, Any] | None = None
    version: str | None = None
    """Its resourceVersion; None if there is no Lease to replace."""
    observed_at: float = 0.0

    def observe(self, lease: Mapping[str, Any] | None, now: float) -> None:
        """Store the API server's answer; None: there is no Lease.

        A deleted Lease counts as held until it would have expired: its holder may not know of the deletion yet.
        """
        version = lease["metadata"]["resourceVersion"] if lease else None
        if lease and version != self.version:
            self.lease = lease
            self.observed_at = now
        self.version = version

    def holder(self) -> str:
        """Identity of the holder; empty if free."""
        return word(self._spec.get("holderIdentity"))

    def seconds_held(self, identity: str, now: float) -> float:
        """Seconds until `identity` may acquire it: 0 if it is free, expired or already its own."""
        if self.holder() in ("", identity):
            return 0.0
        return max(0.0, self.observed_at + number(self._spec.get("leaseDurationSeconds")) - now)

    def acquire_spec(self, identity: str, seconds: int, now: datetime) -> dict[str, Any]:
        """The spec with which `identity` acquires or renews it for so many seconds."""
        stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        mine = self.holder() == identity
        return {
            "holderIdentity": identity,
            "leaseDurationSeconds": seconds,
            "acquireTime": word(self._spec.get("acquireTime"), stamp) if mine else stamp,
            "renewTime": stamp,
            "leaseTransitions": number(self._spec.get("leaseTransitions")) + (0 if mine else 1),
        }

    def release_spec(self) -> dict[str, Any]:
        """The spec of a released Lease."""
        return {**self._spec, "holderIdentity": ""}

    @property
    def _spec(self) -> Mapping[str, Any]:
        return mapping((self.lease or {}).get("spec"))


class LeaderElection:
    """This replica's candidate for the Lease in `namespace`, with identity `name`.

    `seconds`: duration of the Lease. `on_granted`: called in the thread after each successful renewal.
    `observe_response`: called for each response.
    """

    def __init__(
        self,
        name: str,
        *,
        namespace: str,
        seconds: int,
        on_granted: Callable[[], object],
        observe_response: ResponseObserver,
    ) -> None:
        self._namespace = namespace
        self._seconds = seconds
        self._on_granted = on_granted
        self._observe_response = observe_response
        self._identity = f"{name}_{secrets.token_hex(4)}"
        self._lease_record = LeaseRecord()
        self._is_record_certain = False
        self._write_deadline = 0.0
        self._was_leader = self._failing = False
        self._loop: asyncio.AbstractEventLoop
        self._stop = asyncio.Event()
        self._thread_result: Future[None] = Future()
        # A daemon thread, so that a process that fails doesn't wait for it.
        self._thread = threading.Thread(target=self._serve, name="election", daemon=True)

    @property
    def is_leader(self) -> bool:
        """Whether this replica may write now."""
        return time.monotonic() < self._write_deadline

    def require_leader(self) -> None:
        """Raise NotLeaderError unless this replica may write now."""
        if not self.is_leader:
            raise NotLeaderError

    async def run(self) -> None:
        """Acquire and renew until `resign`. Raises an unexpected error of the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        await asyncio.shield(asyncio.wrap_future(self._thread_result))

    async def resign(self) -> None:
        """Release the Lease, so that another replica acquires it at once. The caller must have stopped all writes."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            await asyncio.to_thread(self._thread.join, 2 * _RELEASE_SECONDS)

    def _serve(self) -> None:
        try:
            self._thread_result.set_result(self._loop.run_until_complete(self._campaign()))
        except Exception as error:
            self._thread_result.set_exception(error)
        self._loop.close()

    async def _campaign(self) -> None:
        cluster = await KubeClient.connect(self._observe_response)
        try:
            while not self._stop.is_set():
                pause = await self._run_once(cluster)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), pause)
            await self._release(cluster)
        finally:
            await cluster.close()

    async def _run_once(self, cluster: KubeClient) -> float:
        """Renew the Lease, or acquire it if possible; return the seconds until the next attempt."""
        soon = min(_MAX_POLL_SECONDS, self._seconds / 15)
        try:
            async with asyncio.timeout(self._seconds / 5):
                if seconds_held := await self._seconds_held_by_other(cluster):
                    pause = min(soon, seconds_held)
                else:
                    await self._acquire(cluster)
                    pause = self._seconds / 6  # so two attempts without a response fit into the granted time
            self._failing = False
        except (ApiError, TimeoutError) as error:
            pause = max(soon, getattr(error, "retry_after", 0.0))
            self._log_failure(error)
        if self.is_leader != self._was_leader:
            self._was_leader = self.is_leader
            logger.warning(
                "lease acquired" if self._was_leader else "lease lost", lease=f"{self._namespace}/{LEASE_NAME}"
            )
        return pause

    def _log_failure(self, error: Exception) -> None:
        # A conflict means that another replica was faster; other errors are logged once while they last.
        if not self._failing and getattr(error, "status", 0) != 409:
            self._failing = True
            message = str(error) or type(error).__name__
            logger.warning("lease request failed, retrying", error=message)

    async def _seconds_held_by_other(self, cluster: KubeClient) -> float:
        """Seconds for which another replica still holds it. The leader sends no request while it knows its own
        Lease."""
        if not self._is_record_certain:
            self._lease_record.observe(await cluster.get(LEASES, self._namespace, LEASE_NAME), time.monotonic())
        seconds_held = self._lease_record.seconds_held(self._identity, time.monotonic())
        if seconds_held:
            self._write_deadline = 0.0
        return seconds_held

    async def _acquire(self, cluster: KubeClient) -> None:
        requested_at = time.monotonic()
        self._is_record_certain = False
        await self._write_lease(
            cluster, self._lease_record.acquire_spec(self._identity, self._seconds, datetime.now(UTC))
        )
        # Other replicas count from when they see the renewal, which is later than `requested_at`. The last third is a
        # margin for requests in flight.
        self._write_deadline = requested_at + self._seconds * 2 / 3
        self._is_record_certain = True
        self._on_granted()

    async def _release(self, cluster: KubeClient) -> None:
        self._write_deadline = 0.0
        if not self._is_record_certain:
            return
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._write_lease(cluster, self._lease_record.release_spec())
        except (ApiError, TimeoutError) as error:
            logger.warning("lease not released, it expires", error=str(error))

    async def _write_lease(self, cluster: KubeClient, spec: Mapping[str, Any]) -> None:
        metadata = {"name": LEASE_NAME, "namespace": self._namespace}
        lease = {"apiVersion": LEASES.api_version, "kind": "Lease", "metadata": metadata, "spec": spec}
        response = await cluster.apply(LEASES, lease, resource_version=self._lease_record.version)
        self._lease_record.observe(response, time.monotonic())
