"""Projections of what the NIM Operator creates for a NIMService: Service, workload, pods."""

from dataclasses import dataclass
from typing import Self

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping, number, word
from runai_nim.domain.observed.stored_object import controller_of


@dataclass(frozen=True, slots=True)
class ObservedService:
    """The Service of the NIM Operator: for which NIMService, and from which of the operator's specs."""

    resource_version: str
    owner_uid: str
    spec_hash: str

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """From a core/v1 Service."""
        metadata = obj["metadata"]
        spec_hash = word(mapping(metadata.get("annotations")).get(well_known.SPEC_HASH))
        return cls(metadata["resourceVersion"], word(controller_of(obj).get("uid")), spec_hash)


@dataclass(frozen=True, slots=True)
class ObservedWorkload:
    """The Deployment or LeaderWorkerSet of the NIM Operator: its NIMService, its pod hash and the progress of its
    rollout.

    Counts are pods, or groups of pods. `kind` and `name` are the object's.
    """

    kind: str
    name: str

    resource_version: str
    owner_uid: str
    pod_hash: str
    generation: int
    observed_generation: int
    spec_replicas: int
    current_replicas: int
    updated_replicas: int
    ready_replicas: int
    available_replicas: int

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """From an apps/v1 Deployment or a LeaderWorkerSet, which has no count of available replicas.

        LeaderWorkerSets before 0.9 have no observedGeneration, either.
        """
        metadata, spec, status = obj["metadata"], mapping(obj.get("spec")), mapping(obj.get("status"))
        generation, ready = number(metadata.get("generation")), number(status.get("readyReplicas"))
        of_groups = obj.get("kind") == well_known.LWS_KIND
        return cls(
            well_known.LWS_KIND if of_groups else "Deployment",
            metadata["name"],
            metadata["resourceVersion"],
            word(controller_of(obj).get("uid")),
            word(mapping(metadata.get("annotations")).get(well_known.POD_HASH)),
            generation,
            number(status.get("observedGeneration"), generation if of_groups else 0),
            number(spec.get("replicas"), 1),
            number(status.get("replicas")),
            number(status.get("updatedReplicas")),
            ready,
            ready if of_groups else number(status.get("availableReplicas")),
        )

    @property
    def is_rolled_out(self) -> bool:
        """Whether every desired pod has the newest template and is available, and no older pod is left."""
        current = self.observed_generation >= self.generation
        return (
            current and self.updated_replicas == self.current_replicas == self.available_replicas == self.spec_replicas
        )
