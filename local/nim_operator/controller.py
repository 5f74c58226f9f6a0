"""Maps changes of objects to the NIMServices to reconcile, and creates the access that a NIMCache needs."""

import asyncio

import aiohttp

from local.nim_operator import children, kinds
from local.nim_operator.children import Object
from local.nim_operator.client import ApiError, Client
from local.nim_operator.kinds import Kind
from local.nim_operator.knobs import Knobs, knobs_of
from local.nim_operator.queue import Queue, RetryError
from local.nim_operator.reconcile import Reconciler
from local.nim_operator.store import Key, Store, key_of
from local.nim_operator.writer import FailedError, Writer

# The real one watches only objects of these kinds with its label, so it fails with AlreadyExists at others.
LABELLED = (
    kinds.SERVICE,
    kinds.HTTP_ROUTE,
    kinds.GRPC_ROUTE,
    kinds.DEPLOYMENT,
    kinds.LEADER_WORKER_SET,
    kinds.HPA,
    kinds.SERVICE_MONITOR,
    kinds.CLAIM,
    kinds.CONFIG_MAP,
    kinds.SECRET,
)
# It watches all objects of these kinds, so it overwrites or deletes those of others.
ALL = (kinds.NIM_CACHE, kinds.SERVICE_ACCOUNT, kinds.ROLE, kinds.ROLE_BINDING, kinds.INGRESS, kinds.NIM_SERVICE)


class Controller:
    """Watches all kinds that affect a NIMService and adds its key to the queue after a change."""

    def __init__(self, client: Client, store: Store, reconciler: Reconciler, defaults: Knobs) -> None:
        self._client = client
        self._store = store
        self._reconciler = reconciler
        self._defaults = defaults
        self._writer = Writer(client, store)
        self._listed = {kind: asyncio.Event() for kind in (*ALL, *LABELLED)}
        self._services = Queue(self._reconcile)
        self._caches = Queue(self._make_cache_access)
        store.listen(self._on_change)

    async def run(self) -> None:
        """Watch and reconcile until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._services.run())
            group.create_task(self._caches.run())
            for kind, listed in self._listed.items():
                selector = kinds.MANAGED if kind in LABELLED else ""
                group.create_task(self._store.follow(self._client, kind, listed, selector))

    async def _reconcile(self, key: Key) -> float | None:
        await self._everything_listed()
        return await self._reconciler.reconcile(key)

    async def _everything_listed(self) -> None:
        """Wait for the first LIST of all kinds: a child that is not listed yet would be created again."""
        for listed in self._listed.values():
            await listed.wait()

    async def _make_cache_access(self, key: Key) -> None:
        await self._everything_listed()
        if self._store.get(kinds.NIM_CACHE, key) is None:
            return
        try:
            for kind, wanted in children.cache_access(key[0]):
                await self._writer.make_once(kind, wanted)
        except (FailedError, ApiError, aiohttp.ClientError, OSError) as error:
            raise RetryError(str(error)) from error

    def _on_change(self, kind: Kind, before: Object | None, after: Object | None) -> None:
        if kind is kinds.NIM_SERVICE:
            if after and (before is None or self._inputs(before) != self._inputs(after)):
                self._services.add(key_of(after))
        elif item := after or before:
            if kind is kinds.NIM_CACHE:
                self._caches.add(key_of(item))
            for key in self._affected(kind, item):
                self._services.add(key)

    def _affected(self, kind: Kind, item: Object) -> list[Key]:
        """Keys of the NIMServices that use a NIMCache or own a child."""
        namespace, name = key_of(item)
        if kind is kinds.NIM_CACHE:
            return [
                key_of(nim)
                for nim in self._store.all(kinds.NIM_SERVICE, namespace)
                if nim["spec"].get("storage", {}).get("nimCache", {}).get("name") == name
            ]
        return [
            (namespace, owner["name"])
            for owner in item["metadata"].get("ownerReferences", [])
            if owner["kind"] == kinds.NIM_SERVICE.name
        ]

    def _inputs(self, nim: Object) -> tuple[Object, bool, Knobs]:
        """What a reconciliation depends on: the spec and the deletion, as with the real one, and the knobs."""
        return nim["spec"], "deletionTimestamp" in nim["metadata"], knobs_of(nim, self._defaults)
