"""What is in the cluster: each object as it is, and how often it came and went. By watches that no fault reaches."""

import asyncio
import json
import ssl
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

Object = dict[str, Any]
PATHS = {
    "runainimservices": "/apis/runai-nim.io/v1alpha1/runainimservices",
    "runainimpolicies": "/apis/runai-nim.io/v1alpha1/runainimpolicies",
    "nimservices": "/apis/apps.nvidia.com/v1alpha1/nimservices",
    "persistentvolumeclaims": "/api/v1/persistentvolumeclaims",
    "ingresses": "/apis/networking.k8s.io/v1/ingresses",
    "services": "/api/v1/services",
    "deployments": "/apis/apps/v1/deployments",
}
"""The resources that it keeps, and where they are. No pods: their names are random, their number is a rollout's; and no
ControllerRevisions, whose names have the owner's uid in them."""


class Ledger:
    """`objects` by resource, namespace and name; `came` and `went` count ADDED and DELETED of each."""

    def __init__(self, url: Callable[[], str], ca_file: Path, token: str) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.came: Counter[tuple[str, str, str]] = Counter()
        self.went: Counter[tuple[str, str, str]] = Counter()
        self._changed: dict[str, float] = {}
        self._url = url
        self._ca_file = ca_file
        self._headers = {"Authorization": f"Bearer {token}"}

    async def run(self) -> None:
        """Follow everything until cancelled."""
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=self._ca_file))
        timeout = aiohttp.ClientTimeout(total=None)
        async with (
            aiohttp.ClientSession(
                connector=connector, timeout=timeout, headers=self._headers, read_bufsize=2**24
            ) as session,
            asyncio.TaskGroup() as group,
        ):
            for resource in PATHS:
                group.create_task(self._follow(session, resource))

    def of(self, namespace: str) -> dict[str, Object]:
        """The objects of a namespace, by resource and name."""
        found = tuple(self.objects.items())
        return {f"{resource} {name}": obj for (resource, ns, name), obj in found if ns == namespace}

    def quiet_seconds(self, namespace: str) -> float:
        """How long nothing changed in a namespace."""
        return time.monotonic() - self._changed.get(namespace, 0.0)

    async def page(self, path: str) -> bytes:
        """A LIST as it is now."""
        tls = ssl.create_default_context(cafile=self._ca_file)
        async with (
            aiohttp.ClientSession(headers=self._headers) as session,
            session.get(self._url() + path, ssl=tls, raise_for_status=True) as answer,
        ):
            return await answer.read()

    async def _follow(self, session: aiohttp.ClientSession, resource: str) -> None:
        version = ""
        while True:
            try:
                version = version or await self._list(session, resource)
                version = await self._watch(session, resource, version)
            except aiohttp.ClientResponseError as error:
                version = "" if error.status == 410 else version
                await asyncio.sleep(0.2)
            except aiohttp.ClientError:  # the API server restarts; it tells from where we were
                await asyncio.sleep(0.2)

    async def _list(self, session: aiohttp.ClientSession, resource: str) -> str:
        async with session.get(self._url() + PATHS[resource], raise_for_status=True) as answer:
            page = await answer.json()
        there = {_key(resource, obj): obj for obj in page["items"]}
        for key in [key for key in self.objects if key[0] == resource and key not in there]:
            self._gone(key)
        for key, obj in there.items():
            self._here(key, obj)
        return str(page["metadata"]["resourceVersion"])

    async def _watch(self, session: aiohttp.ClientSession, resource: str, version: str) -> str:
        """The version that it came to; empty when the API server doesn't know it any more."""
        query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}
        async with session.get(self._url() + PATHS[resource], params=query, raise_for_status=True) as answer:
            while (line := await answer.content.readline()).endswith(b"\n"):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return ""
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] == "DELETED":
                    self._gone(_key(resource, event["object"]))
                elif event["type"] != "BOOKMARK":
                    self._here(_key(resource, event["object"]), event["object"])
        return version

    def _here(self, key: tuple[str, str, str], obj: Object) -> None:
        self.came[key] += key not in self.objects
        self.objects[key] = obj
        self._changed[key[1]] = time.monotonic()

    def _gone(self, key: tuple[str, str, str]) -> None:
        self.went[key] += self.objects.pop(key, None) is not None
        self._changed[key[1]] = time.monotonic()


def _key(resource: str, obj: Object) -> tuple[str, str, str]:
    return resource, obj["metadata"]["namespace"], obj["metadata"]["name"]
