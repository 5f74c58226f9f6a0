"""Implements the calls that list and count workloads, as LISTs with the caller's token.

Nothing that one caller's token has read is kept for another call, but where the API server refused it, for some
seconds. The process's own index tells only in which namespaces it is worth asking.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Final

from runai_nim.api.resources import RUNAI_NIM_SERVICES, KubeObject, ObjectView
from runai_nim.config.settings import Settings
from runai_nim.domain.policy import CompiledPolicies, effective_spec, own_spec
from runai_nim.rest.api_server import ApiResponse, ApiServer
from runai_nim.rest.call_queue import CallBounds, CallQueue
from runai_nim.rest.errors import HttpError, from_api_status, unavailable
from runai_nim.rest.list_refusals import ListRefusals
from runai_nim.rest.model.listed_workload import ListedProject, ListedWorkload
from runai_nim.rest.model.listing_page import ListingPage
from runai_nim.rest.model.listing_query import ListingQuery
from runai_nim.rest.model.project import ProjectNamespace
from runai_nim.rest.model.workload import identifier_of
from runai_nim.rest.namespaces import NamespaceIndex
from runai_nim.rest.policy_index import PolicyIndex
from runai_nim.rest.token_cache import digest_of
from runai_nim.rest.workload_index import WorkloadIndex

_SUBJECT: Final = "list workloads"
_ATTEMPTS: Final = 2
"""LISTs of one place: a second one if the continue token of the first has expired."""
_FEW_NAMESPACES: Final = 16
"""Namespaces that are listed one by one even where the caller may list all together."""
_CONCURRENT: Final = 8
"""Concurrent LISTs of one call."""
BOUNDS: Final = CallBounds(
    running=2,
    calls=10,
    per_caller=4,
    wait_seconds=30,
    run_seconds=60,
    busy="too many calls wait to list workloads",
    late="there are too many workloads to list in time: filter by projectId",
)
"""A page of 20,000 workloads takes a quarter of the time on a busy machine."""

Read = Callable[[str, str], Awaitable[tuple[ProjectNamespace, KubeObject]]]
"""Namespace and object of a workload, by token and id."""


class WorkloadListing:
    """The calls. Each raises HttpError, or NoAnswerError while the API server doesn't answer."""

    def __init__(
        self,
        api_server: ApiServer,
        namespaces: NamespaceIndex,
        policies: PolicyIndex,
        settings: Settings,
        *,
        index: WorkloadIndex,
        caller: Callable[[str], Awaitable[str]],
        read: Read,
    ) -> None:
        self._api_server = api_server
        self._caller = caller
        self._read = read
        self._queue = CallQueue(BOUNDS)
        self.refusals = ListRefusals()
        self.index = index
        self.namespaces = namespaces
        self._policies = policies
        self._settings = settings

    async def get(self, token: str, id_: str) -> bytes:
        """The workload as JSON."""
        namespace, cr = await self._read(token, id_)
        return self.workloads_of(namespace)(cr).rendered()

    async def page(self, token: str, query: ListingQuery) -> ListingPage:
        """The page that a query asks for."""
        return await self._list(token, query, is_counted=False)

    async def count(self, token: str, query: ListingQuery) -> int:
        """How many workloads a query finds."""
        return (await self._list(token, query, is_counted=True)).total

    async def _list(self, token: str, query: ListingQuery, *, is_counted: bool) -> ListingPage:
        async with self._queue.turn(await self._caller(token)):
            return await _Listing(self, self._api_server, token, query, is_counted=is_counted).run()

    def workloads_of(self, namespace: ProjectNamespace) -> Callable[[ObjectView], ListedWorkload]:
        """Converts the objects of a namespace. Raises HttpError (503) before the first LIST of policies."""
        project = self.project_of(namespace)
        policies: CompiledPolicies | None = self._policies.of_project(namespace)

        def spec_of(cr: ObjectView) -> Any:
            return own_spec(cr) if policies is None else effective_spec(cr, policies).spec

        def id_of(cr: ObjectView) -> str:
            return self.index.id_of(identifier_of(cr))

        return lambda cr: ListedWorkload(cr, project, spec_of, id_of)

    def project_of(self, namespace: ProjectNamespace) -> ListedProject:
        """What the namespace says of its workloads."""
        return ListedProject.of_namespace(namespace, self._settings, self.namespaces.cluster_id)


class _Listing:
    """One call."""

    def __init__(
        self, service: WorkloadListing, api_server: ApiServer, token: str, query: ListingQuery, *, is_counted: bool
    ) -> None:
        self._service = service
        self._api_server = api_server
        self._token = token
        self._digest = digest_of(token)
        self._query = query
        self._is_counted = is_counted
        self._is_ready = False
        self._known: dict[str, Callable[[ObjectView], ListedWorkload] | None] = {}
        """How to convert the objects of a namespace; None if the query leaves it out."""

    async def run(self) -> ListingPage:
        """List all namespaces together if the caller may, else each in which there are workloads."""
        found = self._found_namespaces() if self._query.has_project_filters else None
        if found is None or len(found) > _FEW_NAMESPACES:
            page = await self._place("")
            if page is not None:
                return page
            found = self._with_workloads(found)
        return await self._places(found)

    def _found_namespaces(self) -> set[str]:
        """The namespaces whose project the query keeps."""
        known = self._service.namespaces.known
        return {one.name for one in known if self._query.keeps_project(self._service.project_of(one))}

    def _with_workloads(self, found: set[str] | None) -> set[str]:
        """Those of the namespaces in which there are workloads; of all with None."""
        if not self._service.index.is_synced:
            raise unavailable("the workloads are not known yet")
        filled = self._service.index.namespaces
        if filled is None and found is None:
            raise _unknown_namespaces()
        if filled is None:
            return found or set()
        return filled if found is None else filled & found

    async def _places(self, namespaces: Iterable[str]) -> ListingPage:
        """The listings of these namespaces together, without those in which the caller may not list."""
        together = self._empty()
        waiting = iter(sorted(namespaces))

        async def work() -> None:
            for namespace in waiting:
                page = await self._place(namespace)
                if page is not None:
                    together.merge(page)

        workers = [asyncio.create_task(work()) for _ in range(_CONCURRENT)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
        return together

    async def _place(self, namespace: str) -> ListingPage | None:
        """The listing of one namespace, or with "" of all; None if the caller may not list there."""
        if self._service.refusals.is_known(self._digest, namespace):
            return None
        for _ in range(_ATTEMPTS):
            page = self._empty()
            status = await self._fill(page, namespace)
            if status == 200:
                return page
            if status == 403:
                self._is_ready = True  # a 403 of an API server that is starting is no answer
                self._service.refusals.remember(self._digest, namespace)
                return None
        raise unavailable("the workloads change faster than they are listed")

    async def _fill(self, page: ListingPage, namespace: str) -> int:
        """Add what a LIST finds, chunk by chunk; its last status: 200, 403 or 410."""
        answers = self._api_server.pages(self._token, RUNAI_NIM_SERVICES, namespace, is_ready=self._is_ready)
        async for answer in answers:
            if answer.status in (403, 410):
                return answer.status
            if answer.status != 200:
                raise _refused(answer)
            items = answer.body.pop("items")
            for name in {item["metadata"]["namespace"] for item in items} - self._known.keys():
                await self._learn(name)
            page.add(self._convert(items))
            del items
            await asyncio.sleep(0)  # let other tasks run before the next chunk is read
        return 200

    async def _learn(self, namespace: str) -> None:
        found = await self._service.namespaces.get(namespace)
        keeps = self._query.keeps_project(self._service.project_of(found))
        self._known[namespace] = self._service.workloads_of(found) if keeps else None

    def _convert(self, items: Iterable[ObjectView]) -> Iterator[ListedWorkload]:
        for item in items:
            if convert := self._known[item["metadata"]["namespace"]]:
                yield convert(item)

    def _empty(self) -> ListingPage:
        return ListingPage(self._query, is_counted=self._is_counted)


def _unknown_namespaces() -> HttpError:
    message = "filterBy must name the project, as projectName==team-a does: you may not list all projects together"
    details = (
        "the REST API may not list or watch RunaiNimServices, so it doesn't know in which projects there are any: ask"
        " an administrator for that permission, or for the right to list them in all namespaces"
    )
    issue = {"field": "filterBy", "details": message, "rule": "required"}
    return HttpError(400, message, details, issues=[issue])


def _refused(answer: ApiResponse) -> HttpError:
    if answer.status == 404:
        return unavailable("the kind RunaiNimService doesn't exist")
    return from_api_status(answer.status, answer.body, answer.retry_after, _SUBJECT)
