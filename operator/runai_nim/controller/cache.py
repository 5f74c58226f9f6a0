"""What is known of the cluster: a watch of each kind, our own as Kopf brings it, and which CR each object matters to.

It tells the queue which keys to look at again; it may not decide or write anything. Kept are objects that carry our
label. Those of others that a CR names are read by name; all else costs nothing, whatever tenants make of it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
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
from runai_nim.controller.reference_index import ReferenceIndex
from runai_nim.controller.workqueue import WorkQueue
from runai_nim.domain import names
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.observed import (
    ObservedClaim,
    ObservedNamespace,
    ObservedNimCache,
    ObservedPod,
    ObservedService,
    ObservedState,
    ObservedWorkload,
    StoredObject,
)
from runai_nim.kube.client import KubeClient
from runai_nim.kube.discovery import Discovery
from runai_nim.kube.informer import Changes, Informer, OnFailure, Version, VersionedObject, is_newer
from runai_nim.kube.object_lookup import ObjectLookups
from runai_nim.kube.poller import Poller

_CHILD_SELECTOR = well_known.SERVICE_LABEL
_OF_OTHERS = f"!{_CHILD_SELECTOR}"


@dataclass(frozen=True, slots=True)
class LiveNimService:
    """A NIMService as it is now, and when we last changed it (RFC 3339)."""

    obj: dict[str, Any]
    applied_at: str


class ClusterCache:
    """Everything observed. The key of every CR that a change may matter to is added to the queue.

    `resync_seconds`: how often each kind is listed again. `namespaces`: those that are served; all, when there is none.
    `on_failure` is told of each watch that broke.
    """

    def __init__(
        self,
        cluster: KubeClient,
        queue: WorkQueue,
        resync_seconds: float,
        on_failure: OnFailure,
        namespaces: Collection[str] = (),
    ) -> None:
        self._cluster, self._queue, self._resync_seconds, self._on_failure = cluster, queue, resync_seconds, on_failure
        self._namespaces = tuple(namespaces) or ("",)
        self._unsynced = set(self._namespaces)
        """Namespaces (empty: all) of which not everything was listed yet: nothing is decided there."""
        self._resources: dict[ObjectKey, StoredObject] = {}
        self._references = ReferenceIndex()
        self._pods: dict[ObjectKey, dict[str, ObservedPod]] = defaultdict(dict)
        """Pods by name, of each CR."""
        self.discovery = Discovery(cluster, self.enqueue_all)
        self._objects: dict[Resource, dict[ObjectKey, Any]] = defaultdict(dict)
        self._informers: dict[tuple[Resource, str], Informer] = {}
        self._pollers: dict[str, Poller] = {}
        self._of_others: list[Informer] = []
        self._lookups = {
            NIM_SERVICES: ObjectLookups(cluster, NIM_SERVICES, StoredObject.from_object),
            CLAIMS: ObjectLookups(cluster, CLAIMS, ObservedClaim.from_object),
            NIM_CACHES: ObjectLookups(cluster, NIM_CACHES, ObservedNimCache.from_object),
        }
        self._nimservices_of_others: dict[ObjectKey, Version] = {}
        """Their names: whether ours may be made is known without a request."""
        self._add_informer(NIM_SERVICES, StoredObject.from_object, self._nimservice_changed)
        self._add_informer(SERVICES, ObservedService.from_object, self._enqueue_by_name)
        self._add_informer(DEPLOYMENTS, ObservedWorkload.from_object, self._enqueue_by_name)
        self._add_informer(
            LEADER_WORKER_SETS, ObservedWorkload.from_object, self._enqueue_by_suffix(well_known.LWS_SUFFIX)
        )
        for route in ROUTES:
            self._add_informer(route, StoredObject.of_route, self._enqueue_by_suffix(names.ROUTE_SUFFIX))
        self._add_informer(CLAIMS, ObservedClaim.from_object, partial(self._named_object_changed, CLAIMS))
        self._add_informer(PODS, ObservedPod.from_object, self._on_pod_change)
        self._watch_others()
        about = NAMESPACES, ObservedNamespace.from_object, self._enqueue_namespace
        if not namespaces:
            self._add_informer(*about, selector="")
        for name in namespaces:
            self._pollers[name] = Poller(cluster, NAMESPACES, name, *about[1:], self._objects[NAMESPACES])

    def _add_informer(self, resource: Resource, project: Any, on_change: Any, selector: str = _CHILD_SELECTOR) -> None:
        for namespace in self._namespaces:
            informer = Informer(
                self._cluster,
                resource,
                project,
                on_change,
                self.enqueue_all,
                selector=selector,
                resync_seconds=self._resync_seconds,
                namespace=namespace,
                objects=self._objects[resource],
                on_failure=self._on_failure,
            )
            self._informers[resource, namespace] = informer

    def _watch_others(self) -> None:
        for namespace in self._namespaces:
            common: dict[str, Any] = {
                "resync_seconds": self._resync_seconds,
                "namespace": namespace,
                "on_failure": self._on_failure,
            }
            self._of_others.append(
                Informer(
                    self._cluster,
                    NIM_SERVICES,
                    Version.from_object,
                    self._nimservice_changed,
                    self.enqueue_all,
                    selector=_OF_OTHERS,
                    objects=self._nimservices_of_others,
                    metadata_only=True,
                    **common,
                )
            )
            for resource, selector in ((CLAIMS, _OF_OTHERS), (NIM_CACHES, "")):
                changed, missed = (
                    partial(self._named_object_changed, resource),
                    partial(self._invalidate_lookups, resource),
                )
                self._of_others.append(Changes(self._cluster, resource, changed, missed, selector=selector, **common))

    @property
    def informers(self) -> tuple[Informer | Poller, ...]:
        """The watches of all kinds but our own."""
        return *self._informers.values(), *self._of_others, *self._pollers.values()

    async def start_deciding(self, namespace: str) -> None:
        """Begin to decide there once every kind was listed: before that, what isn't seen would be taken for absent."""
        watches = (*self._informers.values(), *self._of_others)
        read = [watch.synced for watch in watches if watch.namespace == namespace]
        read += [poll.synced for name, poll in self._pollers.items() if name == namespace]
        await asyncio.gather(*(one.wait() for one in (self.discovery.synced, *read)))
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
        if watch := self._informers.get((resource, "" if "" in self._namespaces else key[0])):
            if _CHILD_SELECTOR in mapping(obj["metadata"].get("labels")):
                watch.store_own_write(obj)
            elif resource in self._lookups:  # of others: the watch of ours would never tell that it is gone
                self._lookups[resource].invalidate(key)
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
        nimservice = self._objects[NIM_SERVICES].get(key) or self._lookups[NIM_SERVICES].get(key)
        return any(stored is not None and not stored.body for stored in (self._resources.get(key), nimservice))

    def enqueue_all(self) -> None:
        """Have every CR reconciled."""
        for key in self._resources:
            self._enqueue(key)

    def forget(self, key: ObjectKey) -> None:
        """The CR is gone: nothing that it named matters to it any more."""
        self._forget_names(self._references.forget(key))
        self._lookups[NIM_SERVICES].invalidate(key)

    def _forget_names(self, unnamed: Iterable[ObjectKey]) -> None:
        for name in unnamed:
            self._lookups[CLAIMS].invalidate(name)
            self._lookups[NIM_CACHES].invalidate(name)

    @property
    def nimservice_schema(self) -> NIMServiceSchema:
        """The NIMService kind of this cluster."""
        return self.discovery.nimservice

    def namespace_labels(self, namespace: str) -> Mapping[str, str] | None:
        """The labels of a namespace; None while it isn't known."""
        namespace_object: ObservedNamespace | None = self._objects[NAMESPACES].get(("", namespace))
        return namespace_object.labels if namespace_object else None

    def claim(self, key: ObjectKey, name: str | None) -> ObservedClaim | None:
        """The claim of that name in the CR's namespace, as far as it is known."""
        at = (key[0], name or "")
        claim: ObservedClaim | None = self._objects[CLAIMS].get(at) or self._lookups[CLAIMS].get(at)
        return claim

    async def read_claim(self, key: ObjectKey, name: str, *, again: bool = False) -> bool:
        """Read the claim of that name, unless it is known or `again`; whether there is one that was not known."""
        at = (key[0], name)
        if again:
            self._lookups[CLAIMS].invalidate(at)
        elif at in self._objects[CLAIMS] or self._lookups[CLAIMS].knows(at):
            return False
        return await self._lookups[CLAIMS].read(at) is not None

    async def nimservice(self, key: ObjectKey) -> LiveNimService | None:
        """The NIMService of that name, whoever made it."""
        stored: StoredObject | None = self._objects[NIM_SERVICES].get(key)
        if stored is None and key in self._nimservices_of_others:
            stored = await self._lookups[NIM_SERVICES].read(key)
        if stored is None:
            return None
        # One that is too large to be kept is read each time.
        live = stored.load() if stored.body else await self._cluster.get(NIM_SERVICES, *key)
        return None if live is None else LiveNimService(live, stored.applied_at)

    async def observed_state(
        self, key: ObjectKey, live: LiveNimService | None, claim_name: str | None, cache_name: str | None
    ) -> ObservedState:
        """All that a decision about the CR `key` reads; from now on a change of the objects named here is told of."""
        self._forget_names(
            self._references.set_references(key, {(key[0], name) for name in (claim_name, cache_name) if name})
        )
        return ObservedState(
            nimservice=live.obj if live else None,
            applied_at=live.applied_at if live else "",
            is_nimservice_installed=self._is_installed(NIM_SERVICES),
            service=self._objects[SERVICES].get(key),
            workload=self._workload(key),
            claim=self.claim(key, claim_name),
            nim_cache=await self._lookups[NIM_CACHES].read((key[0], cache_name)) if cache_name else None,
            pods=tuple(self._pods[key].values()) if key in self._pods else (),
            is_namespace_deleting=self._is_namespace_deleting(key[0]),
            routes=self._routes(key),
            absent_kinds=frozenset(route.kind for route in ROUTES if not self._is_installed(route)),
        )

    def _is_installed(self, resource: Resource) -> bool:
        # In one namespace as in the next.
        return self._informers[resource, self._namespaces[0]].is_installed

    def _is_namespace_deleting(self, namespace: str) -> bool:
        namespace_object: ObservedNamespace | None = self._objects[NAMESPACES].get(("", namespace))
        return namespace_object is not None and namespace_object.is_deleting

    def _workload(self, key: ObjectKey) -> ObservedWorkload | None:
        group: ObservedWorkload | None = self._objects[LEADER_WORKER_SETS].get((key[0], key[1] + well_known.LWS_SUFFIX))
        deployment: ObservedWorkload | None = self._objects[DEPLOYMENTS].get(key)
        return deployment or group

    def _routes(self, key: ObjectKey) -> dict[str, dict[str, Any]]:
        name = (key[0], names.route_name(key[1]))
        routes = ((route.kind, self._objects[route].get(name)) for route in ROUTES)
        return {kind: stored.load() for kind, stored in routes if stored}

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
        for pod in (old, new):
            if pod is not None:
                self._pods[key[0], pod.service].pop(key[1], None)
                if not self._pods[key[0], pod.service]:
                    del self._pods[key[0], pod.service]
        if new is not None:
            self._pods[key[0], new.service][key[1]] = new
        # Versions apart, a pod says the same most of the time.
        if old is None or new is None or replace(old, resource_version="") != replace(new, resource_version=""):
            for pod in (old, new):
                if pod is not None:
                    self._enqueue_by_name((key[0], pod.service), old, new)

    def _enqueue_by_suffix(self, suffix: str) -> Callable[[ObjectKey, Any, Any], None]:
        return lambda key, old, new: self._enqueue_by_name((key[0], key[1].removesuffix(suffix)), old, new)

    def _nimservice_changed(self, key: ObjectKey, old: Any, new: Any) -> None:
        self._lookups[NIM_SERVICES].invalidate(key)
        self._enqueue_by_name(key, old, new)

    def _named_object_changed(self, resource: Resource, key: ObjectKey, old: Any, new: Any) -> None:
        self._lookups[resource].invalidate(key)
        for mentioning in self._references.referrers(key):
            self._enqueue(mentioning, new)

    def _invalidate_lookups(self, resource: Resource, namespace: str) -> None:
        for key in self._lookups[resource].invalidate_all(namespace):
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
