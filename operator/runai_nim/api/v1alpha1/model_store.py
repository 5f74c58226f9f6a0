"""spec.modelStore: where the model's weights are kept. Types only, no behaviour."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr

from runai_nim.api.v1alpha1.schema import CelRule, DnsLabel, Name, QuantityString, SpecModel, Value, cel, listed_by


class NimCache(SpecModel):
    """A NIMCache of the NIM Operator."""

    name: Name | None = None
    """Name of a NIMCache in this namespace; required. Becomes storage.nimCache.name of the NIMService."""

    profile: Name | None = None
    """NIM profile to take from the cache; default: the NIM picks one. Becomes storage.nimCache.profile, or the
    environment variable NIM_MODEL_PROFILE where the NIM Operator would otherwise add GPUs."""


class AccessModes(SpecModel):
    """Access modes of a claim; all that are true are asked for, and at least one must be."""

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
    """Key of the annotation; keys under kubernetes.io and k8s.io are refused."""

    value: Value | None = None
    """Value of the annotation; default empty."""


class ClaimInfo(SpecModel):
    """The claim to make when none of that name exists."""

    size: QuantityString | None = None
    """Size of the claim: a Kubernetes quantity or the same with a B, e.g. 100Gi or 1TB. Required when the claim must
    be made; may grow later, never shrink. Becomes resources.requests.storage of the claim."""

    storage_class: Annotated[DnsLabel, Field(min_length=1)] | None = None
    """Storage class of the claim; default: the cluster's default class. Can't be changed once the claim exists."""

    access_modes: AccessModes | None = None
    """Access modes of the claim; default: readWriteOnce alone."""

    volume_mode: Literal["Filesystem", "Block"] | None = None
    """Volume mode of the claim; default Filesystem. Block is refused: a NIM mounts its store as a file system."""

    added_attr_values: Annotated[tuple[AddedAttrValue, ...], listed_by("key")] | None = None
    """Annotations for the claim, read by some storage provisioners."""


class Pvc(SpecModel):
    """A PersistentVolumeClaim as model store."""

    existing_pvc: StrictBool | None = None
    """true: use the claim named claimName, which must exist. false (default): the operator makes the claim when none
    of that name exists."""

    claim_name: Annotated[StrictStr, Field(min_length=1, max_length=63)] | None = None
    """Name of the claim; required with existingPvc true. Default: the resource's name followed by -model-store."""

    read_only: StrictBool | None = None
    """Mount the claim read-only; default false. Becomes storage.readOnly of the NIMService."""

    claim_info: ClaimInfo | None = None
    """What the claim is made from; ignored with existingPvc true."""

    retention_policy: Literal["Retain", "Delete"] | None = None
    """What happens to a claim that the operator made when this resource is deleted: Retain (default) keeps the
    claim and its data, Delete removes both. A claim that was found is never deleted."""


class ModelStore(SpecModel):
    """Where the model's weights are kept: exactly one of nimCache and pvc."""

    model_config = cel(
        CelRule(
            "!(has(self.nimCache) && has(self.pvc))",
            "modelStore must hold either nimCache or pvc, not both: remove one of them",
            ".nimCache",
            reason="FieldValueForbidden",
        ),
    )

    nim_cache: NimCache | None = None
    """Use a NIMCache that already holds (or will hold) the model. Excludes pvc."""

    pvc: Pvc | None = None
    """Keep the model on a PersistentVolumeClaim. Excludes nimCache."""
