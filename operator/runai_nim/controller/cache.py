"""Cache of the cluster's objects: one informer for each kind, and the RunaiNimServices from Kopf (`resource_cache`).

It knows which object affects which RunaiNimService, and adds the affected keys to the work queue. It caches only
objects with the operator's label and reads others by name if a RunaiNimService names them, so other objects of tenants
use no memory.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.resources import (
    AUTOSCALERS,
    CLAIMS,
    CLUSTER_RUNAI_NIM_POLICIES,
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    LEADER_WORKER_SETS,
    NAMESPACES,
    NIM_CACHES,
    NIM_SERVICES,
    PODS,
    ROUTES,
    RUNAI_NIM_POLICIES,
    SERVICES,
    ObjectKey,
    Resource,
    object_key,
)
from runai_nim.api.untrusted_values import mapping
from runai_nim.controller.informer_set import InformerSet, OnChange
from runai_nim.controller.observed_objects import LiveNimService, ObservedObjects
from runai_nim.controller.policy_cache import PolicyCache
from runai_nim.controller.reference_index import ReferenceIndex
from runai_nim.controller.resource_cache import ResourceCache
from runai_nim.controller.workqueue import WorkQueue
from runai_nim.domain import names
from runai_nim.domain.admission.stored_policy import StoredPolicy
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.observed import (
    ObservedAutoscaler,
    ObservedClaim,
    ObservedNamespace,
    ObservedPod,
    ObservedPolicyRevision,
    ObservedService,
    ObservedState,
    ObservedWorkload,
    StoredObject,
)
from runai_nim.kube.client import KubeClient
from runai_nim.kube.discovery import Discovery
from runai_nim.kube.informer import Informer, OnFailure
from runai_nim.kube.poller import Poller
from runai_nim.kube.resource_version import VersionedObject

_CHILD_SELECTOR = well_known.SERVICE_LABEL
_OF_OTHERS = f"!{_CHILD_SELECTOR}"


class ClusterCache:
    """All observed objects. Every change adds the keys of the RunaiNimServices that it may affect to the queue.

    `resync_seconds`: interval between LISTs of each kind. `namespaces`: the served ones; empty: all. `on_failure` is
    called for each failed watch.
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
        self._queue = queue
        self.resources = ResourceCache(cluster, self._on_resource_change)
        self._references = ReferenceIndex()
        self.observed = ObservedObjects(cluster)
        self.policies = PolicyCache()
        self.discovery = Discovery(cluster, self.enqueue_all)
        self._informers = InformerSet(
            cluster,
            namespaces=namespaces,
            resync_seconds=resync_seconds,
            on_failure=on_failure,
            on_kind_change=self.enqueue_all,
        )
        self._unsynced = set(self._informers.namespaces)
        """Namespaces (empty: all) whose informers are not synced yet: nothing is reconciled there."""
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
        revision = ObservedPolicyRevision.from_object
        self._add_informer(CONTROLLER_REVISIONS, revision, self._on_policy_revision_change)
        self._add_policy_informers()
        # Without it the status does without the condition Scaling's details.
        self._informers.add(
            AUTOSCALERS,
            ObservedAutoscaler.from_object,
            self._on_autoscaler_change,
            selector=_CHILD_SELECTOR,
            objects=self.observed.by_resource[AUTOSCALERS],
            optional=True,
        )
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

    def _add_policy_informers(self) -> None:
        project = StoredPolicy.from_object
        of_projects = self.policies.of_projects
        self._informers.add(RUNAI_NIM_POLICIES, project, self._on_policy_change, selector="", objects=of_projects)
        if self._informers.serves_all:
            of_cluster = self.policies.of_cluster
            self._informers.add_cluster_scoped(
                CLUSTER_RUNAI_NIM_POLICIES, project, self._on_policy_change, objects=of_cluster
            )

    def _add_informer(
        self, resource: Resource, project: Callable[[Mapping[str, Any]], VersionedObject], on_change: OnChange
    ) -> None:
        objects = self.observed.by_resource[resource]
        self._informers.add(resource, project, on_change, selector=_CHILD_SELECTOR, objects=objects)

    @property
    def serves_all(self) -> bool:
        """Whether all namespaces are served, and so the cluster's policies are read."""
        return self._informers.serves_all

    @property
    def informers(self) -> tuple[Informer | Poller, ...]:
        """The informers of all kinds except RunaiNimService."""
        return self._informers.all

    async def start_deciding(self, namespace: str) -> None:
        """Start to reconcile a namespace after all its informers are synced: before, an object might seem absent."""
        await asyncio.gather(self.discovery.synced.wait(), self._informers.wait_until_synced(namespace))
        self._unsynced.discard(namespace)
        self.enqueue_all()

    def store_own_write(self, cr: ObjectKey, resource: Resource, obj: Mapping[str, Any]) -> None:
        """Store an object as returned by a write for `cr`; if the watch delivered it first, drop the requeue."""
        self.store(resource, obj)
        self._queue.forget_own_write(cr, obj["metadata"]["resourceVersion"])

    def store(self, resource: Resource, obj: Mapping[str, Any]) -> None:
        """Store an object that was read or written, so that the next decision uses it."""
        key = object_key(obj)
        watch = self._informers.find(resource, key[0])
        if watch is None:  # Kopf watches RunaiNimServices
            self.resources.refresh(obj)
        elif _CHILD_SELECTOR in mapping(obj["metadata"].get("labels")):
            watch.store_own_write(obj)
        elif resource in self.observed.lookups:  # the informer has only labelled objects, so read it again
            self.observed.lookups[resource].invalidate(key)

    def is_large(self, key: ObjectKey) -> bool:
        """Whether it, or the NIMService of its name, is too large to cache and is read at each reconciliation."""
        return self.resources.is_large(key) or self.observed.has_large_nimservice(key)

    def enqueue_all(self) -> None:
        """Add every RunaiNimService to the queue."""
        for key in self.resources:
            self._enqueue(key)

    def forget(self, key: ObjectKey) -> None:
        """Drop the references of a deleted RunaiNimService."""
        self.policies.forget(key)
        self.observed.forget_names(self._references.forget(key))
        self.observed.lookups[NIM_SERVICES].invalidate(key)

    @property
    def nimservice_schema(self) -> NIMServiceSchema:
        """The NIMService schema of this cluster."""
        return self.discovery.nimservice

    async def observed_state(
        self, key: ObjectKey, live: LiveNimService | None, *, uid: str, claim_name: str | None, cache_name: str | None
    ) -> ObservedState:
        """The observed state for a decision about the RunaiNimService `key` with that uid; changes of the claim and the
        NIMCache will requeue the key."""
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
            autoscaler=self.observed.by_resource[AUTOSCALERS].get(key),
            policy_revisions=self.observed.policy_revisions(key, uid),
        )

    def _on_resource_change(self, key: ObjectKey, new: VersionedObject | None) -> None:
        if not self.policies.has_noted(key):
            self.policies.changed.set()  # policies count it, evaluated or not
        self._enqueue(key, new)

    def _enqueue(self, key: ObjectKey, new: VersionedObject | None = None) -> None:
        """Add the key to the queue; the cause is the version of `new`, which is unique to that object."""
        if not self._unsynced or self._unsynced.isdisjoint(("", key[0])):
            self._queue.add(key, new.resource_version if new else None)

    def _enqueue_by_name(self, key: ObjectKey, old: Any, new: Any) -> None:
        if key in self.resources:
            self._enqueue(key, new)

    def _on_pod_change(self, key: ObjectKey, old: ObservedPod | None, new: ObservedPod | None) -> None:
        for service in self.observed.store_pod(key, old, new):
            self._enqueue_by_name(service, old, new)

    def _on_policy_revision_change(
        self, key: ObjectKey, old: ObservedPolicyRevision | None, new: ObservedPolicyRevision | None
    ) -> None:
        for service in self.observed.store_policy_revision(key, old, new):
            self._enqueue_by_name(service, old, new)

    def _on_policy_change(self, key: ObjectKey, old: StoredPolicy | None, new: StoredPolicy | None) -> None:
        if self.policies.take(key, new) and not self._unsynced:
            for service in self.resources:
                if key[0] in ("", service[0]):
                    self._queue.add_background(service)

    def _on_autoscaler_change(
        self, key: ObjectKey, old: ObservedAutoscaler | None, new: ObservedAutoscaler | None
    ) -> None:
        # Its numbers change every few seconds; what is kept of it, seldom.
        if old is None or new is None or replace(old, resource_version=new.resource_version) != new:
            self._enqueue_by_name(key, old, new)

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
        # A namespace often changes in status and finalizers, which don't matter here.
        if old is None or new is None or (old.labels, old.is_deleting) != (new.labels, new.is_deleting):
            self.policies.changed.set()  # the policies that select it by its labels concern more or fewer resources
            for name in [name for name in self.resources if name[0] == key[1]]:
                self._enqueue(name)
