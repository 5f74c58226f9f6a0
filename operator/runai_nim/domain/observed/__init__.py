"""Projections of cluster objects: small frozen values with what decisions need.

The cache keeps thousands of them, so they drop everything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from runai_nim.api.resources import ObjectKey, ObjectView
from runai_nim.api.untrusted_values import mapping
from runai_nim.domain.observed.autoscaler import ObservedAutoscaler, ScalingState
from runai_nim.domain.observed.event import ObservedEvent, newest_by_reason, say_the_same
from runai_nim.domain.observed.exposure import hosts_of
from runai_nim.domain.observed.model_store import ObservedClaim, ObservedNimCache, OwnerReference, digest_annotations
from runai_nim.domain.observed.pod import Disruption, NotStarted, ObservedPod, StartupKill
from runai_nim.domain.observed.policy_revision import ObservedPolicyRevision
from runai_nim.domain.observed.stored_object import LARGE, StoredObject, controller_of
from runai_nim.domain.observed.workload import ObservedService, ObservedWorkload

__all__ = [
    "LARGE",
    "Disruption",
    "NotStarted",
    "ObjectView",
    "ObservedAutoscaler",
    "ObservedClaim",
    "ObservedEvent",
    "ObservedNamespace",
    "ObservedNimCache",
    "ObservedPod",
    "ObservedPolicyRevision",
    "ObservedService",
    "ObservedState",
    "ObservedWorkload",
    "OwnerReference",
    "ScalingState",
    "StartupKill",
    "StoredObject",
    "controller_of",
    "digest_annotations",
    "hosts_of",
    "newest_by_reason",
    "say_the_same",
]


@dataclass(frozen=True, slots=True)
class ObservedNamespace:
    """A Namespace's labels, one of which names the project, and whether it is being deleted."""

    resource_version: str
    labels: Mapping[str, str] = field(hash=False)
    is_deleting: bool

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """From a core/v1 Namespace."""
        metadata = obj["metadata"]
        labels = {key: value for key, value in mapping(metadata.get("labels")).items() if isinstance(value, str)}
        return cls(metadata["resourceVersion"], labels, "deletionTimestamp" in metadata)


@dataclass(frozen=True, slots=True)
class ObservedState:
    """The objects that decisions about one RunaiNimService depend on; None means absent."""

    nimservice: dict[str, Any] | None = None
    applied_at: str = ""
    """When the operator last changed the NIMService, as RFC 3339."""
    is_nimservice_installed: bool = True
    service: ObservedService | None = None
    workload: ObservedWorkload | None = None
    claim: ObservedClaim | None = None
    nim_cache: ObservedNimCache | None = None
    pods: tuple[ObservedPod, ...] = ()
    is_namespace_deleting: bool = False
    routes: Mapping[str, ObjectView] = field(default_factory=dict, hash=False)
    """Ingress, HTTPRoute and GRPCRoute with the name of the operator's route, by kind."""
    absent_kinds: frozenset[str] = frozenset()
    """Kinds of routes that are not installed."""
    image_pull_failures: tuple[ObjectKey, ...] = ()
    """Other NIMServices of the cluster that have a pod which can't pull its image, and no NIMCache."""
    autoscaler: ObservedAutoscaler | None = None
    events: Mapping[str, tuple[ObservedEvent, ...]] = field(default_factory=dict, hash=False)
    """Events about objects that are stuck, by the `about` of their query, as far as they were read."""
    policy_revisions: tuple[ObservedPolicyRevision, ...] = ()
    """The RunaiNimService's own, not those of a deleted one of its name."""
