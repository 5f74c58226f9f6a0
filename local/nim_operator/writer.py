"""Writes children if their hashes differ, the status if it changes, and Events."""

import asyncio
from datetime import UTC, datetime

from local.nim_operator import children, kinds, status
from local.nim_operator.children import Object
from local.nim_operator.client import ApiError, Client
from local.nim_operator.events import Event, Events
from local.nim_operator.kinds import Kind
from local.nim_operator.store import Store, key_of

# Reasons of condition Failed other than "<kind>Failed".
REASONS = {kinds.HPA: "HPAFailed"}


class FailedError(Exception):
    """Ends the reconciliation with state Failed.

    Recorded: with a `reason`, condition Failed first has that reason and then reason Failed.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class Writer:
    """Writes objects, and stores the responses."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._store = store
        self.events = Events(client)

    async def apply(
        self, kind: Kind, wanted: Object, parent: str | None = None, *, delay: float = 0, twice: bool = False
    ) -> None:
        """Create a child, or update it if its content or its parent's spec has changed, after `delay` seconds.

        `twice`: update it in two writes, first without hashes, so that a conflict between them starts again. Raises
        FailedError if the API server rejects it, ApiError after a conflict with another writer.
        """
        desired = children.with_hashes(wanted, parent)
        existing = self._store.get(kind, key_of(desired))
        if existing is not None and children.is_current(existing, desired):
            return
        await asyncio.sleep(delay)
        try:
            if existing is None:
                await self.require(kind)
                written = await self._client.create(kind, desired)
            else:
                if twice:
                    plain = children.replacement(existing, wanted)
                    existing = await self._client.replace(kind, plain)
                written = await self._client.replace(kind, children.replacement(existing, desired))
        except ApiError as error:
            if error.reason == "Conflict":
                raise
            raise FailedError(str(error), REASONS.get(kind, f"{kind.name}Failed")) from error
        self._store.take(kind, written)

    async def make_once(self, kind: Kind, wanted: Object) -> None:
        """Create an object unless one of its name exists; it is never updated."""
        if self._store.get(kind, key_of(wanted)):
            return
        try:
            self._store.take(kind, await self._client.create(kind, wanted))
        except ApiError as error:
            raise FailedError(str(error)) from error

    async def remove(self, kind: Kind, nim: Object, name: str = "") -> None:
        """Delete the object of that kind in the store with the NIMService's name, or with `name`.

        Of kinds in `controller.ALL` this also deletes objects of others, such as an Ingress.
        """
        namespace, own = key_of(nim)
        name = name or own
        if self._store.get(kind, (namespace, name)):
            await self._client.delete(kind, namespace, name)

    async def make_claim(self, nim: Object) -> None:
        """Create the claim of `storage.pvc` unless it exists, and report it in the status. Raises FailedError."""
        if self._store.get(kinds.CLAIM, (key_of(nim)[0], children.claim_name(nim))):
            return
        try:
            made = await self._client.create(kinds.CLAIM, children.claim(nim))
        except (ValueError, ApiError) as error:
            raise FailedError(str(error)) from error
        self._store.take(kinds.CLAIM, made)
        await self.write_status(nim, status.claim_created_status(nim.get("status", {})))

    async def write_status(self, nim: Object, said: Object, event: Event | None = None) -> None:
        """Write the status if it differs from the stored one, then the Event."""
        latest = self._store.get(kinds.NIM_SERVICE, key_of(nim)) or nim
        previous = latest.get("status", {})
        new = status.add_transition_times(said, previous, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        if not status.is_same(new, previous):
            written = await self._client.merge_status(kinds.NIM_SERVICE, nim["metadata"], new)
            self._store.take(kinds.NIM_SERVICE, written)
        if event:
            await self.events.record(nim, event)

    async def fail(self, nim: Object, failure: FailedError) -> None:
        """Report a failure like the real one: with its own reason, then with reason Failed, and two Events."""
        message = str(failure)
        text = f"NIMService {nim['metadata']['name']} failed, msg: {message}"
        if failure.reason:
            await self.write_status(nim, status.failed_status(failure.reason, message))
        await self.events.record(nim, Event("Warning", "Failed", text))
        await self.events.record(nim, Event("Warning", "ReconcileFailed", text))
        await self.write_status(nim, status.failed_status("Failed", message))

    async def write_whole(self, nim: Object) -> Object:
        """Update the whole NIMService and return it as stored."""
        written = await self._client.replace(kinds.NIM_SERVICE, nim)
        self._store.take(kinds.NIM_SERVICE, written)
        return written

    async def require(self, kind: Kind) -> None:
        """Raise FailedError if an optional kind is not installed."""
        if not kind.optional:
            return
        try:
            installed = (await self._client.get(f"/apis/{kind.api_version}"))["resources"]
        except ApiError as error:
            if error.code != 404:
                raise
            installed = []
        if not any(resource["name"] == kind.plural for resource in installed):
            raise FailedError(f'no matches for kind "{kind.name}" in version "{kind.api_version}"')
