"""The informers of all kinds except RunaiNimService, one for each served namespace."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

from runai_nim.api.resources import NAMESPACES, ObjectKey, Resource
from runai_nim.kube.client import KubeClient
from runai_nim.kube.informer import Changes, Informer, OnFailure
from runai_nim.kube.poller import Poller
from runai_nim.kube.resource_version import Version, VersionedObject

OnChange = Callable[[ObjectKey, Any, Any], None]
"""Callback for each change: the object's key, its old and its new projection; None if absent."""


class InformerSet:
    """Informers with common parameters.

    `namespaces`: the served ones; empty: all. `resync_seconds`: interval between LISTs of each kind. `on_failure` is
    called for each failed watch, `on_kind_change` when a CRD was installed or removed.
    """

    def __init__(
        self,
        cluster: KubeClient,
        *,
        namespaces: Collection[str],
        resync_seconds: float,
        on_failure: OnFailure,
        on_kind_change: Callable[[], None],
    ) -> None:
        self._cluster = cluster
        self.namespaces = tuple(namespaces) or ("",)
        self._resync_seconds = resync_seconds
        self._on_failure = on_failure
        self._on_kind_change = on_kind_change
        self._informers: dict[tuple[Resource, str], Informer] = {}
        self._of_others: list[Informer] = []
        self._of_the_cluster: list[Informer] = []
        self._pollers: dict[str, Poller] = {}

    @property
    def serves_all(self) -> bool:
        """Whether all namespaces are served."""
        return self.namespaces == ("",)

    @property
    def all(self) -> tuple[Informer | Poller, ...]:
        """All informers and pollers, to run them and to check their age."""
        return *self._informers.values(), *self._of_others, *self._of_the_cluster, *self._pollers.values()

    def add(
        self,
        resource: Resource,
        project: Callable[[Mapping[str, Any]], VersionedObject],
        on_change: OnChange,
        *,
        selector: str,
        objects: dict[ObjectKey, Any],
        optional: bool = False,
    ) -> None:
        """Keep what `project` makes of the objects with that label. `optional` is as Informer has it."""
        for namespace in self.namespaces:
            self._informers[resource, namespace] = Informer(
                self._cluster,
                resource,
                project=project,
                on_change=on_change,
                on_kind_change=self._on_kind_change,
                selector=selector,
                resync_seconds=self._resync_seconds,
                namespace=namespace,
                objects=objects,
                on_failure=self._on_failure,
                optional=optional,
            )

    def add_cluster_scoped(
        self,
        resource: Resource,
        project: Callable[[Mapping[str, Any]], VersionedObject],
        on_change: OnChange,
        *,
        objects: dict[ObjectKey, Any],
    ) -> None:
        """Keep what `project` makes of the objects of a kind that no namespace has; every namespace waits for it."""
        informer = Informer(
            self._cluster,
            resource,
            project=project,
            on_change=on_change,
            on_kind_change=self._on_kind_change,
            resync_seconds=self._resync_seconds,
            objects=objects,
            on_failure=self._on_failure,
        )
        self._of_the_cluster.append(informer)

    def add_versions(
        self, resource: Resource, on_change: OnChange, *, selector: str, objects: dict[ObjectKey, Version]
    ) -> None:
        """Cache only names and versions of foreign objects; `find` and `is_installed` ignore these informers."""
        for namespace in self.namespaces:
            self._of_others.append(
                Informer(
                    self._cluster,
                    resource,
                    project=Version.from_object,
                    on_change=on_change,
                    on_kind_change=self._on_kind_change,
                    selector=selector,
                    resync_seconds=self._resync_seconds,
                    namespace=namespace,
                    objects=objects,
                    on_failure=self._on_failure,
                    metadata_only=True,
                )
            )

    def add_changes(
        self, resource: Resource, on_change: OnChange, *, on_missed: Callable[[str], None], selector: str
    ) -> None:
        """Report changes of foreign objects without caching them; `on_missed` is as in `Changes`."""
        for namespace in self.namespaces:
            self._of_others.append(
                Changes(
                    self._cluster,
                    resource,
                    on_change,
                    on_missed,
                    selector=selector,
                    resync_seconds=self._resync_seconds,
                    namespace=namespace,
                    on_failure=self._on_failure,
                )
            )

    def add_namespaces(
        self,
        project: Callable[[Mapping[str, Any]], VersionedObject],
        on_change: OnChange,
        *,
        objects: dict[ObjectKey, Any],
    ) -> None:
        """Cache the namespaces themselves; if not all are served, poll each by its name."""
        if self.serves_all:
            self.add(NAMESPACES, project, on_change, selector="", objects=objects)
            return
        for name in self.namespaces:
            self._pollers[name] = Poller(
                self._cluster, NAMESPACES, name, project=project, on_change=on_change, objects=objects
            )

    def find(self, resource: Resource, namespace: str) -> Informer | None:
        """The informer that caches objects of that kind in that namespace."""
        return self._informers.get((resource, "" if "" in self.namespaces else namespace))

    def is_installed(self, resource: Resource) -> bool:
        """Whether the cluster has the kind, which is the same in all namespaces."""
        return self._informers[resource, self.namespaces[0]].is_installed

    async def wait_until_synced(self, namespace: str) -> None:
        """Wait until every kind in the namespace (empty: all) has been listed."""
        watches = (*self._informers.values(), *self._of_others)
        synced = [watch.synced for watch in watches if watch.namespace == namespace]
        synced += [watch.synced for watch in self._of_the_cluster]
        synced += [poller.synced for name, poller in self._pollers.items() if name == namespace]
        await asyncio.gather(*(one.wait() for one in synced))
