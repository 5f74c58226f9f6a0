"""What is known of the cluster: one watch a kind, our own kind as Kopf brings it, and which CR each object matters to.

It tells the queue which keys to look at again; it may not decide or write anything.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
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
from runai_nim.observe import ObjectKey, Watch, newer
from runai_nim.observed import Claim, Namespace, NimCache, Observed, Pod, Service, Stored, Workload
from runai_nim.queueing import Key
from runai_nim.translate import names

ROUTES: Mapping[Resource, str] = {
    INGRESSES: keys.INGRESS_KIND,
    HTTP_ROUTES: keys.HTTP_ROUTE_KIND,
    GRPC_ROUTES: keys.GRPC_ROUTE_KIND,
}
"""The resources that a route of our own can be, and their kinds."""

Look = Callable[[Key], None]
"""Asks for a key to be reconciled."""


class World:
    """Everything observed. `look` is called with the key of every CR that a change may matter to.

    `resync_seconds`: how often each kind is listed again.
    """

    def __init__(self, cluster: Cluster, look: Look, resync_seconds: float) -> None:
        self._cluster, self._look = cluster, look
        self._resources: dict[Key, Stored] = {}
        self._named: dict[Key, set[Key]] = defaultdict(set)
        """CRs by (namespace, name) of the claim or NIMCache that they name."""
        self._names: dict[Key, set[Key]] = {}
        self._pods: dict[Key, dict[str, Pod]] = defaultdict(dict)
        """Pods by name, of each CR."""
        self.discovery = Discovery(cluster, self._look_at_all)

        def watch(resource: Resource, project: Any, changed: Any, selector: str = "") -> tuple[Resource, Watch]:
            watched = Watch(cluster, resource, project, changed, self._look_at_all, selector, resync_seconds)
            return resource, watched

        made = keys.SERVICE_LABEL
        self._watches: dict[Resource, Watch] = dict(
            (
                watch(NIM_SERVICES, Stored.from_object, self._same_name),
                watch(SERVICES, Service.from_object, self._same_name, made),
                watch(DEPLOYMENTS, Workload.from_object, self._same_name, made),
                watch(LEADER_WORKER_SETS, Workload.from_object, self._named_after(keys.LWS_SUFFIX), made),
                *(watch(kind, Stored.from_object, self._named_after(names.ROUTE_SUFFIX), made) for kind in ROUTES),
                watch(CLAIMS, Claim.from_object, self._named_by),
                watch(NIM_CACHES, NimCache.from_object, self._named_by),
                watch(PODS, Pod.from_object, self._pod_changed, made),
                watch(NAMESPACES, Namespace.from_object, self._of_namespace),
            )
        )

    @property
    def watches(self) -> Iterable[Watch]:
        """The watches of all kinds but our own."""
        return self._watches.values()

    async def synced(self) -> None:
        """Wait until every kind was listed once: a decision before that would take what isn't seen for absent."""
        await asyncio.gather(self.discovery.synced.wait(), *(watch.synced.wait() for watch in self.watches))

    async def resync(self) -> None:
        """List our own kind and heal what Kopf's watch missed: after "410 Gone" it tells nobody of deletions."""
        seen: set[Key] = set()
        version = "0"
        async for page in self._cluster.pages(RUNAI_NIM_SERVICES):
            version = page["metadata"]["resourceVersion"]
            seen |= {self.resource_seen(obj) for obj in page["items"]}
        for key in self._resources.keys() - seen:
            if not newer(self._resources[key].resource_version, version):
                self._drop(key)
        for key in seen:
            self._look(key)

    def resource_seen(self, obj: Mapping[str, Any]) -> Key:
        """Take up a RunaiNimService that was seen, unless a newer version of it is known."""
        key = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        known = self._resources.get(key)
        if known is None or newer(obj["metadata"]["resourceVersion"], known.resource_version):
            self._resources[key] = Stored.from_object(obj)
            self._look(key)
        return key

    def resource_gone(self, obj: Mapping[str, Any]) -> None:
        """A RunaiNimService was deleted; one of the same name may be there anew already."""
        key = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        known = self._resources.get(key)
        if known is not None and known.uid == obj["metadata"]["uid"]:
            self._drop(key)

    def record(self, resource: Resource, obj: Mapping[str, Any]) -> None:
        """Take up an object as our own write returned it, so that the next decision knows of it."""
        if watch := self._watches.get(resource):
            watch.record(obj)
            return
        key = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        known = self._resources.get(key)
        if known is not None and newer(obj["metadata"]["resourceVersion"], known.resource_version):
            self._resources[key] = Stored.from_object(obj)

    def resource(self, key: Key) -> dict[str, Any] | None:
        """The RunaiNimService, or None when there is none."""
        stored = self._resources.get(key)
        return stored.load() if stored else None

    def forget(self, key: Key) -> None:
        """The CR is gone: nothing that it named matters to it any more."""
        for name in self._names.pop(key, ()):
            self._named[name].discard(key)
            if not self._named[name]:
                del self._named[name]

    @property
    def installed(self) -> Installed:
        """The NIMService kind of this cluster."""
        return self.discovery.nimservice

    def namespace_labels(self, namespace: str) -> Mapping[str, str]:
        """The labels of a namespace; empty while it isn't known."""
        known: Namespace | None = self._watches[NAMESPACES].objects.get(("", namespace))
        return known.labels if known else {}

    def claim(self, key: Key, name: str | None) -> Claim | None:
        """The claim of that name in the CR's namespace."""
        found: Claim | None = self._watches[CLAIMS].objects.get((key[0], name or ""))
        return found

    def nimservice(self, key: Key) -> dict[str, Any] | None:
        """The NIMService of that name."""
        live: Stored | None = self._watches[NIM_SERVICES].objects.get(key)
        return live.load() if live else None

    def observed(self, key: Key, claim_name: str | None, cache_name: str | None) -> Observed:
        """All that a decision about the CR `key` reads; from now on a change of the objects named here is told of."""
        self._remember(key, {(key[0], name) for name in (claim_name, cache_name) if name})
        nimservices = self._watches[NIM_SERVICES]
        live: Stored | None = nimservices.objects.get(key)
        return Observed(
            nimservice=live.load() if live else None,
            applied_at=live.applied_at if live else "",
            nimservice_installed=nimservices.installed,
            service=self._watches[SERVICES].objects.get(key),
            workload=self._workload(key),
            claim=self.claim(key, claim_name),
            nim_cache=self._watches[NIM_CACHES].objects.get((key[0], cache_name or "")),
            pods=tuple(self._pods[key].values()) if key in self._pods else (),
            namespace_deleting=self._namespace_deleting(key[0]),
            routes=self._routes(key),
            absent_kinds=frozenset(kind for resource, kind in ROUTES.items() if not self._watches[resource].installed),
        )

    def _namespace_deleting(self, namespace: str) -> bool:
        known: Namespace | None = self._watches[NAMESPACES].objects.get(("", namespace))
        return known is not None and known.deleting

    def _workload(self, key: Key) -> Workload | None:
        group: Workload | None = self._watches[LEADER_WORKER_SETS].objects.get((key[0], key[1] + keys.LWS_SUFFIX))
        found: Workload | None = self._watches[DEPLOYMENTS].objects.get(key)
        return found or group

    def _routes(self, key: Key) -> dict[str, dict[str, Any]]:
        name = (key[0], names.route_name(key[1]))
        found = ((kind, self._watches[resource].objects.get(name)) for resource, kind in ROUTES.items())
        return {kind: stored.load() for kind, stored in found if stored}

    def _remember(self, key: Key, names: set[Key]) -> None:
        if self._names.get(key, set()) != names:
            self.forget(key)
            self._names[key] = names
            for name in names:
                self._named[name].add(key)

    def _drop(self, key: Key) -> None:
        del self._resources[key]
        self._look(key)

    def _look_at_all(self) -> None:
        for key in self._resources:
            self._look(key)

    def _same_name(self, key: ObjectKey, old: Any, new: Any) -> None:
        if key in self._resources:
            self._look(key)

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
        for name in tuple(self._named.get(key, ())):
            self._look(name)

    def _of_namespace(self, key: ObjectKey, old: Namespace | None, new: Namespace | None) -> None:
        # A namespace changes often (its status, its finalizers); what matters of it changes seldom.
        if old is None or new is None or (old.labels, old.deleting) != (new.labels, new.deleting):
            for name in [name for name in self._resources if name[0] == key[1]]:
                self._look(name)
