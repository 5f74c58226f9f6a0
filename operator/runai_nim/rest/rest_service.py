"""State that the routes of the REST API share, and how they read a body and answer in JSON."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from runai_nim import __version__
from runai_nim.config.settings import Settings
from runai_nim.kube.client import KubeClient
from runai_nim.kube.discovery import Discovery
from runai_nim.rest.api_server import ApiServer
from runai_nim.rest.batch_service import BatchService
from runai_nim.rest.body_queue import BodyQueue
from runai_nim.rest.metrics import RestMetrics
from runai_nim.rest.model.authorship import REST_FIELD_MANAGER
from runai_nim.rest.namespaces import NamespaceIndex
from runai_nim.rest.policy_index import PolicyIndex
from runai_nim.rest.policy_service import PolicyService
from runai_nim.rest.request_parsing import MAX_BODY_BYTES, parse_json_object, read_content
from runai_nim.rest.workload_details import WorkloadDetails
from runai_nim.rest.workload_index import WorkloadIndex
from runai_nim.rest.workload_listing import WorkloadListing
from runai_nim.rest.workload_service import WorkloadService


class RestService:
    """State that the routes share: cluster client, caches, metrics. It is connected while the process serves."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = RestMetrics(__version__)
        self.cluster: KubeClient
        self.workloads: WorkloadService
        self.listing: WorkloadListing
        self.batches: BatchService
        self.policies: PolicyService
        self.details: WorkloadDetails
        self.namespaces: NamespaceIndex
        self.policy_index: PolicyIndex
        self.workload_index: WorkloadIndex
        self._turns = BodyQueue()

    async def connect(self) -> None:
        """Connect before serving. Raises ApiError without a kubeconfig."""
        self.cluster = await KubeClient.connect(self.metrics.count_response)

    @property
    def missing_at_start(self) -> str:
        """What was not read yet; empty when the process is ready."""
        if not self.namespaces.is_synced:
            return "namespaces: not listed yet"
        if not self.policy_index.is_synced:
            return "policies: not listed yet"
        if not self.workload_index.is_synced:
            return "RunaiNimServices: not listed yet"
        return "" if self.discovery.synced.is_set() else "schema of NIMService: not read yet"

    @asynccontextmanager
    async def read_body(self, request: Request, token: str) -> AsyncIterator[Mapping[str, Any]]:
        """Context with the JSON object that an authenticated caller sent. Raises HttpError and NoAnswerError."""
        caller = await self.workloads.caller(token)
        content = await read_content(request, MAX_BODY_BYTES)
        async with self._turns.turn(caller, len(content)):
            body = parse_json_object(content)
            await asyncio.sleep(0)  # let other tasks run before this body is evaluated
            yield body

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Run the informers and discovery while serving, then close all connections."""
        api_server = ApiServer(self.cluster.for_callers(f"{REST_FIELD_MANAGER}/{__version__}"))
        self.namespaces = NamespaceIndex(self.cluster, self.settings.project_labels)
        self.policy_index = PolicyIndex(self.cluster, self.settings.namespaces)
        self.workload_index = WorkloadIndex(self.cluster)
        self.discovery = Discovery(self.cluster)
        self.workloads = WorkloadService(
            api_server,
            self.namespaces,
            self.policy_index,
            self.discovery,
            index=self.workload_index,
            settings=self.settings,
        )
        self.listing = WorkloadListing(
            api_server,
            self.namespaces,
            self.policy_index,
            self.settings,
            index=self.workload_index,
            caller=self.workloads.caller,
            read=self.workloads.stored,
        )
        self.batches = BatchService(self.workloads)
        self.policies = PolicyService(
            api_server, self.namespaces, self.policy_index, self.settings, caller=self.workloads.caller
        )
        self.details = WorkloadDetails(api_server, self.namespaces, self.workloads, self.settings)
        informers = (self.namespaces.run, self.policy_index.run, self.workload_index.run, self.discovery.run)
        tasks = [asyncio.create_task(run()) for run in informers]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await api_server.close()
            await self.cluster.close()


def json_response(content: Any, code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response with a JSON body."""
    return Response(orjson.dumps(content), code, headers, "application/json")
