"""Types of runai-nim.io/v1alpha1, from which the CRD is generated."""

from runai_nim.api.v1alpha1.autoscaling import Autoscaling
from runai_nim.api.v1alpha1.compute import Compute
from runai_nim.api.v1alpha1.container import HttpGet, ImagePullSecret, Probe, ProbeHandler, Probes, Security
from runai_nim.api.v1alpha1.environment import (
    ConfigMapKey,
    EnvironmentVariable,
    PodFieldReference,
    SecretKey,
    UserCredentialKey,
)
from runai_nim.api.v1alpha1.metadata import Annotation, Label
from runai_nim.api.v1alpha1.model_store import AccessModes, AddedAttrValue, ClaimInfo, ModelStore, NimCache, Pvc
from runai_nim.api.v1alpha1.multi_node import MultiNode
from runai_nim.api.v1alpha1.resource import RunaiNimService
from runai_nim.api.v1alpha1.scheduling import Preemptibility, PriorityClass, Toleration
from runai_nim.api.v1alpha1.serving import ServingPort
from runai_nim.api.v1alpha1.spec import RunaiNimServiceSpec
from runai_nim.api.v1alpha1.status import Condition, ConditionStatus, Phase, RunaiNimServiceStatus

__all__ = [
    "AccessModes",
    "AddedAttrValue",
    "Annotation",
    "Autoscaling",
    "ClaimInfo",
    "Compute",
    "Condition",
    "ConditionStatus",
    "ConfigMapKey",
    "EnvironmentVariable",
    "HttpGet",
    "ImagePullSecret",
    "Label",
    "ModelStore",
    "MultiNode",
    "NimCache",
    "Phase",
    "PodFieldReference",
    "Preemptibility",
    "PriorityClass",
    "Probe",
    "ProbeHandler",
    "Probes",
    "Pvc",
    "RunaiNimService",
    "RunaiNimServiceSpec",
    "RunaiNimServiceStatus",
    "SecretKey",
    "Security",
    "ServingPort",
    "Toleration",
    "UserCredentialKey",
]
