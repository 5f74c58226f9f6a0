"""The informers of all kinds but our own, one for each namespace that is served."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

from runai_nim.api.resources import NAMESPACES, ObjectKey, Resource
from runai_nim.kube.client import KubeClient
from runai_nim.kube.informer import Changes, Informer, OnFailure, Version, VersionedObject
from runai_nim.kube.poller import Poller

OnChange = Callable[[ObjectKey, Any, Any], None]
"""Is told of each change: the object's key, what was kept of it, and what is; None where it is absent."""


class InformerSet:
    """Informers, made alike.

    `namespaces`: those that are served; all, when there is none. `resync_seconds`: how often each kind is listed again.
    `on_failure` is told of each watch that broke, `on_kind_change` of each kind that was installed or removed.
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
        self._pollers: dict[str, Poller] = {}

    @property
    def all(self) -> tuple[Informer | Poller, ...]:
        """To be run, and asked for their age."""
        return *self._informers.values(), *self._of_others, *self._pollers.values()

    def add(
        self,
        resource: Resource,
        project: Callable[[Mapping[str, Any]], VersionedObject],
        on_change: OnChange,
        *,
        selector: str,
        objects: dict[ObjectKey, Any],
    ) -> None:
        """Keep what `project` makes of the objects with that label."""
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
            )

    def add_versions(
        self, resource: Resource, on_change: OnChange, *, selector: str, objects: dict[ObjectKey, Version]
    ) -> None:
        """Keep the names and versions of objects of others, of which `find` and `is_installed` don't know."""
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
        """Tell of changes to objects of others, and keep nothing of them; `on_missed` is as `Changes` has it."""
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
        """Keep the namespaces themselves, each got by its name where not all are served."""
        if self.namespaces == ("",):
            self.add(NAMESPACES, project, on_change, selector="", objects=objects)
            return
        for name in self.namespaces:
            self._pollers[name] = Poller(
                self._cluster, NAMESPACES, name, project=project, on_change=on_change, objects=objects
            )

    def find(self, resource: Resource, namespace: str) -> Informer | None:
        """The informer that keeps objects of that kind in that namespace."""
        return self._informers.get((resource, "" if "" in self.namespaces else namespace))

    def is_installed(self, resource: Resource) -> bool:
        """Does the cluster have the kind? In one namespace as in the next."""
        return self._informers[resource, self.namespaces[0]].is_installed

    async def wait_until_synced(self, namespace: str) -> None:
        """Until every kind was listed there (empty: everywhere)."""
        watches = (*self._informers.values(), *self._of_others)
        synced = [watch.synced for watch in watches if watch.namespace == namespace]
        synced += [poller.synced for name, poller in self._pollers.items() if name == namespace]
        await asyncio.gather(*(one.wait() for one in synced))
