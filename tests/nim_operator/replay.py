"""Does again, on a real API server, what was done when the traces were recorded."""

import asyncio
import contextlib
from typing import Any

from aiohttp import web

from local.nim_operator import kinds
from local.nim_operator.client import ApiError, Client
from tests.nim_operator.recorder import Recorder

Trace = dict[str, Any]

FIELD_MANAGER = "recording"
APPLIED = {kind.name: kind for kind in (kinds.NIM_SERVICE, kinds.NIM_CACHE, kinds.CLAIM, kinds.SECRET, kinds.SERVICE)}
# How long nothing may happen before a step counts as over, and how long it may last: failing passes go on for ever.
QUIET_SECONDS = 1.5
LONGEST_STEP_SECONDS = 8.0
COLLECTED_SECONDS = 75.0


class Replay:
    """Replays traces in namespaces named as when they were recorded."""

    def __init__(self, client: Client, recorder: Recorder) -> None:
        self._client = client
        self._recorder = recorder
        self._servers: list[web.AppRunner] = []

    async def trace(self, trace: Trace) -> Trace:
        """Do the steps of a trace and return it with what happened in `then`."""
        namespace = f"rec-{trace['scenario']}"
        await self._client.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        steps = []
        for step in trace["steps"]:
            await self._do(namespace, step["do"])
            await self._until_quiet(namespace)
            steps.append({"do": step["do"], "then": self._recorder.taken(namespace)})
        return {**trace, "steps": steps}

    async def close(self) -> None:
        """Stop answering as models."""
        for server in self._servers:
            await server.cleanup()

    async def _until_quiet(self, namespace: str) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        while True:
            await asyncio.sleep(0.05)
            quiet = loop.time() - max(started, self._recorder.last_change[namespace])
            if quiet > QUIET_SECONDS or loop.time() - started > LONGEST_STEP_SECONDS:
                return

    async def _until_collected(self, namespace: str, name: str) -> None:
        """Wait until the Deployment went: a garbage collector hears of new kinds only every 30 s."""
        async with asyncio.timeout(COLLECTED_SECONDS):
            with contextlib.suppress(ApiError):  # NotFound
                while await self._client.get(kinds.DEPLOYMENT.path(namespace, name)):  # noqa: ASYNC110 (no event)
                    await asyncio.sleep(0.2)

    async def _do(self, namespace: str, do: dict[str, Any]) -> None:
        for wanted in do.get("apply", []):
            await self._apply(namespace, wanted)
        if "available" in do:
            await self._make_available(namespace, do["available"])
        if "serve" in do:
            await self._serve(namespace, do["serve"])
        if "delete" in do:
            kind, name = do["delete"]
            await self._client.delete(APPLIED[kind], namespace, name)
            await self._until_collected(namespace, name)

    async def _apply(self, namespace: str, wanted: dict[str, Any]) -> None:
        kind = APPLIED[wanted["kind"]]
        name = wanted["metadata"]["name"]
        body = {**wanted, "apiVersion": kind.api_version}
        status = body.pop("status", None)
        await self._client.request(
            "PATCH",
            path=kind.path(namespace, name),
            body=body,
            query={"fieldManager": FIELD_MANAGER, "force": "true"},
            content_type="application/apply-patch+yaml",
        )
        if status:
            await self._client.merge_status(kind, {"namespace": namespace, "name": name}, status)

    async def _make_available(self, namespace: str, name: str) -> None:
        """Mark the Deployment's pods ready, as its nodes would."""
        pods = await self._client.get(kinds.POD.path(namespace), labelSelector=f"app={name}")
        assert pods["items"], f"{namespace}/{name} has no pods"
        for pod in pods["items"]:
            await self._client.merge_status(
                kinds.POD, pod["metadata"], {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            )

    async def _serve(self, namespace: str, name: str) -> None:
        """Answer at the Service's address, with no model in the list."""
        service = await self._client.get(kinds.SERVICE.path(namespace, name))
        app = web.Application()
        app.router.add_get("/v1/models", answer_without_model)
        server = web.AppRunner(app)
        await server.setup()
        self._servers.append(server)
        await web.TCPSite(server, service["spec"]["clusterIP"], service["spec"]["ports"][0]["port"]).start()


async def answer_without_model(_: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": []})
