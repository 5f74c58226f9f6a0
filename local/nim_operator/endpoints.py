"""STAND-IN for the NIM in a ready pod: serves GET /v1/models at the address of its Service.

The control plane gives Services loopback addresses (127.100.0.0/16), so a process can listen there without kube-proxy.
This works on Linux. On other systems, or for ports that this process may not use, run with --assume-endpoints.
"""

import logging
from typing import Any

import aiohttp
from aiohttp import web

from local.nim_operator import kinds
from local.nim_operator.children import Object, set_name
from local.nim_operator.kinds import Kind
from local.nim_operator.queue import Queue, RetryError
from local.nim_operator.store import Key, Store, key_of

log = logging.getLogger(__name__)

SECONDS_TO_ANSWER = 5.0


class Endpoints:
    """Serves the Service of each Deployment with an available replica and each LeaderWorkerSet with a ready group."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sites: dict[Key, web.TCPSite] = {}
        self._names: dict[str, str] = {}
        self._warned: set[str] = set()
        self._queue = Queue(self._serve)
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/v1/health/{probe}", self._health)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        store.listen(self._on_change)

    async def run(self) -> None:
        """Serve until cancelled."""
        await self._runner.setup()
        try:
            await self._queue.run()
        finally:
            await self._runner.cleanup()

    def _on_change(self, kind: Kind, before: Object | None, after: Object | None) -> None:
        item = after or before
        if item and kind in {kinds.SERVICE, kinds.DEPLOYMENT}:
            self._queue.add(key_of(item))
        elif item and kind is kinds.LEADER_WORKER_SET:
            self._queue.add((item["metadata"]["namespace"], item["metadata"]["name"].removesuffix(set_name(""))))

    async def _serve(self, key: Key) -> None:
        """Start or stop listening for one Service, depending on the Service and its workload."""
        wanted = self._wanted(key)
        site = self._sites.get(key)
        if site is not None and (wanted is None or site.name != f"http://{wanted[0]}:{wanted[1]}"):
            await self._sites.pop(key).stop()
            site = None
        if wanted is None or site is not None:
            return
        site = web.TCPSite(self._runner, *wanted)
        try:
            await site.start()
        except OSError as error:
            address = f"{wanted[0]}:{wanted[1]}"
            if address not in self._warned:
                self._warned.add(address)
                log.warning("can't listen at %s, run with --assume-endpoints instead: %s", address, error)
            raise RetryError(str(error)) from error
        self._sites[key] = site
        self._names[wanted[0]] = key[1]

    def _wanted(self, key: Key) -> tuple[str, int] | None:
        service = self._store.get(kinds.SERVICE, key)
        if service is None or not self._has_ready_pods(key, service):
            return None
        return service["spec"]["clusterIP"], service["spec"]["ports"][0]["port"]

    def _has_ready_pods(self, key: Key, service: Object) -> bool:
        """Whether the workload that the Service selects has ready pods."""
        kind = kinds.DEPLOYMENT
        name = key[1]
        count = "availableReplicas"
        if service["spec"]["selector"].get("app") == set_name(name):
            kind = kinds.LEADER_WORKER_SET
            name = set_name(name)
            count = "readyReplicas"
        workload = self._store.get(kind, (key[0], name)) or {}
        return bool(workload.get("status", {}).get(count))

    async def _models(self, request: web.Request) -> web.Response:
        address = request.transport.get_extra_info("sockname")[0] if request.transport else ""
        model = {"id": self._names.get(address, ""), "object": "model"}
        return web.json_response({"object": "list", "data": [model]})

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "health-response", "message": "a stand-in: no model is served here"})


async def ask_for_models(endpoint: str) -> Any:
    """GET /v1/models from `address:port`. Raises OSError or aiohttp.ClientError."""
    timeout = aiohttp.ClientTimeout(total=SECONDS_TO_ANSWER)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"http://{endpoint}/v1/models", raise_for_status=True) as response,
    ):
        return await response.json(content_type=None)


async def assume_an_answer(endpoint: str) -> Any:
    """The answer for --assume-endpoints: no models, so the model's name in the status is empty."""
    return {"object": "list", "data": []}
