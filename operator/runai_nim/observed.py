"""What decisions need of the objects in the cluster, and no more: small frozen values made from Kubernetes objects.

Thousands of objects are kept in memory, so whatever no decision reads is dropped here. This module may not decide
anything and does no I/O.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from runai_nim import keys

Object = Mapping[str, Any]
"""A Kubernetes object as JSON gives it."""


def controller_of(obj: Object) -> Mapping[str, Any]:
    """The owner reference of the object's controller; empty when nobody controls it."""
    owners: list[Mapping[str, Any]] = obj["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), {})


@dataclass(frozen=True, slots=True)
class Stored:
    """An object kept whole but for managedFields, as compact JSON: a fifth of the memory of its dictionaries."""

    resource_version: str
    uid: str
    body: bytes

    @classmethod
    def from_object(cls, obj: Object) -> Self:
        """Keep `obj`; its managedFields are left out: nothing decides by them, and they are half of its size."""
        metadata = {k: v for k, v in obj["metadata"].items() if k != "managedFields"}
        body = json.dumps({**obj, "metadata": metadata}, separators=(",", ":")).encode()
        return cls(metadata["resourceVersion"], metadata["uid"], body)

    def load(self) -> dict[str, Any]:
        """The object again."""
        loaded: dict[str, Any] = json.loads(self.body)
        return loaded


@dataclass(frozen=True, slots=True)
class Service:
    """The Service that the NIM Operator made: for which NIMService, and which of our specs it came from."""

    resource_version: str
    owner_uid: str
    spec_hash: str

    @classmethod
    def from_object(cls, obj: Object) -> Self:
        """From a core/v1 Service."""
        metadata = obj["metadata"]
        spec_hash = (metadata.get("annotations") or {}).get(keys.SPEC_HASH, "")
        return cls(metadata["resourceVersion"], controller_of(obj).get("uid", ""), spec_hash)


@dataclass(frozen=True, slots=True)
class Workload:
    """The Deployment or LeaderWorkerSet that the NIM Operator made: for which NIMService, which pods it makes, how far
    its rollout is.

    Counts are pods, or groups of pods. `kind` and `name` are the object's.
    """

    kind: str
    name: str

    resource_version: str
    owner_uid: str
    pod_hash: str
    generation: int
    observed_generation: int
    wanted: int
    replicas: int
    updated: int
    ready: int
    available: int

    @classmethod
    def from_object(cls, obj: Object) -> Self:
        """From an apps/v1 Deployment or a LeaderWorkerSet, which counts no available replicas.

        Before LeaderWorkerSet 0.9 it has no observedGeneration either.
        """
        metadata, status = obj["metadata"], obj.get("status") or {}
        generation, ready = metadata.get("generation", 0), status.get("readyReplicas", 0)
        of_groups = obj.get("kind") == keys.LWS_KIND
        return cls(
            keys.LWS_KIND if of_groups else "Deployment",
            metadata["name"],
            metadata["resourceVersion"],
            controller_of(obj).get("uid", ""),
            (metadata.get("annotations") or {}).get(keys.POD_HASH, ""),
            generation,
            status.get("observedGeneration", generation if of_groups else 0),
            obj["spec"].get("replicas", 1),
            status.get("replicas", 0),
            status.get("updatedReplicas", 0),
            ready,
            ready if of_groups else status.get("availableReplicas", 0),
        )

    @property
    def rolled_out(self) -> bool:
        """Every wanted pod is of the newest template and available, and none of an older one is left."""
        current = self.observed_generation >= self.generation
        return current and self.updated == self.replicas == self.available == self.wanted


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim, ours or found. `storage` is a Kubernetes quantity as the API server prints it."""

    resource_version: str
    uid: str
    phase: str
    storage: str
    storage_class: str
    access_modes: tuple[str, ...]
    volume_mode: str
    made_for: str
    owner_uids: tuple[str, ...]
    annotations: Mapping[str, str] = field(hash=False)
    deleting: bool

    @classmethod
    def from_object(cls, obj: Object) -> Self:
        """From a core/v1 PersistentVolumeClaim."""
        metadata, spec = obj["metadata"], obj["spec"]
        return cls(
            resource_version=metadata["resourceVersion"],
            uid=metadata["uid"],
            phase=(obj.get("status") or {}).get("phase", "Pending"),
            storage=str((spec.get("resources", {}).get("requests") or {}).get("storage", "0")),
            storage_class=spec.get("storageClassName") or "",
            access_modes=tuple(spec.get("accessModes") or ()),
            volume_mode=spec.get("volumeMode", "Filesystem"),
            made_for=(metadata.get("labels") or {}).get(keys.SERVICE_LABEL, ""),
            owner_uids=tuple(owner["uid"] for owner in metadata.get("ownerReferences") or ()),
            annotations=metadata.get("annotations") or {},
            deleting="deletionTimestamp" in metadata,
        )


@dataclass(frozen=True, slots=True)
class NimCache:
    """A NIMCache of the NIM Operator: its state and, where it has one, its own word on what is wrong."""

    resource_version: str
    state: str
    message: str

    @classmethod
    def from_object(cls, obj: Object) -> Self:
        """From an apps.nvidia.com NIMCache; the newest condition with a message speaks for it."""
        status = obj.get("status") or {}
        conditions = sorted(status.get("conditions") or (), key=lambda c: str(c.get("lastTransitionTime", "")))
        message = next((c["message"] for c in reversed(conditions) if c.get("message")), "")
        return cls(obj["metadata"]["resourceVersion"], status.get("state", ""), message.strip())


@dataclass(frozen=True, slots=True)
class Namespace:
    """A Namespace's labels: the project is one of them."""

    resource_version: str
    labels: Mapping[str, str] = field(hash=False)

    @classmethod
    def from_object(cls, obj: Object) -> Self:
        """From a core/v1 Namespace."""
        return cls(obj["metadata"]["resourceVersion"], obj["metadata"].get("labels") or {})


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything around one CR that its decision may read; None is an object that does not exist."""

    nimservice: dict[str, Any] | None = None
    nimservice_installed: bool = True
    service: Service | None = None
    workload: Workload | None = None
    claim: Claim | None = None
    nim_cache: NimCache | None = None
    routes: Mapping[str, Object] = field(default_factory=dict, hash=False)
    """Ingress, HTTPRoute and GRPCRoute of the name that ours has, by kind."""
    absent_kinds: frozenset[str] = frozenset()
    """Kinds of routes that are not installed."""
