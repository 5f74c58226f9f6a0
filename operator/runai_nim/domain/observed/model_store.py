"""Projections of claims and NIMCaches."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, NamedTuple, Self

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import MAX_WORD_LENGTH, mapping, mappings, text, word, words
from runai_nim.domain.observed.stored_object import applied_at


class OwnerReference(NamedTuple):
    """An owner reference of an object."""

    kind: str
    name: str
    uid: str


_MOST_ANNOTATIONS: Final = 512
"""Maximum number of a claim's annotations that are kept. The operator sets at most 256; controllers add some."""
_OWN: Final = f"{well_known.GROUP}/"
_MOST_OWNERS: Final = 64
_OWNERS: Final = (well_known.KIND, well_known.NIMSERVICE_KIND)
"""Kinds of owners whose deletion could delete a model."""


@dataclass(frozen=True, slots=True)
class ObservedClaim:
    """A PersistentVolumeClaim, created by the operator or not. `storage` is a quantity as the API server formats it.

    `service_label` is the value of its label `runai-nim.io/service`. `annotations` are `digest_annotations`.
    `created_at` and `applied_at` are RFC 3339; the latter is the operator's last change, empty without one.
    """

    name: str

    resource_version: str
    uid: str
    phase: str
    storage: str
    storage_class: str
    access_modes: tuple[str, ...]
    volume_mode: str
    service_label: str
    owners: tuple[OwnerReference, ...]
    annotations: Mapping[str, str] = field(hash=False)
    created_at: str
    applied_at: str
    is_deleting: bool

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """From a core/v1 PersistentVolumeClaim."""
        metadata = obj["metadata"]
        spec = mapping(obj.get("spec"))
        status = mapping(obj.get("status"))
        return cls(
            name=metadata["name"],
            resource_version=metadata["resourceVersion"],
            uid=metadata["uid"],
            phase=word(status.get("phase"), "Pending"),
            storage=word(mapping(mapping(spec.get("resources")).get("requests")).get("storage"), "0"),
            storage_class=word(spec.get("storageClassName")),
            access_modes=words(spec.get("accessModes")),
            volume_mode=word(spec.get("volumeMode"), "Filesystem"),
            service_label=word(mapping(metadata.get("labels")).get(well_known.SERVICE_LABEL)),
            owners=tuple(_owners(metadata.get("ownerReferences"))),
            annotations=digest_annotations(metadata.get("annotations")),
            created_at=word(metadata.get("creationTimestamp")),
            applied_at=applied_at(obj),
            is_deleting="deletionTimestamp" in metadata,
        )

    def is_owned_by(self, uid: str) -> bool:
        """Whether the object with that uid is one of its owners."""
        return any(owner.uid == uid for owner in self.owners)


def _owners(references: Any) -> Iterator[OwnerReference]:
    """Owners of the kinds in _OWNERS."""
    ours = [found for found in mappings(references) if found.get("kind") in _OWNERS]
    for found in ours[:_MOST_OWNERS]:
        yield OwnerReference(word(found.get("kind")), word(found.get("name")), word(found.get("uid")))


def digest_annotations(annotations: Any) -> dict[str, str]:
    """Annotations to keep and compare: long values as digests; beyond the maximum only the operator's own."""
    found = mapping(annotations)
    kept = sorted(found, key=lambda key: not key.startswith(_OWN))[:_MOST_ANNOTATIONS]
    return {key: _digest(str(found[key])) for key in kept}


def _digest(value: str) -> str:
    return value if len(value) <= MAX_WORD_LENGTH else f"sha256:{sha256(value.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class ObservedNimCache:
    """A NIMCache of the NIM Operator: its state and its own error message, if any."""

    resource_version: str
    state: str
    message: str

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """From an apps.nvidia.com NIMCache; the message is that of the newest condition with one."""
        status = mapping(obj.get("status"))
        conditions = sorted(mappings(status.get("conditions")), key=lambda c: word(c.get("lastTransitionTime")))
        message = next((text(c["message"]) for c in reversed(conditions) if c.get("message")), "")
        return cls(obj["metadata"]["resourceVersion"], word(status.get("state")), message.strip())
