"""A minimal Kubernetes API client: requests with plain mappings, and watches."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import load_incluster_config, load_kube_config

from local.nim_operator.kinds import Kind

FIELD_MANAGER = "nim-operator-stand-in"
MERGE_PATCH = "application/merge-patch+json"
# One watch event is one line, and an object can have megabytes.
LONGEST_LINE = 16 * 1024 * 1024


class ApiError(Exception):
    """An error response of the API server. `reason` is that of its Status, `str` its message."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


class Client:
    """A connection pool to the API server of a kubeconfig, or of its own pod without one. It is a context manager."""

    def __init__(self, kubeconfig: Path | None) -> None:
        self._kubeconfig = kubeconfig
        self._configuration = Configuration()

    async def __aenter__(self) -> Self:
        configuration = self._configuration
        if self._kubeconfig:
            await load_kube_config(str(self._kubeconfig), client_configuration=configuration)
        else:
            load_incluster_config(client_configuration=configuration)
        tls = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        if configuration.cert_file:
            tls.load_cert_chain(configuration.cert_file, configuration.key_file)
        self._session = aiohttp.ClientSession(
            configuration.host,
            connector=aiohttp.TCPConnector(ssl=tls, limit=100),
            timeout=aiohttp.ClientTimeout(total=30),
            read_bufsize=LONGEST_LINE,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
        # aiohttp closes TLS connections in a later iteration of the loop, and documents this wait.
        await asyncio.sleep(0.1)

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """GET a path. Raises ApiError."""
        return await self.request("GET", path, query=query)

    async def create(self, kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
        """POST an object and return it as created. Raises ApiError."""
        path = kind.path(body["metadata"]["namespace"])
        return await self.request("POST", path, body, query={"fieldManager": FIELD_MANAGER})

    async def replace(self, kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
        """PUT an object and return it as stored. Raises ApiError, for example if its resourceVersion is outdated."""
        path = kind.path(body["metadata"]["namespace"], body["metadata"]["name"])
        return await self.request("PUT", path, body, query={"fieldManager": FIELD_MANAGER})

    async def merge_status(self, kind: Kind, metadata: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
        """Merge-patch the status of the object with this metadata and return the object. Raises ApiError."""
        path = kind.path(metadata["namespace"], metadata["name"], "status")
        return await self.request(
            "PATCH", path=path, body={"status": status}, query={"fieldManager": FIELD_MANAGER}, content_type=MERGE_PATCH
        )

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """DELETE an object. Raises ApiError."""
        await self.request("DELETE", kind.path(namespace, name))

    async def watch(self, path: str, **query: str) -> AsyncIterator[dict[str, Any]]:
        """Yield watch events until the server closes the watch. Raises ApiError."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        parameters = {"watch": "true", **query}
        headers = await self._authorization()
        async with self._session.get(path, params=parameters, headers=headers, timeout=timeout) as response:
            await _raise_for_status(response)
            async for line in response.content:
                yield json.loads(line)

    async def request(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """Send a request and return the JSON response. Raises ApiError."""
        data = None if body is None else json.dumps(body).encode()
        headers = await self._authorization() | ({"Content-Type": content_type} if data else {})
        async with self._session.request(method, path, data=data, headers=headers, params=query or {}) as response:
            await _raise_for_status(response)
            answer: dict[str, Any] = await response.json(content_type=None)
            return answer

    async def _authorization(self) -> dict[str, str]:
        """The header with the token. It is read for each request, because the kubelet renews a pod's token hourly."""
        bearer = (await self._configuration.auth_settings()).get("BearerToken")
        return {bearer["key"]: bearer["value"]} if bearer and bearer["value"] else {}


async def _raise_for_status(response: aiohttp.ClientResponse) -> None:
    if response.status < 300:
        return
    text = await response.text()
    try:
        status = json.loads(text)
    except ValueError:
        status = {}
    raise ApiError(response.status, status.get("reason", ""), status.get("message", text))
