"""What is known of the cluster: a watch of each kind, our own as Kopf brings it, and which CR each object matters to.

It tells the queue which keys to look at again; it may not decide or write anything.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from runai_nim import keys
from runai_nim.cluster import (
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
from runai_nim.discovery import Discovery
from runai_nim.installed import Installed
from runai_nim.mentions import Mentions
from runai_nim.observe import HasVersion, ObjectKey, Watch, newer
from runai_nim.observed import Claim, Namespace, NimCache, Observed, Pod, Service, Stored, Workload
from runai_nim.poll import Poll
from runai_nim.queueing import Key, KeyQueue
from runai_nim.translate import names

ROUTES: Mapping[Resource, str] = {
    INGRESSES: keys.INGRESS_KIND,
    HTTP_ROUTES: keys.HTTP_ROUTE_KIND,
    GRPC_ROUTES: keys.GRPC_ROUTE_KIND,
}
"""The resources that a route of our own can be, and their kinds."""

_MADE = keys.SERVICE_LABEL


class World:
    """Everything observed. The key of every CR that a change may matter to is added to the queue.

    `resync_seconds`: how often each kind is listed again. `namespaces`: those that are served; all, when there is none.
    """

    def __init__(
        self, cluster: Cluster, queue: KeyQueue, resync_seconds: float, namespaces: Collection[str] = ()
    ) -> None:
        self._cluster, self._queue, self._resync_seconds = cluster, queue, resync_seconds
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
        self._watch(NIM_SERVICES, Stored.from_object, self._same_name)
        self._watch(SERVICES, Service.from_object, self._same_name, _MADE)
        self._watch(DEPLOYMENTS, Workload.from_object, self._same_name, _MADE)
        self._watch(LEADER_WORKER_SETS, Workload.from_object, self._named_after(keys.LWS_SUFFIX), _MADE)
        for kind in ROUTES:
            self._watch(kind, Stored.from_object, self._named_after(names.ROUTE_SUFFIX), _MADE)
        self._watch(CLAIMS, Claim.from_object, self._named_by)
        self._watch(NIM_CACHES, NimCache.from_object, self._named_by)
        self._watch(PODS, Pod.from_object, self._pod_changed, _MADE)
        about = NAMESPACES, Namespace.from_object, self._of_namespace
        if not namespaces:
            self._watch(*about)
        for name in namespaces:
            self._polls[name] = Poll(cluster, NAMESPACES, name, *about[1:], self._objects[NAMESPACES])

    def _watch(self, resource: Resource, project: Any, changed: Any, selector: str = "") -> None:
        for namespace in self._namespaces:
            how = project, changed, self.look_at_all, selector, self._resync_seconds
            made = Watch(self._cluster, resource, *how, namespace, self._objects[resource])
            self._watches[resource, namespace] = made

    @property
    def watches(self) -> tuple[Watch | Poll, ...]:
        """The watches of all kinds but our own."""
        return *self._watches.values(), *self._polls.values()

    async def follow(self, namespace: str) -> None:
        """Begin to decide there once every kind was listed: before that, what isn't seen would be taken for absent."""
        read = [watch.synced for (_, place), watch in self._watches.items() if place == namespace]
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
            seen |= {self.resource_seen(obj) for obj in page["items"]}
        for key in {key for key in self._resources if namespace in ("", key[0])} - seen:
            if not newer(self._resources[key].resource_version, version):
                self._drop(key)
        for key in seen:
            self._look(key)

    def resource_seen(self, obj: Mapping[str, Any]) -> Key:
        """Take up a RunaiNimService that was seen, unless a newer version of it is known."""
        key = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        known = self._resources.get(key)
        if known is None or newer(obj["metadata"]["resourceVersion"], known.resource_version):
            self._resources[key] = new = Stored.from_object(obj)
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
            watch.record(obj)
            return
        known = self._resources.get(key)
        if known is not None and newer(obj["metadata"]["resourceVersion"], known.resource_version):
            self._resources[key] = Stored.from_object(obj)

    def resource(self, key: Key) -> dict[str, Any] | None:
        """The RunaiNimService, or None when there is none."""
        stored = self._resources.get(key)
        return stored.load() if stored else None

    def look_at_all(self) -> None:
        """Have every CR reconciled."""
        for key in self._resources:
            self._look(key)

    def forget(self, key: Key) -> None:
        """The CR is gone: nothing that it named matters to it any more."""
        self._mentions.forget(key)

    @property
    def installed(self) -> Installed:
        """The NIMService kind of this cluster."""
        return self.discovery.nimservice

    def namespace_labels(self, namespace: str) -> Mapping[str, str] | None:
        """The labels of a namespace; None while it isn't known."""
        known: Namespace | None = self._objects[NAMESPACES].get(("", namespace))
        return known.labels if known else None

    def claim(self, key: Key, name: str | None) -> Claim | None:
        """The claim of that name in the CR's namespace."""
        found: Claim | None = self._objects[CLAIMS].get((key[0], name or ""))
        return found

    def nimservice(self, key: Key) -> dict[str, Any] | None:
        """The NIMService of that name."""
        live: Stored | None = self._objects[NIM_SERVICES].get(key)
        return live.load() if live else None

    def observed(self, key: Key, claim_name: str | None, cache_name: str | None) -> Observed:
        """All that a decision about the CR `key` reads; from now on a change of the objects named here is told of."""
        self._mentions.note(key, {(key[0], name) for name in (claim_name, cache_name) if name})
        live: Stored | None = self._objects[NIM_SERVICES].get(key)
        return Observed(
            nimservice=live.load() if live else None,
            applied_at=live.applied_at if live else "",
            nimservice_installed=self._is_installed(NIM_SERVICES),
            service=self._objects[SERVICES].get(key),
            workload=self._workload(key),
            claim=self.claim(key, claim_name),
            nim_cache=self._objects[NIM_CACHES].get((key[0], cache_name or "")),
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
        group: Workload | None = self._objects[LEADER_WORKER_SETS].get((key[0], key[1] + keys.LWS_SUFFIX))
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

    def _named_by(self, key: ObjectKey, old: Any, new: Any) -> None:
        for mentioning in self._mentions.of(key):
            self._look(mentioning, new)

    def _of_namespace(self, key: ObjectKey, old: Namespace | None, new: Namespace | None) -> None:
        # A namespace changes often (its status, its finalizers); what matters of it changes seldom.
        if old is None or new is None or (old.labels, old.deleting) != (new.labels, new.deleting):
            for name in [name for name in self._resources if name[0] == key[1]]:
                self._look(name)
