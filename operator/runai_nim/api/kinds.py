"""The kinds of this API: names, types, subresources, and the columns of `kubectl get`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from runai_nim.api.resources import Resource
from runai_nim.api.v1alpha1 import RunaiNimService
from runai_nim.api.v1alpha1.policy import CLUSTER_POLICY, PROJECT_POLICY, ClusterRunaiNimPolicy, RunaiNimPolicy
from runai_nim.api.well_known import GROUP, KIND, PLURAL, VERSION


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`; `-o wide` adds those of priority 1. `path` is a JSONPath."""

    name: str
    path: str
    description: str
    type: str = "string"
    priority: int = 0

    def as_json(self) -> dict[str, Any]:
        """As an item of `additionalPrinterColumns`."""
        return {
            "name": self.name,
            "type": self.type,
            "jsonPath": self.path,
            "description": self.description,
            "priority": self.priority,
        }


@dataclass(frozen=True, slots=True)
class ApiKind:
    """A kind of this API. `subresources`: those beside `status`. `categories`: names of groups for `kubectl get`."""

    model: type[BaseModel]
    name: str
    plural: str
    short_name: str
    columns: tuple[Column, ...]
    categories: tuple[str, ...] = ("nim", "runai")
    is_namespaced: bool = True
    subresources: Mapping[str, Any] = field(default_factory=dict)

    @property
    def crd_name(self) -> str:
        """Name of its CRD: `runainimservices.runai-nim.io`."""
        return f"{self.plural}.{GROUP}"

    @property
    def resource(self) -> Resource:
        """The resource behind it."""
        return Resource(GROUP, VERSION, self.plural, self.name, self.is_namespaced)


def _condition(type_: str, part: str) -> str:
    return f'.status.conditions[?(@.type=="{type_}")].{part}'


_AGE: Final = Column("Age", ".metadata.creationTimestamp", "Time since creation", type="date")

RUNAI_NIM_SERVICE: Final = ApiKind(
    model=RunaiNimService,
    name=KIND,
    plural=PLURAL,
    short_name="rnim",
    columns=(
        Column("Phase", ".status.phase", "Phase of the service's lifecycle"),
        Column("Ready", _condition("Ready", "status"), "Whether the service answers"),
        Column("Reason", _condition("Ready", "reason"), "Reason of condition Ready"),
        Column("Replicas", ".status.replicas", "Replicas that exist", type="integer"),
        Column("GPU", ".status.gpusInUse", "GPUs in use now, of all pods"),
        Column("Project", ".status.project", "Run:ai project"),
        Column("URL", ".status.url", "URL from outside the cluster"),
        _AGE,
        Column("Message", _condition("Ready", "message"), "Message of condition Ready", priority=1),
        Column("GPU per pod", ".status.gpu", "GPU of each pod", priority=1),
        Column("Internal URL", ".status.internalUrl", "URL inside the cluster", priority=1),
        Column("NIMService", ".status.nimServiceName", "NIMService created for this resource", priority=1),
        Column("Claim", ".status.claimName", "Claim with the model", priority=1),
        Column("Priority", ".spec.priorityClass", "Scheduling priority", priority=1),
        Column("Node pools", ".spec.nodePools", "Node pools, the preferred first", priority=1),
        Column("Image", ".spec.image", "Container image", priority=1),
    ),
    subresources={
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        }
    },
)

_OF_POLICIES: Final = (
    Column("Valid", _condition("Valid", "status"), "Whether the policy is in force as it is written"),
    Column("Matched", ".status.matched", "RunaiNimServices that the version in force is for", type="integer"),
    Column("Violating", ".status.violating", "RunaiNimServices that break it", type="integer"),
    Column("Enforcement", ".spec.enforcement", "When a change concerns models that run"),
    _AGE,
    Column("Message", _condition("Valid", "message"), "Message of condition Valid", priority=1),
)
RUNAI_NIM_POLICY: Final = ApiKind(
    model=RunaiNimPolicy,
    name=PROJECT_POLICY,
    plural="runainimpolicies",
    short_name="rnimpol",
    columns=_OF_POLICIES,
)
CLUSTER_RUNAI_NIM_POLICY: Final = ApiKind(
    model=ClusterRunaiNimPolicy,
    name=CLUSTER_POLICY,
    plural="clusterrunainimpolicies",
    short_name="crnimpol",
    columns=(Column("Scope", ".spec.scope", "cluster or department"), *_OF_POLICIES),
    categories=(),  # `kubectl get nim` would be forbidden to everyone without rights on the cluster
    is_namespaced=False,
)

KINDS: Final = (RUNAI_NIM_SERVICE, RUNAI_NIM_POLICY, CLUSTER_RUNAI_NIM_POLICY)
"""All kinds."""
