"""Reads what belongs to a RunaiNimService with the caller's token, in bounded memory."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.resources import (
    DEPLOYMENTS,
    EVENTS,
    LEADER_WORKER_SETS,
    NIM_SERVICES,
    PODS,
    REPLICA_SETS,
    KubeObject,
    Resource,
)
from runai_nim.api.untrusted_values import mapping
from runai_nim.domain.observed.resource_tree import Node, Reading, tree_of
from runai_nim.domain.observed.service_children import child_label, child_names, is_pod_of, pod_owners
from runai_nim.kube.client import METADATA_LIST
from runai_nim.kube.transport import JSON_CONTENT_TYPE
from runai_nim.rest.api_server import ApiResponse, ApiServer
from runai_nim.rest.errors import HttpError, from_api_status, unavailable
from runai_nim.rest.model.event_subjects import EventSubjects

MAX_READ: Final = 10_000
"""Objects of a kind that one call reads."""
TO_THE_PODS: Final = (NIM_SERVICES, DEPLOYMENTS, LEADER_WORKER_SETS)
_KEPT_METADATA: Final = ("name", "uid", "ownerReferences")
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404


class WorkloadChildren:
    """The objects of one RunaiNimService. `cut_kinds`: plurals of kinds of which there are more than MAX_READ objects.

    Every method raises HttpError, or NoAnswerError while the API server doesn't answer.
    """

    def __init__(self, api_server: ApiServer, token: str, service: KubeObject) -> None:
        self._api_server = api_server
        self._token = token
        self._service = service
        self._namespace: str = service["metadata"]["namespace"]
        self._unread: set[str] = set()
        self.cut_kinds: set[str] = set()

    async def pods(self) -> AsyncGenerator[KubeObject]:
        """Its pods, by name."""
        async for pod in self._pods_of(await self._tree(TO_THE_PODS), metadata_only=False):
            yield pod

    async def events(self) -> AsyncIterator[KubeObject]:
        """Events about it and what belongs to it, in no order."""
        tree = await self._tree(child_names(self._service))
        pods = {pod["metadata"]["uid"] async for pod in self._pods_of(tree, metadata_only=True)}
        subjects = EventSubjects.of(self._service, tree, pods=pods, unread=self._unread)
        async for event in self._all(EVENTS):
            if subjects.include(event):
                yield event

    async def _pods_of(self, tree: Node, *, metadata_only: bool) -> AsyncIterator[KubeObject]:
        owners = pod_owners(tree)
        async for pod in self._all(PODS, child_label(self._service), metadata_only=metadata_only):
            if is_pod_of(pod, owners):
                yield pod

    async def _tree(self, kinds: Collection[Resource]) -> Node:
        """The tree of `runai-nim status` down to the ReplicaSets."""
        named = {kind: name for kind, name in child_names(self._service).items() if kind in kinds}
        workers = named.pop(LEADER_WORKER_SETS)
        found = await asyncio.gather(*(self._get(kind, name) for kind, name in named.items()), self._replica_sets())
        readings = dict(zip((kind.kind for kind in (*named, REPLICA_SETS)), found, strict=True))
        if not readings[DEPLOYMENTS.kind].objects:
            readings[well_known.LWS_KIND] = await self._get(LEADER_WORKER_SETS, workers)
        return tree_of(self._service, readings)

    async def _get(self, kind: Resource, name: str) -> Reading:
        answer = await self._api_server.peek(self._token, kind.path(self._namespace, name))
        if answer.status == _FORBIDDEN:
            return self._not_read(kind)
        if answer.status == _NOT_FOUND:
            return Reading(problem="doesn't exist" if kind == NIM_SERVICES else "")
        _check(answer, kind)
        # A body that can't be decoded is nested too deep: its author wants nobody to read it.
        return Reading((answer.body,)) if answer.body else self._not_read(kind)

    async def _replica_sets(self) -> Reading:
        label = child_label(self._service)
        try:
            return Reading(tuple([_outline(one) async for one in self._all(REPLICA_SETS, label)]))
        except HttpError as error:
            if error.code != _FORBIDDEN:
                raise
            return self._not_read(REPLICA_SETS)

    def _not_read(self, kind: Resource) -> Reading:
        self._unread.add(kind.kind)
        return Reading(problem="can't be read")

    async def _all(self, kind: Resource, label: str = "", *, metadata_only: bool = False) -> AsyncIterator[KubeObject]:
        """All objects of the kind, or those with the label, up to MAX_READ."""
        query = {"labelSelector": label} if label else {}
        accept = METADATA_LIST if metadata_only else JSON_CONTENT_TYPE
        left = MAX_READ
        async for answer in self._api_server.pages(self._token, kind, self._namespace, query=query, accept=accept):
            if answer.status == _FORBIDDEN:
                raise _missing_right(kind.plural)
            _check(answer, kind)
            for obj in answer.body["items"][:left]:
                yield obj
            left -= len(answer.body["items"])
            if left <= 0:
                if left < 0 or answer.body["metadata"].get("continue"):
                    self.cut_kinds.add(kind.plural)
                return


def _missing_right(resource: str) -> HttpError:
    remedy = f"ask an administrator for a Role that allows list on {resource} there"
    return HttpError(403, f"you may not list {resource} in the project's namespace, which this call needs: {remedy}")


def _check(answer: ApiResponse, kind: Resource) -> None:
    if answer.status == 410:
        raise unavailable(f"{kind.plural} changed too much while they were listed")
    if answer.status != 200:
        raise from_api_status(answer.status, answer.body, answer.retry_after, f"read {kind.plural}")


def _outline(obj: KubeObject) -> dict[str, Any]:
    """What the tree needs of a ReplicaSet, without the template of its pods."""
    metadata = {field: obj["metadata"][field] for field in _KEPT_METADATA if field in obj["metadata"]}
    return {
        "metadata": metadata,
        "spec": {"replicas": mapping(obj.get("spec")).get("replicas")},
        "status": mapping(obj.get("status")),
    }
