"""Index of the cluster's namespaces, the only objects that the process reads with its own identity."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from runai_nim.api.resources import NAMESPACES
from runai_nim.domain.validate import Finding
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient
from runai_nim.kube.informer import Informer
from runai_nim.rest.errors import unavailable
from runai_nim.rest.model.project import ProjectNamespace, find_namespace, is_possible_project_id

_SYSTEM: Final = "kube-system"
"""The namespace whose uid identifies the cluster, by convention."""
_LOOKUP_INTERVAL_SECONDS: Final = 1.0
"""Minimum interval between LISTs of namespaces."""
_MAX_WAITING: Final = 64
"""Calls that may wait for a LIST."""


class NamespaceIndex:
    """Namespaces as cached by an informer."""

    def __init__(self, cluster: KubeClient, project_labels: Iterable[str]) -> None:
        self._cluster = cluster
        self._project_labels = tuple(project_labels)
        self._watch = Informer(
            cluster,
            NAMESPACES,
            project=ProjectNamespace.from_object,
            on_change=lambda *_: None,
            on_kind_change=lambda: None,
        )
        self._reading = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None
        self._not_before = 0.0
        self._waiting = 0

    async def run(self) -> None:
        """Run the informer until cancelled."""
        await self._watch.run()

    @property
    def is_synced(self) -> bool:
        """Whether the first LIST is complete."""
        return self._watch.synced.is_set()

    @property
    def cluster_id(self) -> str:
        """Id of the cluster. Raises HttpError (503) before the first LIST."""
        return self._get_known(_SYSTEM).uid

    @property
    def known(self) -> tuple[ProjectNamespace, ...]:
        """All namespaces as far as they are known. Raises HttpError (503) before the first LIST."""
        if not self.is_synced:
            raise unavailable("the projects are not known yet")
        return tuple(self._watch.objects.values())

    async def get(self, name: str) -> ProjectNamespace:
        """The namespace. Raises HttpError (503) if unknown."""
        if ("", name) not in self._watch.objects:
            await self._wait_for_listing()
        return self._get_known(name)

    async def find(self, project_id: Any) -> ProjectNamespace | Finding:
        """The namespace of a project, or a finding about its id. Raises HttpError (503) before the first LIST."""
        namespace = self._find_known(project_id)
        if isinstance(namespace, Finding) and is_possible_project_id(project_id):
            await self._wait_for_listing()
            namespace = self._find_known(project_id)
        return namespace

    def _get_known(self, name: str) -> ProjectNamespace:
        namespace: ProjectNamespace | None = self._watch.objects.get(("", name))
        if namespace is None:
            raise unavailable("the project is not known yet")
        return namespace

    def _find_known(self, project_id: Any) -> ProjectNamespace | Finding:
        return find_namespace(project_id, self.known, self._project_labels)

    async def _wait_for_listing(self) -> None:
        """Wait for a LIST before answering that a project is unknown: the watch may be late or broken.

        Concurrent callers share a LIST, so there is at most one per second.
        """
        if self._waiting >= _MAX_WAITING:
            raise unavailable("too many calls wait for unknown projects")
        self._waiting += 1
        self._next = self._next or asyncio.create_task(self._list_all())
        try:
            await asyncio.shield(self._next)
        except ApiError as error:
            raise unavailable("the projects can't be read") from error
        finally:
            self._waiting -= 1

    async def _list_all(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._reading:
            await asyncio.sleep(self._not_before - loop.time())
            self._next = None
            self._not_before = loop.time() + _LOOKUP_INTERVAL_SECONDS
            async for page in self._cluster.pages(NAMESPACES):
                for found in page["items"]:
                    self._watch.store_own_write(found)
