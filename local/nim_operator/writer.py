"""Writes of the NIM Operator: children under the rules of its hashes, status, and the two together with events."""

import asyncio
from datetime import UTC, datetime

from local.nim_operator import children, kinds, status
from local.nim_operator.children import Object
from local.nim_operator.client import ApiError, Client
from local.nim_operator.events import Event, Events
from local.nim_operator.kinds import Kind
from local.nim_operator.store import Store, key_of

# Reasons that differ from "<kind>Failed".
REASONS = {kinds.HPA: "HPAFailed"}


class FailedError(Exception):
    """The pass ends in state Failed. With `reason`, the status says so first, and "Failed" after it, as recorded."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class Writer:
    """Writes objects, and takes what comes back into the store."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._store = store
        self.events = Events(client)

    async def apply(
        self, kind: Kind, wanted: Object, parent: str | None = None, *, delay: float = 0, twice: bool = False
    ) -> None:
        """Make a child, or replace it if its content or its parent's spec has changed; `delay` seconds before.

        twice: replace it in two generations, without its hashes at first, so that a conflict begins anew.
        Raises FailedError when the API server refuses it, ApiError on a conflict with another writer.
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
        """Make an object unless one of its name exists; it is never written again."""
        if self._store.get(kind, key_of(wanted)):
            return
        try:
            self._store.take(kind, await self._client.create(kind, wanted))
        except ApiError as error:
            raise FailedError(str(error)) from error

    async def remove(self, kind: Kind, nim: Object, name: str = "") -> None:
        """Delete the child of that kind, of the NIMService's name or another one.

        What is known of a kind whoever made it goes, too, even when it was made by somebody else: an Ingress.
        """
        namespace, own = key_of(nim)
        name = name or own
        if self._store.get(kind, (namespace, name)):
            await self._client.delete(kind, namespace, name)

    async def make_claim(self, nim: Object) -> None:
        """Make the claim of `storage.pvc` unless it is there, and say so; raises FailedError."""
        if self._store.get(kinds.CLAIM, (key_of(nim)[0], children.claim_name(nim))):
            return
        try:
            made = await self._client.create(kinds.CLAIM, children.claim(nim))
        except (ValueError, ApiError) as error:
            raise FailedError(str(error)) from error
        self._store.take(kinds.CLAIM, made)
        await self.say(nim, status.claim_created(nim.get("status", {})))

    async def say(self, nim: Object, said: Object, event: Event | None = None) -> None:
        """Write the status unless it is there already, then the event."""
        latest = self._store.get(kinds.NIM_SERVICE, key_of(nim)) or nim
        previous = latest.get("status", {})
        new = status.timed(said, previous, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        if not status.says_the_same(new, previous):
            written = await self._client.merge_status(kinds.NIM_SERVICE, nim["metadata"], new)
            self._store.take(kinds.NIM_SERVICE, written)
        if event:
            await self.events.record(nim, event)

    async def fail(self, nim: Object, failure: FailedError) -> None:
        """Say what failed, in the real one's way: by its own reason and then as Failed, with two events."""
        message = str(failure)
        text = f"NIMService {nim['metadata']['name']} failed, msg: {message}"
        if failure.reason:
            await self.say(nim, status.failed(failure.reason, message))
        await self.events.record(nim, Event("Warning", "Failed", text))
        await self.events.record(nim, Event("Warning", "ReconcileFailed", text))
        await self.say(nim, status.failed("Failed", message))

    async def write_whole(self, nim: Object) -> Object:
        """Write a NIMService as it is given and return what came back."""
        written = await self._client.replace(kinds.NIM_SERVICE, nim)
        self._store.take(kinds.NIM_SERVICE, written)
        return written

    async def require(self, kind: Kind) -> None:
        """Raise FailedError when a kind that may be missing isn't installed."""
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
