"""What decisions need of the objects in the cluster, and no more: small frozen values made from Kubernetes objects.

Thousands of objects are kept in memory, so whatever no decision reads is dropped here. This package may not decide
anything and does no I/O.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from runai_nim.api.untrusted_values import mapping
from runai_nim.domain.observed.exposure import hosts_of
from runai_nim.domain.observed.model_store import Claim, NimCache, Owner, digest_annotations
from runai_nim.domain.observed.pod import Pod
from runai_nim.domain.observed.stored_object import LARGE, Object, Stored, controller_of
from runai_nim.domain.observed.workload import Service, Workload

__all__ = [
    "LARGE",
    "Claim",
    "Namespace",
    "NimCache",
    "Object",
    "Observed",
    "Owner",
    "Pod",
    "Service",
    "Stored",
    "Workload",
    "controller_of",
    "digest_annotations",
    "hosts_of",
]


@dataclass(frozen=True, slots=True)
class Namespace:
    """A Namespace's labels, of which the project is one, and whether it is being deleted."""

    resource_version: str
    labels: Mapping[str, str] = field(hash=False)
    deleting: bool

    @classmethod
    def from_object(cls, obj: Object) -> Self:
        """From a core/v1 Namespace."""
        metadata = obj["metadata"]
        labels = {key: value for key, value in mapping(metadata.get("labels")).items() if isinstance(value, str)}
        return cls(metadata["resourceVersion"], labels, "deletionTimestamp" in metadata)


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything around one CR that its decision may read; None is an object that does not exist."""

    nimservice: dict[str, Any] | None = None
    applied_at: str = ""
    """When the operator last changed the NIMService, as RFC 3339."""
    nimservice_installed: bool = True
    service: Service | None = None
    workload: Workload | None = None
    claim: Claim | None = None
    nim_cache: NimCache | None = None
    pods: tuple[Pod, ...] = ()
    namespace_deleting: bool = False
    routes: Mapping[str, Object] = field(default_factory=dict, hash=False)
    """Ingress, HTTPRoute and GRPCRoute of the name that ours has, by kind."""
    absent_kinds: frozenset[str] = frozenset()
    """Kinds of routes that are not installed."""
