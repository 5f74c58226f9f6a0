"""What decisions need of the objects in the cluster, and no more: small frozen values made from Kubernetes objects.

Thousands of objects are kept in memory, so whatever no decision reads is dropped here. This package may not decide
anything and does no I/O.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping
from runai_nim.domain.observed.exposure import hosts_of
from runai_nim.domain.observed.model_store import ObservedClaim, ObservedNimCache, OwnerReference, digest_annotations
from runai_nim.domain.observed.pod import ObservedPod
from runai_nim.domain.observed.stored_object import LARGE, StoredObject, controller_of
from runai_nim.domain.observed.workload import ObservedService, ObservedWorkload

__all__ = [
    "LARGE",
    "ObjectView",
    "ObservedClaim",
    "ObservedNamespace",
    "ObservedNimCache",
    "ObservedPod",
    "ObservedService",
    "ObservedState",
    "ObservedWorkload",
    "OwnerReference",
    "StoredObject",
    "controller_of",
    "digest_annotations",
    "hosts_of",
]


@dataclass(frozen=True, slots=True)
class ObservedNamespace:
    """A Namespace's labels, of which the project is one, and whether it is being deleted."""

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
    """Everything around one CR that its decision may read; None is an object that does not exist."""

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
    """Ingress, HTTPRoute and GRPCRoute of the name that ours has, by kind."""
    absent_kinds: frozenset[str] = frozenset()
    """Kinds of routes that are not installed."""
