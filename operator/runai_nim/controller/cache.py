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
from runai_nim.api.untrusted_values import mapping
from runai_nim.controller.reference_index import Mentions
from runai_nim.controller.workqueue import Key, KeyQueue
from runai_nim.domain.nimservice_schema import Installed
from runai_nim.domain.observed import Claim, Namespace, NimCache, Observed, Pod, Service, Stored, Workload
from runai_nim.domain.translate import names
from runai_nim.kube.client import (
    CLAIMS,
    DEPLOYMENTS,
    GRPC_ROUTES,
    HTTP_ROUTES,
    INGRESSES,
    LEADER_WORKER_SETS,
    NAMESPACES,
    NIM_CACHES,
    NIM_SERVICES,
    PODS,
    RUNAI_NIM_SERVICES,
    SERVICES,
    Cluster,
    Resource,
)
from runai_nim.kube.discovery import Discovery
from runai_nim.kube.informer import Changes, HasVersion, ObjectKey, OnFailure, Version, Watch, newer
from runai_nim.kube.object_lookup import Lookups
from runai_nim.kube.poller import Poll

ROUTES: Mapping[Resource, str] = {
    INGRESSES: well_known.INGRESS_KIND,
    HTTP_ROUTES: well_known.HTTP_ROUTE_KIND,
    GRPC_ROUTES: well_known.GRPC_ROUTE_KIND,
}
"""The resources that a route of our own can be, and their kinds."""

_MADE = well_known.SERVICE_LABEL
_OF_OTHERS = f"!{_MADE}"


@dataclass(frozen=True, slots=True)
class LiveNimService:
    """A NIMService as it is now, and when we last changed it (RFC 3339)."""

    obj: dict[str, Any]
    applied_at: str


class World:
    """Everything observed. The key of every CR that a change may matter to is added to the queue.

    `resync_seconds`: how often each kind is listed again. `namespaces`: those that are served; all, when there is none.
    `on_failure` is told of each watch that broke.
    """

    def __init__(
        self,
        cluster: Cluster,
        queue: KeyQueue,
        resync_seconds: float,
        on_failure: OnFailure,
        namespaces: Collection[str] = (),
    ) -> None:
        self._cluster, self._queue, self._resync_seconds, self._on_failure = cluster, queue, resync_seconds, on_failure
        self._namespaces = tuple(namespaces) or ("",)
        self._unread = set(self._namespaces)
        """Namespaces (empty: all) of which not everything was listed yet: nothing is decided there."""
        self._resources: dict[Key, Stored] = {}
        self._mentions = Mentions()
        self._pods: dict[Key, dict[str, Pod]] = defaultdict(dict)
        """Pods by name, of each CR."""
        self.discovery = Discovery(cluster, self.look_at_all)
        self._objects: dict[Resource, dict[ObjectKey, Any]] = defaultdict(dict)
        self._watches: dict[tuple[Resource, str], Watch] = {}
        self._polls: dict[str, Poll] = {}
        self._of_others: list[Watch] = []
        self._lookups = {
            NIM_SERVICES: Lookups(cluster, NIM_SERVICES, Stored.from_object),
            CLAIMS: Lookups(cluster, CLAIMS, Claim.from_object),
            NIM_CACHES: Lookups(cluster, NIM_CACHES, NimCache.from_object),
        }
        self._nimservices_of_others: dict[ObjectKey, Version] = {}
        """Their names: whether ours may be made is known without a request."""
        self._watch(NIM_SERVICES, Stored.from_object, self._nimservice_changed)
        self._watch(SERVICES, Service.from_object, self._same_name)
        self._watch(DEPLOYMENTS, Workload.from_object, self._same_name)
        self._watch(LEADER_WORKER_SETS, Workload.from_object, self._named_after(well_known.LWS_SUFFIX))
        for kind in ROUTES:
            self._watch(kind, Stored.of_route, self._named_after(names.ROUTE_SUFFIX))
        self._watch(CLAIMS, Claim.from_object, partial(self._named_object_changed, CLAIMS))
        self._watch(PODS, Pod.from_object, self._pod_changed)
        self._watch_others()
        about = NAMESPACES, Namespace.from_object, self._of_namespace
        if not namespaces:
            self._watch(*about, selector="")
        for name in namespaces:
            self._polls[name] = Poll(cluster, NAMESPACES, name, *about[1:], self._objects[NAMESPACES])

    def _watch(self, resource: Resource, project: Any, changed: Any, selector: str = _MADE) -> None:
        for namespace in self._namespaces:
            made = Watch(
                self._cluster,
                resource,
                project,
                changed,
                self.look_at_all,
                selector=selector,
                resync_seconds=self._resync_seconds,
                namespace=namespace,
                objects=self._objects[resource],
                on_failure=self._on_failure,
            )
            self._watches[resource, namespace] = made

    def _watch_others(self) -> None:
        for namespace in self._namespaces:
            common: dict[str, Any] = {
                "resync_seconds": self._resync_seconds,
                "namespace": namespace,
                "on_failure": self._on_failure,
            }
            self._of_others.append(
                Watch(
                    self._cluster,
                    NIM_SERVICES,
                    Version.from_object,
                    self._nimservice_changed,
                    self.look_at_all,
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
    def watches(self) -> tuple[Watch | Poll, ...]:
        """The watches of all kinds but our own."""
        return *self._watches.values(), *self._of_others, *self._polls.values()

    async def follow(self, namespace: str) -> None:
        """Begin to decide there once every kind was listed: before that, what isn't seen would be taken for absent."""
        watches = (*self._watches.values(), *self._of_others)
        read = [watch.synced for watch in watches if watch.namespace == namespace]
        read += [poll.synced for name, poll in self._polls.items() if name == namespace]
        await asyncio.gather(*(one.wait() for one in (self.discovery.synced, *read)))
        self._unread.discard(namespace)
        self.look_at_all()

    async def resync(self, namespace: str) -> None:
        """List our own kind (empty: everywhere) and heal what Kopf missed: after "410 Gone" it tells of no deletion."""
        seen: set[Key] = set()
        version = "0"
        async for page in self._cluster.pages(RUNAI_NIM_SERVICES, namespace=namespace):
            version = page["metadata"]["resourceVersion"]
            seen.update(map(self.resource_seen, page.pop("items")))
        self.note_listing(namespace, seen, version)
        for key in seen:
            self._look(key)

    def note_listing(self, namespace: str, seen: set[Key], version: str) -> None:
        """These RunaiNimServices were there (empty: everywhere) at that version; those that were not are gone."""
        for key in {key for key in self._resources if namespace in ("", key[0])} - seen:
            if not newer(self._resources[key].resource_version, version):
                self._drop(key)

    def resource_seen(self, obj: Mapping[str, Any]) -> Key:
        """Take up a RunaiNimService that was seen, unless a newer version of it is known."""
        key = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        known = self._resources.get(key)
        if known is None or newer(obj["metadata"]["resourceVersion"], known.resource_version):
            try:
                self._resources[key] = new = _resource(obj)
            except (KeyError, TypeError, ValueError) as error:  # the object's trouble alone
                self._cluster.unreadable(RUNAI_NIM_SERVICES.plural, "/".join(key), error)
            else:
                self._look(key, new)
        return key

    def resource_gone(self, obj: Mapping[str, Any]) -> None:
        """A RunaiNimService was deleted; one of the same name may be there anew already."""
        key = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        known = self._resources.get(key)
        if known is not None and known.uid == obj["metadata"]["uid"]:
            self._drop(key)

    def wrote(self, cr: Key, resource: Resource, obj: Mapping[str, Any]) -> None:
        """Take up an object as a write in the pass of `cr` returned it: where a watch was faster, that is no news."""
        self.record(resource, obj)
        self._queue.withdraw(cr, obj["metadata"]["resourceVersion"])

    def record(self, resource: Resource, obj: Mapping[str, Any]) -> None:
        """Take up an object that we asked for, so that the next decision knows of it."""
        key = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        if watch := self._watches.get((resource, "" if "" in self._namespaces else key[0])):
            if _MADE in mapping(obj["metadata"].get("labels")):
                watch.record(obj)
            elif resource in self._lookups:  # of others: the watch of ours would never tell that it is gone
                self._lookups[resource].invalidate(key)
            return
        known = self._resources.get(key)
        if known is not None and newer(obj["metadata"]["resourceVersion"], known.resource_version):
            self._resources[key] = _resource(obj)

    async def resource(self, key: Key) -> dict[str, Any] | None:
        """The RunaiNimService, or None when there is none. Raises ApiError where it has to be read and can't be."""
        stored = self._resources.get(key)
        if stored is None or stored.body:
            return stored.load() if stored else None
        return await self.confirm(key, stored.uid)

    async def confirm(self, key: Key, uid: str) -> dict[str, Any] | None:
        """The RunaiNimService as the API server has it now; None where that one is gone, and then it is dropped."""
        live = await self._cluster.get(RUNAI_NIM_SERVICES, *key)
        if live is not None and live["metadata"]["uid"] == uid:
            self.record(RUNAI_NIM_SERVICES, live)
            return live
        known = self._resources.get(key)
        if known is not None and known.uid == uid:
            self._drop(key)
        if live is not None:
            self.resource_seen(live)
        return None

    def is_large(self, key: Key) -> bool:
        """Is it, or the NIMService of its name, read at each look because it is too large to be kept?"""
        nimservice = self._objects[NIM_SERVICES].get(key) or self._lookups[NIM_SERVICES].get(key)
        return any(stored is not None and not stored.body for stored in (self._resources.get(key), nimservice))

    def look_at_all(self) -> None:
        """Have every CR reconciled."""
        for key in self._resources:
            self._look(key)

    def forget(self, key: Key) -> None:
        """The CR is gone: nothing that it named matters to it any more."""
        self._forget_names(self._mentions.forget(key))
        self._lookups[NIM_SERVICES].invalidate(key)

    def _forget_names(self, unnamed: Iterable[Key]) -> None:
        for name in unnamed:
            self._lookups[CLAIMS].invalidate(name)
            self._lookups[NIM_CACHES].invalidate(name)

    @property
    def installed(self) -> Installed:
        """The NIMService kind of this cluster."""
        return self.discovery.nimservice

    def namespace_labels(self, namespace: str) -> Mapping[str, str] | None:
        """The labels of a namespace; None while it isn't known."""
        known: Namespace | None = self._objects[NAMESPACES].get(("", namespace))
        return known.labels if known else None

    def claim(self, key: Key, name: str | None) -> Claim | None:
        """The claim of that name in the CR's namespace, as far as it is known."""
        at = (key[0], name or "")
        found: Claim | None = self._objects[CLAIMS].get(at) or self._lookups[CLAIMS].get(at)
        return found

    async def read_claim(self, key: Key, name: str, *, again: bool = False) -> bool:
        """Read the claim of that name, unless it is known or `again`; whether there is one that was not known."""
        at = (key[0], name)
        if again:
            self._lookups[CLAIMS].invalidate(at)
        elif at in self._objects[CLAIMS] or self._lookups[CLAIMS].knows(at):
            return False
        return await self._lookups[CLAIMS].read(at) is not None

    async def nimservice(self, key: Key) -> LiveNimService | None:
        """The NIMService of that name, whoever made it."""
        stored: Stored | None = self._objects[NIM_SERVICES].get(key)
        if stored is None and key in self._nimservices_of_others:
            stored = await self._lookups[NIM_SERVICES].read(key)
        if stored is None:
            return None
        # One that is too large to be kept is read each time.
        live = stored.load() if stored.body else await self._cluster.get(NIM_SERVICES, *key)
        return None if live is None else LiveNimService(live, stored.applied_at)

    async def observed(
        self, key: Key, live: LiveNimService | None, claim_name: str | None, cache_name: str | None
    ) -> Observed:
        """All that a decision about the CR `key` reads; from now on a change of the objects named here is told of."""
        self._forget_names(self._mentions.note(key, {(key[0], name) for name in (claim_name, cache_name) if name}))
        return Observed(
            nimservice=live.obj if live else None,
            applied_at=live.applied_at if live else "",
            nimservice_installed=self._is_installed(NIM_SERVICES),
            service=self._objects[SERVICES].get(key),
            workload=self._workload(key),
            claim=self.claim(key, claim_name),
            nim_cache=await self._lookups[NIM_CACHES].read((key[0], cache_name)) if cache_name else None,
            pods=tuple(self._pods[key].values()) if key in self._pods else (),
            namespace_deleting=self._namespace_deleting(key[0]),
            routes=self._routes(key),
            absent_kinds=frozenset(kind for resource, kind in ROUTES.items() if not self._is_installed(resource)),
        )

    def _is_installed(self, resource: Resource) -> bool:
        # In one namespace as in the next.
        return self._watches[resource, self._namespaces[0]].installed

    def _namespace_deleting(self, namespace: str) -> bool:
        known: Namespace | None = self._objects[NAMESPACES].get(("", namespace))
        return known is not None and known.deleting

    def _workload(self, key: Key) -> Workload | None:
        group: Workload | None = self._objects[LEADER_WORKER_SETS].get((key[0], key[1] + well_known.LWS_SUFFIX))
        found: Workload | None = self._objects[DEPLOYMENTS].get(key)
        return found or group

    def _routes(self, key: Key) -> dict[str, dict[str, Any]]:
        name = (key[0], names.route_name(key[1]))
        found = ((kind, self._objects[resource].get(name)) for resource, kind in ROUTES.items())
        return {kind: stored.load() for kind, stored in found if stored}

    def _look(self, key: Key, new: HasVersion | None = None) -> None:
        """Have the CR reconciled because of `new`, which no other object shares its version with."""
        if not self._unread or self._unread.isdisjoint(("", key[0])):
            self._queue.add(key, new.resource_version if new else None)

    def _drop(self, key: Key) -> None:
        del self._resources[key]
        self._look(key)

    def _same_name(self, key: ObjectKey, old: Any, new: Any) -> None:
        if key in self._resources:
            self._look(key, new)

    def _pod_changed(self, key: ObjectKey, old: Pod | None, new: Pod | None) -> None:
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
                    self._same_name((key[0], pod.service), old, new)

    def _named_after(self, suffix: str) -> Callable[[ObjectKey, Any, Any], None]:
        return lambda key, old, new: self._same_name((key[0], key[1].removesuffix(suffix)), old, new)

    def _nimservice_changed(self, key: ObjectKey, old: Any, new: Any) -> None:
        self._lookups[NIM_SERVICES].invalidate(key)
        self._same_name(key, old, new)

    def _named_object_changed(self, resource: Resource, key: ObjectKey, old: Any, new: Any) -> None:
        self._lookups[resource].invalidate(key)
        for mentioning in self._mentions.of(key):
            self._look(mentioning, new)

    def _invalidate_lookups(self, resource: Resource, namespace: str) -> None:
        for key in self._lookups[resource].invalidate_all(namespace):
            for mentioning in self._mentions.of(key):
                self._look(mentioning)

    def _of_namespace(self, key: ObjectKey, old: Namespace | None, new: Namespace | None) -> None:
        # A namespace changes often (its status, its finalizers); what matters of it changes seldom.
        if old is None or new is None or (old.labels, old.deleting) != (new.labels, new.deleting):
            for name in [name for name in self._resources if name[0] == key[1]]:
                self._look(name)


def _resource(obj: Mapping[str, Any]) -> Stored:
    """A RunaiNimService; without a spec it is one whose body was left out on the way here, since it is large."""
    stored = Stored.from_object(obj)
    return stored if "spec" in obj else replace(stored, body=b"")
