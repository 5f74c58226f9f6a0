"""Types of the answers about one workload's pods, events and history, for the OpenAPI document only."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StrictInt

from runai_nim.api.v1alpha1.schema import ApiModel
from runai_nim.api.v1alpha1.status import Phase

Amount = int | float


class _Part(ApiModel):
    """A part of a list."""

    next: Annotated[StrictInt, Field(ge=1)] | None = None
    """The offset of the next part; absent in the last one."""

    details: str | None = None
    """Only if not all objects were read: which are missing."""


class PodContainer(ApiModel):
    """A container of a pod."""

    name: str
    image: str
    started_at: AwareDatetime | None = None
    """Only while it runs."""


class Amounts(ApiModel):
    """Requested and allowed number of GPUs or CPU cores."""

    request: Amount | None = None
    limit: Amount | None = None


class MemoryAmounts(ApiModel):
    """Requested and allowed memory, as Kubernetes quantities."""

    request: str | None = None
    limit: str | None = None


class PodRequestedResources(ApiModel):
    """The sum over the containers of a pod; a limit only if all containers have one."""

    gpu_request_type: Literal["portion", "memory"] | None = None
    """Absent for whole GPUs."""

    gpu: Amounts | None = None
    gpu_memory: MemoryAmounts | None = None
    cpu: Amounts | None = None
    cpu_memory: MemoryAmounts | None = None


class PodAllocatedResources(ApiModel):
    """What the node of a pod reserves for it."""

    gpu: Amount | None = None
    gpu_memory: str | None = None
    cpu: Amount | None = None
    cpu_memory: str | None = None


class PodToleration(ApiModel):
    """A toleration of a pod."""

    key: str | None = None
    operator: str | None = None
    value: str | None = None
    effect: str | None = None
    toleration_seconds: int | None = None


class MatchExpression(ApiModel):
    """A requirement on a label of nodes."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    values: tuple[str, ...] | None = None


class NodeSelectorTerm(ApiModel):
    """Requirements that a node must all meet."""

    match_expressions: tuple[MatchExpression, ...]


class PreferredTerm(ApiModel):
    """Requirements with a weight."""

    weight: int
    preference: NodeSelectorTerm


class RequiredNodes(ApiModel):
    """Alternatives, one of which a node must meet."""

    node_selector_terms: tuple[NodeSelectorTerm, ...]


class PreferredNodes(ApiModel):
    """Nodes that the scheduler prefers."""

    node_selector_terms: tuple[PreferredTerm, ...]


class PodNodeAffinity(ApiModel):
    """Node affinity of a pod."""

    required: RequiredNodes | None = None
    preferred: PreferredNodes | None = None


class Pod(ApiModel):
    """A pod of a workload."""

    name: str
    priority_class_name: str
    """The PriorityClass; empty without one."""

    id: str
    """uid of the pod."""

    workload_id: str
    workload_name: str
    project_id: str
    project_name: str
    cluster_id: str
    tenant_id: int
    node_name: str | None = None
    created_at: AwareDatetime
    completed_at: AwareDatetime | None = None
    containers: tuple[PodContainer, ...]
    requested_node_pools: tuple[str, ...] | None = None
    """Of the required node affinity; absent if any node will do."""

    requested_resources: PodRequestedResources | None = None
    allocated_resources: PodAllocatedResources | None = None
    """Absent without a node, and once the pod has ended."""

    tolerations: tuple[PodToleration, ...]
    k8s_phase: Annotated[str, Field(alias="k8sPhase")]
    ip: str | None = None
    node_affinity: PodNodeAffinity | None = None
    k8s_phase_updated_at: Annotated[AwareDatetime, Field(alias="k8sPhaseUpdatedAt")]
    """The last change of a condition of the pod."""

    updated_at: AwareDatetime
    """The same."""

    deleted_at: AwareDatetime | None = None
    """Until when a pod that is being deleted may run."""

    restarts: int
    """Of all containers. This field and the following are this API's own."""

    reason: str | None = None
    """Why it doesn't run: CrashLoopBackOff, Unschedulable, Evicted."""

    message: str | None = None
    """The same as a sentence of the kubelet or the scheduler."""

    last_exit: str | None = None
    """The last exit of a container with an error: `OOMKilled, exit code 137`."""


class Pods(_Part):
    """Pods of a workload, by name."""

    pods: tuple[Pod, ...]


class InvolvedObject(ApiModel):
    """What an event is about."""

    uid: str
    kind: str
    name: str
    namespace: str


class Event(ApiModel):
    """A Kubernetes Event."""

    created_at: AwareDatetime
    """When it was seen last."""

    id: str
    type: str
    """Normal or Warning."""

    cluster_id: str
    message: str
    reason: str | None = None
    source: str | None = None
    """The component that reports it."""

    involved_object: InvolvedObject


class Events(_Part):
    """Events of a workload and of what belongs to it."""

    events: tuple[Event, ...]


class PhaseUpdate(ApiModel):
    """A change of the workload's phase."""

    phase: Phase
    phase_message: str


class HistoryMeta(ApiModel):
    """Time and type of a record."""

    creation_timestamp: AwareDatetime
    type: Literal["Event", "PhaseUpdate"]


class HistorySpec(ApiModel):
    """An event or a change of the phase."""

    event: Event | None = None
    phase_update: PhaseUpdate | None = None


class HistoryRecord(ApiModel):
    """Something that happened to a workload."""

    meta: HistoryMeta
    spec: HistorySpec


class History(_Part):
    """What happened to a workload, the newest first."""

    records: tuple[HistoryRecord, ...]
