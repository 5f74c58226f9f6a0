"""The cached objects: those from informers, and foreign ones that are read by name."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.resources import (
    CLAIMS,
    DEPLOYMENTS,
    LEADER_WORKER_SETS,
    NAMESPACES,
    NIM_CACHES,
    NIM_SERVICES,
    ROUTES,
    SERVICES,
    ObjectKey,
    Resource,
)
from runai_nim.api.untrusted_values import mapping
from runai_nim.domain import names
from runai_nim.domain.observed import (
    ObservedClaim,
    ObservedNamespace,
    ObservedNimCache,
    ObservedPod,
    ObservedPolicyRevision,
    ObservedService,
    ObservedWorkload,
    StoredObject,
)
from runai_nim.domain.status import has_image_pull_failure
from runai_nim.kube.client import KubeClient
from runai_nim.kube.object_lookup import ObjectLookups
from runai_nim.kube.resource_version import Version

_MAX_SUSPECTS: Final = 3
"""Maximum number of NIMServices that fail to pull their image and are checked in each reconciliation."""


@dataclass(frozen=True, slots=True)
class LiveNimService:
    """A NIMService as stored, and when the operator last changed it (RFC 3339)."""

    obj: dict[str, Any]
    applied_at: str


class ObservedObjects:
    """Objects of every kind except RunaiNimService, filled by informers and by lookups."""

    def __init__(self, cluster: KubeClient) -> None:
        self._cluster = cluster
        self.by_resource: dict[Resource, dict[ObjectKey, Any]] = defaultdict(dict)
        self.nimservices_of_others: dict[ObjectKey, Version] = {}
        """Foreign NIMServices by name, so that a name conflict is detected without a request."""
        self.lookups = {
            NIM_SERVICES: ObjectLookups(cluster, NIM_SERVICES, StoredObject.from_object),
            CLAIMS: ObjectLookups(cluster, CLAIMS, ObservedClaim.from_object),
            NIM_CACHES: ObjectLookups(cluster, NIM_CACHES, ObservedNimCache.from_object),
        }
        self._pods: dict[ObjectKey, dict[str, ObservedPod]] = defaultdict(dict)
        """Pods by name, for each RunaiNimService."""
        self._policy_revisions: dict[ObjectKey, dict[str, ObservedPolicyRevision]] = defaultdict(dict)
        """What is kept of policies, by name, for each RunaiNimService."""
        self.terminating_nimservices: set[ObjectKey] = set()
        """The operator's NIMServices that are being deleted and still have the NIM Operator's finalizer."""
        self._image_pull_failures: dict[ObjectKey, None] = {}
        """RunaiNimServices with a pod that can't pull its image, in the order of the failures."""

    def forget_names(self, unnamed: Iterable[ObjectKey]) -> None:
        """Drop claims and NIMCaches that no RunaiNimService names any more."""
        for name in unnamed:
            self.lookups[CLAIMS].invalidate(name)
            self.lookups[NIM_CACHES].invalidate(name)

    def has_large_nimservice(self, key: ObjectKey) -> bool:
        """Whether the NIMService is too large to cache and is read at each reconciliation."""
        stored = self.by_resource[NIM_SERVICES].get(key) or self.lookups[NIM_SERVICES].get(key)
        return stored is not None and not stored.body

    def namespace_labels(self, namespace: str) -> Mapping[str, str] | None:
        """The labels of a namespace; None if it is unknown."""
        found = self._namespace(namespace)
        return found.labels if found else None

    def is_namespace_deleting(self, namespace: str) -> bool:
        """Whether the namespace is being deleted; False if it is unknown."""
        found = self._namespace(namespace)
        return found is not None and found.is_deleting

    def claim(self, key: ObjectKey, name: str | None) -> ObservedClaim | None:
        """The claim of that name in the RunaiNimService's namespace, if it is cached."""
        at = (key[0], name or "")
        claim: ObservedClaim | None = self.by_resource[CLAIMS].get(at) or self.lookups[CLAIMS].get(at)
        return claim

    async def read_claim(self, key: ObjectKey, name: str, *, again: bool = False) -> bool:
        """Read the claim unless it is cached (with `again`, in any case); return whether it was read and exists."""
        at = (key[0], name)
        if again:
            self.lookups[CLAIMS].invalidate(at)
        elif at in self.by_resource[CLAIMS] or self.lookups[CLAIMS].knows(at):
            return False
        return await self.lookups[CLAIMS].read(at) is not None

    async def nimservice(self, key: ObjectKey) -> LiveNimService | None:
        """The NIMService of that name, whoever created it."""
        stored: StoredObject | None = self.by_resource[NIM_SERVICES].get(key)
        if stored is None and key in self.nimservices_of_others:
            stored = await self.lookups[NIM_SERVICES].read(key)
        if stored is None:
            return None
        # One that is too large to cache is read each time.
        live = stored.load() if stored.body else await self._cluster.get(NIM_SERVICES, *key)
        return None if live is None else LiveNimService(live, stored.applied_at)

    async def nim_cache(self, key: ObjectKey, name: str | None) -> ObservedNimCache | None:
        """The NIMCache of that name in the RunaiNimService's namespace."""
        found: ObservedNimCache | None = await self.lookups[NIM_CACHES].read((key[0], name)) if name else None
        return found

    def service(self, key: ObjectKey) -> ObservedService | None:
        """The NIM's Service."""
        found: ObservedService | None = self.by_resource[SERVICES].get(key)
        return found

    def workload(self, key: ObjectKey) -> ObservedWorkload | None:
        """The Deployment or LeaderWorkerSet that runs the NIM's pods."""
        group_key = (key[0], key[1] + well_known.LWS_SUFFIX)
        group: ObservedWorkload | None = self.by_resource[LEADER_WORKER_SETS].get(group_key)
        deployment: ObservedWorkload | None = self.by_resource[DEPLOYMENTS].get(key)
        return deployment or group

    def routes(self, key: ObjectKey) -> dict[str, dict[str, Any]]:
        """The operator's routes for the RunaiNimService, by kind."""
        name = (key[0], names.route_name(key[1]))
        routes = ((route.kind, self.by_resource[route].get(name)) for route in ROUTES)
        return {kind: stored.load() for kind, stored in routes if stored}

    def pods(self, key: ObjectKey) -> tuple[ObservedPod, ...]:
        """The NIM's pods."""
        return tuple(self._pods[key].values()) if key in self._pods else ()

    def policy_revisions(self, key: ObjectKey, uid: str) -> tuple[ObservedPolicyRevision, ...]:
        """What is kept of policies for the RunaiNimService with that uid."""
        found = self._policy_revisions.get(key, {})
        return tuple(one for one in found.values() if one.owner_uid == uid)

    def store_policy_revision(
        self, key: ObjectKey, old: ObservedPolicyRevision | None, new: ObservedPolicyRevision | None
    ) -> set[ObjectKey]:
        """Store a change of a revision and return the RunaiNimServices that it belongs or belonged to."""
        services = {(key[0], one.service) for one in (old, new) if one is not None}
        for service in services:
            self._policy_revisions[service].pop(key[1], None)
            if new is not None and new.accepted is not None and new.service == service[1]:
                self._policy_revisions[service][key[1]] = new
            if not self._policy_revisions[service]:
                del self._policy_revisions[service]
        return services

    def store_pod(self, key: ObjectKey, old: ObservedPod | None, new: ObservedPod | None) -> set[ObjectKey]:
        """Store a change of a pod and return the affected RunaiNimServices; none if only the version changed."""
        for pod in (old, new):
            if pod is not None:
                self._pods[key[0], pod.service].pop(key[1], None)
                if not self._pods[key[0], pod.service]:
                    del self._pods[key[0], pod.service]
        if new is not None:
            self._pods[key[0], new.service][key[1]] = new
        for service in {pod.service for pod in (old, new) if pod is not None}:
            self._note_image_pull((key[0], service))
        # Versions apart, a pod says the same most of the time.
        if (
            old is not None
            and new is not None
            and replace(old, resource_version="") == replace(new, resource_version="")
        ):
            return set()
        return {(key[0], pod.service) for pod in (old, new) if pod is not None}

    def note_termination(self, key: ObjectKey, nimservice: StoredObject | Version | None) -> None:
        """Take up whether a NIMService is being deleted; of one that is too large to be kept, that is unknown."""
        if isinstance(nimservice, StoredObject) and nimservice.is_deleting:
            self.terminating_nimservices.add(key)
        else:
            self.terminating_nimservices.discard(key)

    def image_pull_failures(self, key: ObjectKey) -> tuple[ObjectKey, ...]:
        """Other CRs that have a pod which can't pull its image, and no NIMCache; of the first few that failed."""
        first = islice(self._image_pull_failures, _MAX_SUSPECTS)
        return tuple(other for other in first if other != key and not self._has_nim_cache(other))

    def _note_image_pull(self, service: ObjectKey) -> None:
        if any(has_image_pull_failure(pod) for pod in self.pods(service)):
            self._image_pull_failures.setdefault(service)
        else:
            self._image_pull_failures.pop(service, None)

    def _has_nim_cache(self, key: ObjectKey) -> bool:
        stored: StoredObject | None = self.by_resource[NIM_SERVICES].get(key)
        if stored is None or not stored.body:
            return False
        storage = mapping(mapping(stored.load().get("spec")).get("storage"))
        return bool(mapping(storage.get("nimCache")).get("name"))

    def _namespace(self, name: str) -> ObservedNamespace | None:
        found: ObservedNamespace | None = self.by_resource[NAMESPACES].get(("", name))
        return found
