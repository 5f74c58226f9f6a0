"""The four calls of the REST API, and the same made directly to the API server with the same token."""

import ssl
from abc import ABC, abstractmethod
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp

from bench.crowd import RUNAI_NIM_SERVICE, SAMPLE, Object, service

VERBS: Final = ("post", "get", "patch", "delete")
STOCK: Final = 128
"""Number of workloads, so that concurrent calls use different ones."""
_CONNECTIONS: Final = 256
"""Number of connections: scheduled calls don't wait for each other, so there must be enough for all of them."""
_PATCHED: Final = STOCK // 2


class Target(ABC):
    """The target of calls; a context manager that holds connections.

    `post` adds a workload to a stock, `delete` takes the oldest away, `get` and `patch` take the newer ones in turn.
    """

    prefix: str
    """Of the names: both have their workloads in one namespace."""
    merge_patch = "application/json"

    def __init__(self, url: str, token: str, namespace: str, ca_file: Path | None = None) -> None:
        self._url = url
        self._token = token
        self._namespace = namespace
        self._ca_file = ca_file
        self._stock: deque[str] = deque()
        self.calls = 0

    async def __aenter__(self) -> Self:
        tls = ssl.create_default_context(cafile=self._ca_file) if self._ca_file else True
        self._session = aiohttp.ClientSession(
            self._url,
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=tls),
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=aiohttp.ClientTimeout(total=60),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def call(self, verb: str) -> None:
        """Make one of VERBS. Raises RuntimeError for any answer but success."""
        self.calls += 1
        newer = self._stock[-1 - self.calls % _PATCHED] if len(self._stock) > _PATCHED else ""
        match verb:
            case "post":
                made = await self._send("POST", self._collection(), self._body(f"{self.prefix}-{self.calls}"))
                self._stock.append(self._handle(made))
            case "patch":
                image = f"{SAMPLE['spec']['image'].rpartition(':')[0]}:{self.calls}"  # which it never had
                await self._send("PATCH", self._item(newer), {"spec": {"image": image}}, self.merge_patch)
            case "delete":
                await self._send("DELETE", self._deleted(self._stock.popleft()))
            case _:
                await self._send("GET", self._item(newer))

    async def _send(
        self, method: str, path: str, body: Object | None = None, content_type: str = "application/json"
    ) -> Object:
        headers = {"Content-Type": content_type} if body else {}
        async with self._session.request(method, path, json=body, headers=headers) as answer:
            found: Object = await answer.json(content_type=None)
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path} was answered {answer.status}: {found.get('message')}")
        return found

    @abstractmethod
    def _collection(self) -> str:
        """Path that a POST goes to."""

    def _item(self, handle: str) -> str:
        return f"{self._collection()}/{handle}"

    def _deleted(self, handle: str) -> str:
        return self._item(handle)

    @abstractmethod
    def _body(self, name: str) -> Object:
        """Body of a POST."""

    @abstractmethod
    def _handle(self, made: Object) -> str:
        """What stands for a workload in the path of later calls, of the answer to its POST."""


class ApiServer(Target):
    """The API server itself."""

    prefix = "direct"
    merge_patch = "application/merge-patch+json"

    def _collection(self) -> str:
        return RUNAI_NIM_SERVICE.path(self._namespace)

    def _body(self, name: str) -> Object:
        return service(self._namespace, name)

    def _handle(self, made: Object) -> str:
        return str(made["metadata"]["name"])


class RestApi(Target):
    """The REST API."""

    prefix = "rest"

    def _collection(self) -> str:
        return "/api/v2/workloads/nim-services"

    def _deleted(self, handle: str) -> str:
        return f"/api/v2/workloads/{handle}"

    def _body(self, name: str) -> Object:
        return {"metadata": {"name": name, "projectId": self._namespace}, "spec": SAMPLE["spec"]}

    def _handle(self, made: Object) -> str:
        return str(made["metadata"]["id"])
