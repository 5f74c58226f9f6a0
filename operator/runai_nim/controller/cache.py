"""What is known of the cluster: a watch of each kind, our own as Kopf brings it, and which CR each object matters to.

It tells the queue which keys to look at again; it may not decide or write anything. Kept are objects that carry our
label. Those of others that a CR names are read by name; all else costs nothing, whatever tenants make of it.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.resources import (
    CLAIMS,
    DEPLOYMENTS,
    LEADER_WORKER_SETS,
    NAMESPACES,
    NIM_CACHES,
    NIM_SERVICES,
    PODS,
    ROUTES,
    RUNAI_NIM_SERVICES,
    SERVICES,
    ObjectKey,
    Resource,
)
from runai_nim.api.untrusted_values import mapping
from runai_nim.controller.informer_set import InformerSet, OnChange
from runai_nim.controller.observed_objects import LiveNimService, ObservedObjects
from runai_nim.controller.reference_index import ReferenceIndex
from runai_nim.controller.workqueue import WorkQueue
from runai_nim.domain import names
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.observed import (
    ObservedClaim,
    ObservedNamespace,
    ObservedPod,
    ObservedService,
    ObservedState,
    ObservedWorkload,
    StoredObject,
)
from runai_nim.kube.client import KubeClient
from runai_nim.kube.discovery import Discovery
from runai_nim.kube.informer import Informer, OnFailure, VersionedObject, is_newer
from runai_nim.kube.poller import Poller

_CHILD_SELECTOR = well_known.SERVICE_LABEL
_OF_OTHERS = f"!{_CHILD_SELECTOR}"


class ClusterCache:
    """Everything observed. The key of every CR that a change may matter to is added to the queue.

    `resync_seconds`: how often each kind is listed again. `namespaces`: those that are served; all, when there is none.
    `on_failure` is told of each watch that broke.
    """

    def __init__(
        self,
        cluster: KubeClient,
        queue: WorkQueue,
        *,
        resync_seconds: float,
        on_failure: OnFailure,
        namespaces: Collection[str] = (),
    ) -> None:
        self._cluster = cluster
        self._queue = queue
        self._resources: dict[ObjectKey, StoredObject] = {}
        self._references = ReferenceIndex()
        self.observed = ObservedObjects(cluster)
        self.discovery = Discovery(cluster, self.enqueue_all)
        self._informers = InformerSet(
            cluster,
            namespaces=namespaces,
            resync_seconds=resync_seconds,
            on_failure=on_failure,
            on_kind_change=self.enqueue_all,
        )
        self._unsynced = set(self._informers.namespaces)
        """Namespaces (empty: all) of which not everything was listed yet: nothing is decided there."""
        self._add_informers()

    def _add_informers(self) -> None:
        self._add_informer(NIM_SERVICES, StoredObject.from_object, self._nimservice_changed)
        self._add_informer(SERVICES, ObservedService.from_object, self._enqueue_by_name)
        self._add_informer(DEPLOYMENTS, ObservedWorkload.from_object, self._enqueue_by_name)
        by_group = self._enqueue_by_suffix(well_known.LWS_SUFFIX)
        self._add_informer(LEADER_WORKER_SETS, ObservedWorkload.from_object, by_group)
        for route in ROUTES:
            self._add_informer(route, StoredObject.of_route, self._enqueue_by_suffix(names.ROUTE_SUFFIX))
        self._add_informer(CLAIMS, ObservedClaim.from_object, partial(self._named_object_changed, CLAIMS))
        self._add_informer(PODS, ObservedPod.from_object, self._on_pod_change)
        self._informers.add_versions(
            NIM_SERVICES,
            self._nimservice_changed,
            selector=_OF_OTHERS,
            objects=self.observed.nimservices_of_others,
        )
        for resource, selector in ((CLAIMS, _OF_OTHERS), (NIM_CACHES, "")):
            self._informers.add_changes(
                resource,
                partial(self._named_object_changed, resource),
                on_missed=partial(self._invalidate_lookups, resource),
                selector=selector,
            )
        self._informers.add_namespaces(
            ObservedNamespace.from_object, self._enqueue_namespace, objects=self.observed.by_resource[NAMESPACES]
        )

    def _add_informer(
        self, resource: Resource, project: Callable[[Mapping[str, Any]], VersionedObject], on_change: OnChange
    ) -> None:
        objects = self.observed.by_resource[resource]
        self._informers.add(resource, project, on_change, selector=_CHILD_SELECTOR, objects=objects)

    @property
    def informers(self) -> tuple[Informer | Poller, ...]:
        """The watches of all kinds but our own."""
        return self._informers.all

    async def start_deciding(self, namespace: str) -> None:
        """Begin to decide there once every kind was listed: before that, what isn't seen would be taken for absent."""
        await asyncio.gather(self.discovery.synced.wait(), self._informers.wait_until_synced(namespace))
        self._unsynced.discard(namespace)
        self.enqueue_all()

    async def resync(self, namespace: str) -> None:
        """List our own kind (empty: everywhere) and heal what Kopf missed: after "410 Gone" it tells of no deletion."""
        listed_keys: set[ObjectKey] = set()
        version = "0"
        async for page in self._cluster.pages(RUNAI_NIM_SERVICES, namespace=namespace):
            version = page["metadata"]["resourceVersion"]
            listed_keys.update(map(self.store_resource, page.pop("items")))
        self.note_listing(namespace, listed_keys, version)
        for key in listed_keys:
            self._enqueue(key)

    def note_listing(self, namespace: str, seen: set[ObjectKey], version: str) -> None:
        """These RunaiNimServices were there (empty: everywhere) at that version; those that were not are gone."""
        for key in {key for key in self._resources if namespace in ("", key[0])} - seen:
            if not is_newer(self._resources[key].resource_version, version):
                self._remove_resource(key)

    def store_resource(self, obj: Mapping[str, Any]) -> ObjectKey:
        """Take up a RunaiNimService that was seen, unless a newer version of it is known."""
        key = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        current = self._resources.get(key)
        if current is None or is_newer(obj["metadata"]["resourceVersion"], current.resource_version):
            try:
                self._resources[key] = new = _resource(obj)
            except (KeyError, TypeError, ValueError) as error:  # the object's trouble alone
                self._cluster.unreadable(RUNAI_NIM_SERVICES.plural, "/".join(key), error)
            else:
                self._enqueue(key, new)
        return key

    def remove_resource(self, obj: Mapping[str, Any]) -> None:
        """A RunaiNimService was deleted; one of the same name may be there anew already."""
        key = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        current = self._resources.get(key)
        if current is not None and current.uid == obj["metadata"]["uid"]:
            self._remove_resource(key)

    def store_own_write(self, cr: ObjectKey, resource: Resource, obj: Mapping[str, Any]) -> None:
        """Take up an object as a write in the pass of `cr` returned it: where a watch was faster, that is no news."""
        self.store(resource, obj)
        self._queue.forget_own_write(cr, obj["metadata"]["resourceVersion"])

    def store(self, resource: Resource, obj: Mapping[str, Any]) -> None:
        """Take up an object that we asked for, so that the next decision knows of it."""
        key = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        if watch := self._informers.find(resource, key[0]):
            if _CHILD_SELECTOR in mapping(obj["metadata"].get("labels")):
                watch.store_own_write(obj)
            elif resource in self.observed.lookups:  # of others: the watch of ours would never tell that it is gone
                self.observed.lookups[resource].invalidate(key)
            return
        current = self._resources.get(key)
        if current is not None and is_newer(obj["metadata"]["resourceVersion"], current.resource_version):
            self._resources[key] = _resource(obj)

    async def resource(self, key: ObjectKey) -> dict[str, Any] | None:
        """The RunaiNimService, or None when there is none. Raises ApiError where it has to be read and can't be."""
        stored = self._resources.get(key)
        if stored is None or stored.body:
            return stored.load() if stored else None
        return await self.confirm(key, stored.uid)

    async def confirm(self, key: ObjectKey, uid: str) -> dict[str, Any] | None:
        """The RunaiNimService as the API server has it now; None where that one is gone, and then it is dropped."""
        live = await self._cluster.get(RUNAI_NIM_SERVICES, *key)
        if live is not None and live["metadata"]["uid"] == uid:
            self.store(RUNAI_NIM_SERVICES, live)
            return live
        known = self._resources.get(key)
        if known is not None and known.uid == uid:
            self._remove_resource(key)
        if live is not None:
            self.store_resource(live)
        return None

    def is_large(self, key: ObjectKey) -> bool:
        """Is it, or the NIMService of its name, read at each look because it is too large to be kept?"""
        stored = self._resources.get(key)
        return (stored is not None and not stored.body) or self.observed.has_large_nimservice(key)

    def enqueue_all(self) -> None:
        """Have every CR reconciled."""
        for key in self._resources:
            self._enqueue(key)

    def forget(self, key: ObjectKey) -> None:
        """The CR is gone: nothing that it named matters to it any more."""
        self.observed.forget_names(self._references.forget(key))
        self.observed.lookups[NIM_SERVICES].invalidate(key)

    @property
    def nimservice_schema(self) -> NIMServiceSchema:
        """The NIMService kind of this cluster."""
        return self.discovery.nimservice

    async def observed_state(
        self, key: ObjectKey, live: LiveNimService | None, *, claim_name: str | None, cache_name: str | None
    ) -> ObservedState:
        """All that a decision about the CR `key` reads; from now on a change of the objects named here is told of."""
        named = {(key[0], name) for name in (claim_name, cache_name) if name}
        self.observed.forget_names(self._references.set_references(key, named))
        is_installed = self._informers.is_installed
        return ObservedState(
            nimservice=live.obj if live else None,
            applied_at=live.applied_at if live else "",
            is_nimservice_installed=is_installed(NIM_SERVICES),
            service=self.observed.service(key),
            workload=self.observed.workload(key),
            claim=self.observed.claim(key, claim_name),
            nim_cache=await self.observed.nim_cache(key, cache_name),
            pods=self.observed.pods(key),
            is_namespace_deleting=self.observed.is_namespace_deleting(key[0]),
            routes=self.observed.routes(key),
            absent_kinds=frozenset(route.kind for route in ROUTES if not is_installed(route)),
            image_pull_failures=self.observed.image_pull_failures(key),
        )

    def _enqueue(self, key: ObjectKey, new: VersionedObject | None = None) -> None:
        """Have the CR reconciled because of `new`, which no other object shares its version with."""
        if not self._unsynced or self._unsynced.isdisjoint(("", key[0])):
            self._queue.add(key, new.resource_version if new else None)

    def _remove_resource(self, key: ObjectKey) -> None:
        del self._resources[key]
        self._enqueue(key)

    def _enqueue_by_name(self, key: ObjectKey, old: Any, new: Any) -> None:
        if key in self._resources:
            self._enqueue(key, new)

    def _on_pod_change(self, key: ObjectKey, old: ObservedPod | None, new: ObservedPod | None) -> None:
        for service in self.observed.store_pod(key, old, new):
            self._enqueue_by_name(service, old, new)

    def _enqueue_by_suffix(self, suffix: str) -> Callable[[ObjectKey, Any, Any], None]:
        return lambda key, old, new: self._enqueue_by_name((key[0], key[1].removesuffix(suffix)), old, new)

    def _nimservice_changed(self, key: ObjectKey, old: Any, new: Any) -> None:
        self.observed.lookups[NIM_SERVICES].invalidate(key)
        self.observed.note_termination(key, new)
        self._enqueue_by_name(key, old, new)

    def _named_object_changed(self, resource: Resource, key: ObjectKey, old: Any, new: Any) -> None:
        self.observed.lookups[resource].invalidate(key)
        for mentioning in self._references.referrers(key):
            self._enqueue(mentioning, new)

    def _invalidate_lookups(self, resource: Resource, namespace: str) -> None:
        for key in self.observed.lookups[resource].invalidate_all(namespace):
            for mentioning in self._references.referrers(key):
                self._enqueue(mentioning)

    def _enqueue_namespace(self, key: ObjectKey, old: ObservedNamespace | None, new: ObservedNamespace | None) -> None:
        # A namespace changes often (its status, its finalizers); what matters of it changes seldom.
        if old is None or new is None or (old.labels, old.is_deleting) != (new.labels, new.is_deleting):
            for name in [name for name in self._resources if name[0] == key[1]]:
                self._enqueue(name)


def _resource(obj: Mapping[str, Any]) -> StoredObject:
    """A RunaiNimService; without a spec it is one whose body was left out on the way here, since it is large."""
    stored = StoredObject.from_object(obj)
    return stored if "spec" in obj else replace(stored, body=b"")
