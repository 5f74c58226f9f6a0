"""Types of the answers to listings of workloads, for the OpenAPI document only."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from runai_nim.api.v1alpha1.schema import ApiModel
from runai_nim.api.v1alpha1.status import Phase

_Number = int | float


class ListedCondition(ApiModel):
    """A condition of the status."""

    type: str
    status: str
    reason: str
    message: str
    last_transition_time: AwareDatetime | None = None


class RequestedPods(ApiModel):
    """The number of pods, or with autoscaling its bounds."""

    number: int | None = None
    min: int | None = None
    max: int | None = None


class RequestedAmount(ApiModel):
    """GPU devices or CPU cores."""

    request: _Number | None = None
    limit: _Number | None = None


class RequestedBytes(ApiModel):
    """Memory as a Kubernetes quantity."""

    request: str | None = None
    limit: str | None = None


class RequestedResources(ApiModel):
    """Requested resources; absent where the spec doesn't say."""

    gpu_request_type: Literal["portion", "memory"] | None = None
    """Absent for whole GPUs."""

    gpu: RequestedAmount | None = None
    gpu_memory: RequestedBytes | None = None
    cpu: RequestedAmount | None = None
    cpu_memory: RequestedBytes | None = None


class AllocatedResources(ApiModel):
    """GPUs of the pods that have a node: devices and portions, or memory."""

    gpu: _Number | None = None
    gpu_memory: str | None = None


class SupportedActions(ApiModel):
    """What this API can do with a workload, not what the caller may do."""

    delete: bool
    suspend: bool


class ListedWorkload(ApiModel):
    """A workload with phase, resources and project."""

    tenant_id: int
    cluster_id: str
    department_id: str
    department_name: str
    project_id: str
    project_name: str
    namespace: str
    type: Literal["NIMService"]
    name: str
    id: str
    """uid of the RunaiNimService, as in the answers of the NIM calls."""

    source: Literal["Control-plane", "Other"]
    """Control-plane: created through this API, by an annotation that whoever may write the resource can change."""

    submitted_by: str
    """createdBy of the NIM calls."""

    created_at: AwareDatetime
    updated_at: AwareDatetime
    deleted_at: AwareDatetime | None
    """null unless the deletion has begun."""

    desired_phase: Literal["Running", "Stopped", "Deleted"]
    phase: Phase
    """status.phase; Creating until the operator has written it, Deleting while the workload is being deleted."""

    phase_message: Annotated[str, Field(max_length=1024)]
    """Message of the condition Ready."""

    phase_updated_at: AwareDatetime
    """When a condition changed last; createdAt before that."""

    k8s_phase: Annotated[Phase, Field(alias="k8sPhase")]
    """phase."""

    k8s_phase_updated_at: Annotated[AwareDatetime, Field(alias="k8sPhaseUpdatedAt")]
    """phaseUpdatedAt."""

    conditions: Annotated[tuple[ListedCondition, ...], Field(max_length=16)]
    priority: int | None
    """The Kubernetes value of priorityClassName; null without one."""

    priority_class_name: str
    """Empty if the scheduler chooses."""

    category: str
    """Empty without one."""

    preemptible: bool | None = None
    """Absent if the scheduler chooses, and for semi-preemptible."""

    running_pods: int
    """Pods of ready replicas."""

    requested_pods: RequestedPods
    pods_requested_resources: RequestedResources
    """Of each pod."""

    workload_requested_resources: RequestedResources
    """Of all pods that are wanted at the moment."""

    allocated_resources: AllocatedResources
    requested_node_pools: tuple[str, ...]
    images: tuple[str, ...]
    urls: tuple[str, ...]
    """URL from outside the cluster, if the NIM is exposed."""

    actions_support: SupportedActions


class WorkloadPage(ApiModel):
    """A page of workloads."""

    next: int | None = None
    """offset of the next page; absent on the last one."""

    workloads: tuple[ListedWorkload, ...]


class WorkloadCount(ApiModel):
    """The number of workloads."""

    count: int
