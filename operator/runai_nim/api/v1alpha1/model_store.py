"""spec.modelStore: storage of the model's weights."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr

from runai_nim.api.v1alpha1.schema import (
    CelRule,
    DnsLabel,
    Name,
    Ours,
    QuantityString,
    SpecModel,
    Value,
    cel,
    listed_by,
)


class NimCache(SpecModel):
    """A NIMCache of the NIM Operator."""

    name: Name | None = None
    """Name of a NIMCache in this namespace; required. Becomes storage.nimCache.name of the NIMService."""

    profile: Name | None = None
    """NIM profile to take from the cache; default: the NIM selects one. Becomes storage.nimCache.profile, or the
    environment variable NIM_MODEL_PROFILE if the NIM Operator would otherwise add GPUs."""


class AccessModes(SpecModel):
    """Access modes of a claim; the claim requests all that are true, at least one."""

    read_write_once: StrictBool | None = None
    """Mount read-write on one node (ReadWriteOnce). Default true."""

    read_only_many: StrictBool | None = None
    """Mount read-only on many nodes (ReadOnlyMany). Default false."""

    read_write_many: StrictBool | None = None
    """Mount read-write on many nodes (ReadWriteMany). Default false; several replicas on several nodes need it."""


class AddedAttrValue(SpecModel):
    """An annotation of the claim."""

    key: Annotated[
        StrictStr, Field(min_length=1, max_length=63, pattern=r"^([A-Za-z0-9][-A-Za-z0-9_./]*)?[A-Za-z0-9]$")
    ]
    """Key of the annotation; keys under kubernetes.io and k8s.io are rejected."""

    value: Value | None = None
    """Value of the annotation; default empty."""


class ClaimInfo(SpecModel):
    """The claim to create if none with that name exists."""

    size: QuantityString | None = None
    """Size of the claim: a Kubernetes quantity or the same with a B, e.g. 100Gi or 1TB. Required to create a claim;
    may grow later, never shrink. Becomes resources.requests.storage of the claim."""

    storage_class: Annotated[DnsLabel, Field(min_length=1)] | None = None
    """Storage class of the claim; default: the cluster's default class. Can't be changed once the claim exists."""

    access_modes: AccessModes | None = None
    """Access modes of the claim; default: only readWriteOnce."""

    volume_mode: Literal["Filesystem", "Block"] | None = None
    """Volume mode of the claim; default Filesystem. Block is rejected: a NIM mounts its store as a file system."""

    added_attr_values: Annotated[tuple[AddedAttrValue, ...], listed_by("key")] | None = None
    """Annotations for the claim, read by some storage provisioners."""


class Pvc(SpecModel):
    """A PersistentVolumeClaim as model store."""

    existing_pvc: StrictBool | None = None
    """true: use the claim named claimName, which must exist. false (default): the operator creates the claim if none
    with that name exists."""

    claim_name: Annotated[StrictStr, Field(min_length=1, max_length=63)] | None = None
    """Name of the claim; required with existingPvc true. Default: the resource's name followed by -model-store."""

    read_only: StrictBool | None = None
    """Mount the claim read-only; default false. Only for a claim that exists: a new one is empty. Becomes
    storage.readOnly of the NIMService."""

    claim_info: ClaimInfo | None = None
    """Properties of a claim to create; ignored with existingPvc true."""

    retention_policy: Annotated[Literal["Retain", "Delete"] | None, Ours()] = None
    """What happens to a claim that the operator created when this resource is deleted: Retain (default) keeps the
    claim and its data, Delete removes both. A claim that existed before is never deleted."""


class ModelStore(SpecModel):
    """Storage of the model's weights: exactly one of nimCache and pvc."""

    model_config = cel(
        CelRule(
            "!(has(self.nimCache) && has(self.pvc))",
            "modelStore must contain either nimCache or pvc, not both: remove one of them",
            ".nimCache",
            reason="FieldValueForbidden",
        ),
    )

    nim_cache: NimCache | None = None
    """Use a NIMCache that contains (or will contain) the model. Excludes pvc."""

    pvc: Pvc | None = None
    """Store the model on a PersistentVolumeClaim. Excludes nimCache."""
