"""Where a model is kept: claims and NIMCaches.

Small frozen values made from Kubernetes objects; whatever no decision reads is dropped. May not decide anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from runai_nim import keys
from runai_nim.observed.stored import Object, applied_at


class Owner(NamedTuple):
    """One of an object's owner references."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim, ours or found. `storage` is a Kubernetes quantity as the API server prints it.

    `made_for` is the RunaiNimService that its label names. `created_at` and `applied_at` are RFC 3339; the latter is
    when the operator last changed it, empty when it never did.
    """

    name: str

    resource_version: str
    uid: str
    phase: str
    storage: str
    storage_class: str
    access_modes: tuple[str, ...]
    volume_mode: str
    made_for: str
    owners: tuple[Owner, ...]
    annotations: Mapping[str, str] = field(hash=False)
    created_at: str
    applied_at: str
    deleting: bool

    @classmethod
    def from_object(cls, obj: Object) -> Self:
        """From a core/v1 PersistentVolumeClaim."""
        metadata, spec = obj["metadata"], obj["spec"]
        return cls(
            name=metadata["name"],
            resource_version=metadata["resourceVersion"],
            uid=metadata["uid"],
            phase=(obj.get("status") or {}).get("phase", "Pending"),
            storage=str((spec.get("resources", {}).get("requests") or {}).get("storage", "0")),
            storage_class=spec.get("storageClassName") or "",
            access_modes=tuple(spec.get("accessModes") or ()),
            volume_mode=spec.get("volumeMode", "Filesystem"),
            made_for=(metadata.get("labels") or {}).get(keys.SERVICE_LABEL, ""),
            owners=tuple(Owner(o["kind"], o["name"], o["uid"]) for o in metadata.get("ownerReferences") or ()),
            annotations=metadata.get("annotations") or {},
            created_at=metadata.get("creationTimestamp", ""),
            applied_at=applied_at(obj),
            deleting="deletionTimestamp" in metadata,
        )

    def owned_by(self, uid: str) -> bool:
        """Is the object of that uid one of its owners?"""
        return any(owner.uid == uid for owner in self.owners)


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
