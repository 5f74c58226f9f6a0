"""STAND-IN for nodes on a control plane without kubelet: marks pods running and ready, and their claims bound.

Every pending pod of the cluster counts as scheduled; no container runs. Pods get no nodeName, so the API server deletes
them at once.
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
    """Marks pods as ready; `delay_of` returns the seconds until a pod is."""

    def __init__(self, client: Client, store: Store, delay_of: Callable[[Object], float], *, bind_claims: bool) -> None:
        self._client = client
        self._store = store
        self._delay_of = delay_of
        self._bind_claims = bind_claims
        self._pods = Queue(self._start)
        store.listen(self._on_change)

    async def run(self) -> None:
        """Watch pods and mark them until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pods.run())
            group.create_task(self._store.follow(self._client, kinds.POD, asyncio.Event()))

    def _on_change(self, kind: Kind, before: Object | None, after: Object | None) -> None:
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
            await self._client.merge_status(kinds.POD, pod["metadata"], running_status(pod, _now()))
        except ApiError as error:
            if error.code != 404:  # the pod is deleted, or its claim doesn't exist yet
                raise RetryError(str(error)) from error
            if self._store.get(kinds.POD, key):
                raise RetryError(f"waiting: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise RetryError(str(error)) from error

    async def _bind(self, namespace: str, name: str) -> None:
        claim = await self._client.get(kinds.CLAIM.path(namespace, name))
        if claim["status"].get("phase") == "Pending":
            await self._client.merge_status(kinds.CLAIM, claim["metadata"], bound_status(claim))


def is_pending(pod: Object) -> bool:
    """Whether the pod waits for a node."""
    return pod.get("status", {}).get("phase") == "Pending" and "deletionTimestamp" not in pod["metadata"]


def claims_of(pod: Object) -> list[str]:
    """Names of the claims that a pod mounts."""
    return [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"].get("volumes", [])
        if "persistentVolumeClaim" in volume
    ]


def running_status(pod: Object, now: str) -> dict[str, Any]:
    """The status of a pod whose containers all run and are ready."""
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


def bound_status(claim: Object) -> dict[str, Any]:
    """The status of a claim that is bound to a volume of the requested size."""
    return {
        "phase": "Bound",
        "accessModes": claim["spec"]["accessModes"],
        "capacity": claim["spec"]["resources"]["requests"],
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
