"""Implements the calls for pods, events and history of one workload, with the caller's token."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

from runai_nim.api.resources import KubeObject, ObjectView
from runai_nim.config.settings import Settings
from runai_nim.rest.api_server import ApiServer
from runai_nim.rest.call_queue import CallBounds, CallQueue
from runai_nim.rest.errors import invalid
from runai_nim.rest.model.history import history_of
from runai_nim.rest.model.listed_event import listed_event, newest_first
from runai_nim.rest.model.listed_pod import PodOwner, listed_pod, pod_matches
from runai_nim.rest.model.paging import Paging, read_paging
from runai_nim.rest.model.project import ProjectNamespace
from runai_nim.rest.namespaces import NamespaceIndex
from runai_nim.rest.workload_children import MAX_READ, WorkloadChildren
from runai_nim.rest.workload_service import WorkloadService

MAX_EVENTS: Final = 1_000
"""The newest events of a workload, from which an answer has its part."""
POD_PARAMETERS: Final = ("deleted", "limit", "offset", "search")
EVENT_PARAMETERS: Final = ("limit", "offset", "sortOrder")
HISTORY_PARAMETERS: Final = ("limit", "offset")
BOUNDS: Final = CallBounds(
    running=2,
    calls=32,
    per_caller=8,
    wait_seconds=10,
    run_seconds=20,
    busy="too many calls read pods, events or history",
    late="reading what belongs to the workload took too long",
)
"""10,000 events take 3 s."""
Query = Sequence[tuple[str, str]]


class WorkloadDetails:
    """The calls. Each raises HttpError, or NoAnswerError while the API server doesn't answer."""

    def __init__(
        self, api_server: ApiServer, namespaces: NamespaceIndex, workloads: WorkloadService, settings: Settings
    ) -> None:
        self._api_server = api_server
        self._namespaces = namespaces
        self._workloads = workloads
        self._settings = settings
        self._queue = CallQueue(BOUNDS)

    async def pods(self, token: str, id_: str, query: Query) -> KubeObject:
        """The workload's pods, by name."""
        paging = await self._paging(token, query, POD_PARAMETERS)
        async with self._children(token, id_) as (namespace, cr, children):
            owner = self._owner(namespace, cr)
            found: list[KubeObject] = []
            matching = 0
            more = {}
            async with aclosing(children.pods()) as pods:
                async for pod in pods:
                    if not pod_matches(pod, search=paging.search, only_deleted=paging.only_deleted):
                        continue
                    matching += 1
                    if len(found) == paging.limit:
                        more = {"next": paging.offset + paging.limit}
                        break
                    if matching > paging.offset:
                        found.append(listed_pod(pod, owner, self._settings))
            return {"pods": found, **more, **_cut(children)}

    async def events(self, token: str, id_: str, query: Query) -> KubeObject:
        """The events of the workload and of what belongs to it, the newest first unless `sortOrder` is asc."""
        paging = await self._paging(token, query, EVENT_PARAMETERS)
        async with self._children(token, id_) as (_, _, children):
            events = await self._newest_events(children)
            part, more = paging.part_of(events if paging.newest_first else events[::-1])
            return {"events": part, **more, **_cut(children)}

    async def history(self, token: str, id_: str, query: Query) -> KubeObject:
        """The events, and the changes of the phase that are still known, the newest first."""
        paging = await self._paging(token, query, HISTORY_PARAMETERS)
        async with self._children(token, id_) as (_, cr, children):
            part, more = paging.part_of(history_of(cr, await self._newest_events(children)))
            return {"records": part, **more, **_cut(children)}

    async def _paging(self, token: str, query: Query, parameters: Collection[str]) -> Paging:
        """The parameters. Raises HttpError (401 for an invalid token, 400 for mistakes)."""
        await self._workloads.caller(token)
        paging, issues = read_paging(query, parameters)
        if issues:
            raise invalid(issues)
        return paging

    @asynccontextmanager
    async def _children(
        self, token: str, id_: str
    ) -> AsyncIterator[tuple[ProjectNamespace, KubeObject, WorkloadChildren]]:
        """Context with namespace, object and children of a workload, when it is the caller's turn."""
        namespace, cr = await self._workloads.stored(token, id_)
        async with self._queue.turn(await self._workloads.caller(token)):
            yield namespace, cr, WorkloadChildren(self._api_server, token, cr)

    def _owner(self, namespace: ProjectNamespace, cr: KubeObject) -> PodOwner:
        labels = self._settings.project_labels
        return PodOwner(
            id=self._workloads.id_of(cr),
            name=cr["metadata"]["name"],
            project_id=namespace.project_id(labels),
            project_name=namespace.project_name(labels),
            cluster_id=self._namespaces.cluster_id,
        )

    async def _newest_events(self, children: WorkloadChildren) -> list[dict[str, Any]]:
        """The newest MAX_EVENTS, the newest first."""
        found: list[dict[str, Any]] = []
        async for event in children.events():
            found.append(listed_event(event, self._namespaces.cluster_id))
            if len(found) == 2 * MAX_EVENTS:
                found = _newest(found)
        return _newest(found)


def _newest(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(events, key=newest_first, reverse=True)[:MAX_EVENTS]


def _cut(children: WorkloadChildren) -> ObjectView:
    """`details` of an answer that may lack a part."""
    if not children.cut_kinds:
        return {}
    kinds = " and ".join(sorted(children.cut_kinds))
    return {"details": f"only {MAX_READ} {kinds} of the namespace were read: the answer may lack others"}
