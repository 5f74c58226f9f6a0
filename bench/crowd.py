"""Many objects at once, written as administrator: RunaiNimServices, and what others would make of their NIMServices.

The stand-in of the NIM Operator makes what the real one makes, step by step; thousands of times that takes too long.
Here the same objects are written directly, without the steps in between.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import yaml

from local.cluster import CHECKOUT
from local.nim_operator import children, kinds, status, workload
from local.nim_operator.client import Client
from local.nim_operator.kinds import Kind
from local.nim_operator.nodes import bound_status, running_status
from local.nim_operator.workload import ModelStore

Object = dict[str, Any]
T = TypeVar("T")

CONCURRENCY = 16
"""As many as the operator's setting `workers` by default."""
RUNAI_NIM_SERVICE = Kind("runai-nim.io/v1alpha1", "RunaiNimService", "runainimservices")
SAMPLE: Object = yaml.safe_load((CHECKOUT / "deploy/samples/gpu-portion.yaml").read_text(encoding="utf-8"))
"""A RunaiNimService that becomes a claim of its own and a NIMService."""


def names_of(begin: int, end: int) -> list[str]:
    """Names of RunaiNimServices by number."""
    return [f"nim-{number}" for number in range(begin, end)]


def service(namespace: str, name: str) -> Object:
    """The sample of that name."""
    return {**SAMPLE, "metadata": {"name": name, "namespace": namespace}}


async def in_parallel(items: Iterable[T], work: Callable[[T], Awaitable[Any]], at_once: int = CONCURRENCY) -> None:
    """Do `work` for each item, for so many at a time, in their order."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())


def create_services(kubeconfig: Path, namespace: str, names: Sequence[str]) -> None:
    """Create a RunaiNimService of each name."""

    async def create() -> None:
        async with Client(kubeconfig) as client:
            await in_parallel(names, lambda name: client.create(RUNAI_NIM_SERVICE, service(namespace, name)))

    asyncio.run(create())


def create_children(kubeconfig: Path, namespace: str, names: Sequence[str]) -> None:
    """Service, Deployment and pod of each NIMService, all ready, and its claim bound: all but the NIMService's word."""

    async def create() -> None:
        async with Client(kubeconfig) as client:
            await in_parallel(names, lambda name: _create_children(client, namespace, name))

    asyncio.run(create())


def say_ready(kubeconfig: Path, namespace: str, names: Sequence[str], pause: float = 0.0) -> None:
    """Let each NIMService say that it is ready; one after the other where there is a `pause` (seconds) between them."""

    async def say() -> None:
        async with Client(kubeconfig) as client:

            async def one(name: str) -> None:
                metadata = {"namespace": namespace, "name": name}
                await client.merge_status(kinds.NIM_SERVICE, metadata, _ready(name))
                await asyncio.sleep(pause)

            await in_parallel(names, one, 1 if pause else CONCURRENCY)

    asyncio.run(say())


async def _create_children(client: Client, namespace: str, name: str) -> None:
    nim = await client.get(kinds.NIM_SERVICE.path(namespace, name))
    claim = await client.get(kinds.CLAIM.path(namespace, children.claim_name(nim)))
    await client.merge_status(kinds.CLAIM, claim["metadata"], bound_status(claim))
    await client.create(kinds.SERVICE, children.service(nim))
    made = workload.deployment(nim, ModelStore(children.claim_name(nim)), nim["spec"].get("resources", {}))
    deployment = await client.create(kinds.DEPLOYMENT, made)
    metadata = deployment["metadata"]
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
    await client.merge_status(kinds.DEPLOYMENT, metadata, {"observedGeneration": metadata["generation"], **counts})
    template = made["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": f"{name}-pod", "namespace": namespace},
        "spec": template["spec"],
    }
    made_pod = await client.create(kinds.POD, pod)
    await client.merge_status(kinds.POD, made_pod["metadata"], running_status(made_pod, _now()))


def _ready(name: str) -> Object:
    model = {"name": "llama", "clusterEndpoint": f"{name}:8000", "externalEndpoint": ""}
    said = status.ready_status(f'deployment "{name}" successfully rolled out\n', model)
    return {**said, "conditions": [{**condition, "lastTransitionTime": _now()} for condition in said["conditions"]]}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
