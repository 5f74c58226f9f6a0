"""STAND-IN for nodes, since there is no kubelet: marks pods running and ready, and the claims that they use as bound.

Every pending pod of the cluster counts as scheduled at once; no container runs. Pods are left without a node, so that
a deleted pod is gone at once.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp

from local.nim_operator import kinds
from local.nim_operator.children import Object
from local.nim_operator.client import ApiError, Client
from local.nim_operator.kinds import Kind
from local.nim_operator.queue import Queue, RetryError
from local.nim_operator.store import Key, Store


class Nodes:
    """Marks the pods of the store; `delay_of` says for a pod after how many seconds it is ready."""

    def __init__(self, client: Client, store: Store, delay_of: Callable[[Object], float], *, bind_claims: bool) -> None:
        self._client = client
        self._store = store
        self._delay_of = delay_of
        self._bind_claims = bind_claims
        self._pods = Queue(self._start)
        store.listen(self._changed)

    async def run(self) -> None:
        """Follow pods and mark them, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pods.run())
            group.create_task(self._store.follow(self._client, kinds.POD, asyncio.Event()))

    def _changed(self, kind: Kind, before: Object | None, after: Object | None) -> None:
        if kind is kinds.POD and before is None and after and is_pending(after):
            self._pods.add((after["metadata"]["namespace"], after["metadata"]["name"]))

    async def _start(self, key: Key) -> None:
        pod = self._store.get(kinds.POD, key)
        if pod is None or not is_pending(pod):
            return
        await asyncio.sleep(self._delay_of(pod))
        try:
            if self._bind_claims:
                for name in claims_of(pod):
                    await self._bind(key[0], name)
            await self._client.merge_status(kinds.POD, pod["metadata"], running(pod, _now()))
        except ApiError as error:
            if error.code != 404:  # the pod went, or its claim isn't there yet
                raise RetryError(str(error)) from error
            if self._store.get(kinds.POD, key):
                raise RetryError(f"waits: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise RetryError(str(error)) from error

    async def _bind(self, namespace: str, name: str) -> None:
        claim = await self._client.get(kinds.CLAIM.path(namespace, name))
        if claim["status"].get("phase") == "Pending":
            await self._client.merge_status(kinds.CLAIM, claim["metadata"], bound(claim))


def is_pending(pod: Object) -> bool:
    """Tell whether a pod waits for a node."""
    return pod.get("status", {}).get("phase") == "Pending" and "deletionTimestamp" not in pod["metadata"]


def claims_of(pod: Object) -> list[str]:
    """Names of the claims that a pod mounts."""
    return [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"].get("volumes", [])
        if "persistentVolumeClaim" in volume
    ]


def running(pod: Object, now: str) -> dict[str, Any]:
    """Return the status of a pod whose containers all run and are ready."""
    conditions = [
        {"type": type_, "status": "True", "lastTransitionTime": now}
        for type_ in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    containers = [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": True,
            "started": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": now}},
        }
        for container in pod["spec"]["containers"]
    ]
    return {"phase": "Running", "startTime": now, "conditions": conditions, "containerStatuses": containers}


def bound(claim: Object) -> dict[str, Any]:
    """Return the status of a claim that has got a volume of the size it asked for."""
    return {
        "phase": "Bound",
        "accessModes": claim["spec"]["accessModes"],
        "capacity": claim["spec"]["resources"]["requests"],
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
