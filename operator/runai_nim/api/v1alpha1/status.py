"""status of a RunaiNimService, as the operator writes it. Types only, no behaviour."""

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, StrictInt

from runai_nim.api.v1alpha1.schema import ApiModel, NonNegativeInt, listed_by

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
"""Characters of a condition's message, as metav1.Condition has it."""


class Condition(ApiModel):
    """One observed fact, in the shape of a Kubernetes condition."""

    type: Annotated[str, Field(min_length=1, max_length=63)]
    """Which fact: Ready, Translated, StorageReady, NIMServiceReady, Reconciling, Stalled, …"""

    status: ConditionStatus
    """True, False or Unknown."""

    reason: Annotated[str, Field(min_length=1, max_length=253)]
    """Why, as one CamelCase word for programs."""

    message: Annotated[str, Field(max_length=MAX_MESSAGE_LENGTH)]
    """Why, as a sentence for people: which field, what was found, what to do."""

    last_transition_time: AwareDatetime
    """When status last changed."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """Generation of the spec that this condition is about."""


class RunaiNimServiceStatus(ApiModel):
    """What was observed of the service."""

    observed_generation: StrictInt | None = None
    """Generation of the spec that this status is about; -1 before the operator has seen the resource."""

    phase: Phase | None = None
    """Where the service is in its life, in Run:ai's words."""

    conditions: Annotated[tuple[Condition, ...], listed_by("type", max_items=32)] | None = None
    """The facts behind the phase; `kubectl wait --for=condition=Ready` waits for a service that answers."""

    replicas: NonNegativeInt | None = None
    """Replicas that exist."""

    ready_replicas: NonNegativeInt | None = None
    """Replicas that are ready."""

    selector: str | None = None
    """Label selector of the pods, for the scale subresource."""

    url: str | None = None
    """URL from outside the cluster; absent where there is none."""

    internal_url: str | None = None
    """URL inside the cluster."""

    project: str | None = None
    """Run:ai project of this namespace."""

    nim_service_name: str | None = None
    """Name of the NIMService made from this resource."""

    claim_name: str | None = None
    """Name of the claim that keeps the model; absent with a NIMCache."""

    gpu: str | None = None
    """GPU of each pod: devices (2), a portion (0.5, 2x0.5 for two devices) or memory (20Gi)."""
