"""spec of a RunaiNimService: the `spec` of Run:ai's NVIDIA NIM API, field by field.

Every field is optional, because defaults are merged before required fields are checked, and neither the types nor the
API server see the result. Only keys of lists are required.
"""

from typing import Annotated, Literal

from pydantic import Field, StrictInt, StrictStr

from runai_nim.api.v1alpha1.autoscaling import Autoscaling
from runai_nim.api.v1alpha1.compute import Compute
from runai_nim.api.v1alpha1.container import ImagePullSecret, Probes, Security
from runai_nim.api.v1alpha1.environment import EnvironmentVariable
from runai_nim.api.v1alpha1.metadata import Annotation, Label
from runai_nim.api.v1alpha1.model_store import ModelStore
from runai_nim.api.v1alpha1.multi_node import MultiNode
from runai_nim.api.v1alpha1.scheduling import Preemptibility, PriorityClass, Toleration
from runai_nim.api.v1alpha1.schema import CelRule, DnsLabel, Name, Ours, SpecModel, cel, listed_by, listed_whole
from runai_nim.api.v1alpha1.serving import ServingPort


def _kept(field: str) -> str:
    """The CEL expression for a field of multiNode that may not change."""
    now = f"self.multiNode.{field}"
    before = f"oldSelf.multiNode.{field}"
    return f"has({now}) == has({before}) && (!has({now}) || {now} == {before})"


class RunaiNimServiceSpec(SpecModel):
    """The NIM to serve, its resources and its scheduling."""

    model_config = cel(
        CelRule(
            "!has(self.autoscaling) || !has(self.replicas) || self.replicas == 1",
            "replicas must be 1 or absent with autoscaling: remove replicas, or remove autoscaling",
            ".replicas",
            "'replicas is %s but must be 1 or absent with autoscaling: remove replicas, or remove autoscaling'"
            ".format([self.replicas])",
            reason="FieldValueForbidden",
        ),
        CelRule(
            "!has(self.multiNode) || !has(self.autoscaling)",
            "autoscaling is not allowed with multiNode: remove one of them",
            ".autoscaling",
            reason="FieldValueForbidden",
        ),
        CelRule(
            "!has(self.multiNode) || !has(self.compute) || !has(self.compute.gpuRequestType)"
            " || (self.compute.gpuRequestType == 'portion' && (!has(self.compute.gpuPortionRequest)"
            " || self.compute.gpuPortionRequest == 0.0 || self.compute.gpuPortionRequest == 1.0))",
            "compute.gpuRequestType must not request a GPU share with multiNode: request whole GPUs with"
            " compute.gpuDevicesRequest only, or remove multiNode",
            ".compute.gpuRequestType",
            reason="FieldValueForbidden",
        ),
        CelRule(
            "!has(self.nodePools) || self.nodePools.all(pool, self.nodePools.exists_one(other, other == pool))",
            "nodePools must not contain a pool twice: keep each pool once, at its place in the order of preference",
            ".nodePools",
        ),
        CelRule(
            "has(self.multiNode) == has(oldSelf.multiNode) && (!has(self.multiNode)"
            f" || ({_kept('workers')} && {_kept('tensorParallelism')}))",
            "multiNode can't be added, removed or changed, but for launcher and startTimeoutSeconds: restore it, or"
            " create a RunaiNimService of another name",
            ".multiNode",
        ),
    )

    image: Annotated[StrictStr, Field(min_length=1, max_length=1024)] | None = None
    """Container image of the NIM, e.g. nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.5; without tag or digest: latest.
    Required."""

    image_pull_policy: Literal["Always", "Never", "IfNotPresent"] | None = None
    """When nodes pull the image; default: Kubernetes' (Always for the tag latest, otherwise IfNotPresent)."""

    image_pull_secrets: Annotated[tuple[ImagePullSecret, ...], listed_by("name")] | None = None
    """Secrets to pull the image with. Become image.pullSecrets of the NIMService."""

    ngc_auth_secret: DnsLabel | None = None
    """Name of a Secret in this namespace whose key NGC_API_KEY holds an NGC API key. Becomes authSecret of the
    NIMService, which requires it before NIM Operator 3.1.3."""

    model_store: ModelStore | None = None
    """Storage of the model's weights: exactly one of nimCache and pvc; required."""

    serving_port: ServingPort | None = None
    """Ports of the NIM and their exposure; required."""

    compute: Compute | None = None
    """CPU, memory and GPU of each pod."""

    replicas: Annotated[StrictInt, Field(ge=0, le=1000)] | None = None
    """Number of replicas, 0-1000; default 1. 0 stops the service. With autoscaling, which then sets the number, only
    1 is allowed."""

    desired_phase: Annotated[Literal["Running", "Stopped"] | None, Ours("suspend the workload by its own request")] = (
        None
    )
    """Running (default) or Stopped: no replicas and no autoscaling; claim and configuration are kept."""

    autoscaling: Autoscaling | None = None
    """Scales replicas by a metric. Excludes multiNode."""

    multi_node: MultiNode | None = None
    """Runs one model on several nodes (requires LeaderWorkerSet). Can't be added, removed or changed later, but for
    launcher and startTimeoutSeconds. Excludes autoscaling and GPU shares."""

    priority_class: PriorityClass | None = None
    """Scheduling priority; default: the scheduler's for such workloads. Becomes the label priorityClassName.
    Doesn't change preemptibility."""

    preemptibility: Preemptibility | None = None
    """Whether workloads of higher priority may preempt this one; default: depends on the priority. semi-preemptible
    needs Run:ai 3.0 or KAI 0.18. Becomes the label kai.scheduler/preemptibility."""

    # The list is an order of preference: merging items of two managers would produce an order that neither requested.
    node_pools: Annotated[tuple[Name, ...], listed_whole(100)] | None = None
    """Names of node pools, the preferred first; no name twice. Pods run in these pools only; `default` stands for
    nodes without a pool. Becomes node affinity. The order has no effect on Run:ai, which ignores preferred affinity;
    the KAI scheduler alone allows one pool."""

    tolerations: Annotated[tuple[Toleration, ...], listed_whole()] | None = None
    """Taints that the pods tolerate."""

    category: Annotated[StrictStr, Field(max_length=253)] | None = None
    """Workload category, for classification and monitoring in Run:ai. Becomes an annotation."""

    environment_variables: Annotated[tuple[EnvironmentVariable, ...], listed_by("name")] | None = None
    """Environment variables of the NIM's container. Become env of the NIMService."""

    labels: Annotated[tuple[Label, ...], listed_by("name")] | None = None
    """Labels of the pods and their Service. Become labels of the NIMService's spec."""

    annotations: Annotated[tuple[Annotation, ...], listed_by("name")] | None = None
    """Annotations of the pods, their Service, its routes and its autoscaler. Become annotations of the NIMService's
    spec."""

    probes: Probes | None = None
    """Health checks of the pods; default: the NIM's own."""

    security: Security | None = None
    """User and group ids of the container."""
