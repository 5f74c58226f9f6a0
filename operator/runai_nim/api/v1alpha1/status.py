"""status of a RunaiNimService, written by the operator."""

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, StrictInt

from runai_nim.api.v1alpha1.schema import ApiModel, NonNegativeInt, listed_by, listed_whole

Phase = Literal[
    "Creating",
    "Pending",
    "Initializing",
    "Running",
    "Updating",
    "Degraded",
    "Failed",
    "Stopping",
    "Stopped",
    "Deleting",
    "Unknown",
]
ConditionStatus = Literal["True", "False", "Unknown"]
MAX_MESSAGE_LENGTH: Final = 32768
"""Maximum length of a condition's message, as in metav1.Condition."""


class Condition(ApiModel):
    """One observed fact, in the format of a Kubernetes condition."""

    type: Annotated[str, Field(min_length=1, max_length=63)]
    """Type: Ready, Translated, StorageReady, NIMServiceReady, Reconciling, Stalled, …"""

    status: ConditionStatus
    """True, False or Unknown."""

    reason: Annotated[str, Field(min_length=1, max_length=253)]
    """Reason as one CamelCase word for programs."""

    message: Annotated[str, Field(max_length=MAX_MESSAGE_LENGTH)]
    """Reason as a sentence for users: which field, what was found, what to do."""

    last_transition_time: AwareDatetime
    """Time of the last change of status."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """Generation of the spec that this condition refers to."""


class AppliedPolicy(ApiModel):
    """A policy that took part in the rendering."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the policy."""

    scope: Literal["cluster", "department", "project"]
    """Scope of the policy."""


class RunaiNimServiceStatus(ApiModel):
    """Observed state of the service."""

    observed_generation: StrictInt | None = None
    """Generation of the spec that this status refers to; -1 before the operator has seen the resource."""

    phase: Phase | None = None
    """Phase of the service's lifecycle, in Run:ai's terms."""

    conditions: Annotated[tuple[Condition, ...], listed_by("type", max_items=32)] | None = None
    """Details of the phase; `kubectl wait --for=condition=Ready` waits until the service answers."""

    replicas: NonNegativeInt | None = None
    """Number of existing replicas."""

    ready_replicas: NonNegativeInt | None = None
    """Number of ready replicas."""

    selector: str | None = None
    """Label selector of the pods, for the scale subresource."""

    url: str | None = None
    """URL from outside the cluster; absent if not exposed."""

    internal_url: str | None = None
    """URL inside the cluster."""

    project: str | None = None
    """Run:ai project of this namespace."""

    nim_service_name: str | None = None
    """Name of the NIMService created for this resource."""

    claim_name: str | None = None
    """Name of the claim with the model; absent with a NIMCache."""

    policies: Annotated[tuple[AppliedPolicy, ...], listed_whole()] | None = None
    """Policies under which the resource is rendered, the widest scope first; absent without any."""

    gpus_in_use: str | None = None
    """GPUs of all pods that have a node: devices (4), portions (1.5) or memory (40Gi); 0 while stopped. Absent if none
    are requested."""

    gpu: str | None = None
    """GPU of each pod: devices (2), a portion (0.5, 2x0.5 for two devices) or memory (20Gi)."""
