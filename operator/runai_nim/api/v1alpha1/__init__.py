"""Types of runai-nim.io/v1alpha1, the sole source of the CRD. Types only, no behaviour."""

from runai_nim.api.v1alpha1.compute import Compute
from runai_nim.api.v1alpha1.container import (
    Annotation,
    ConfigMapKey,
    EnvironmentVariable,
    HttpGet,
    ImagePullSecret,
    Label,
    PodFieldReference,
    Probe,
    ProbeHandler,
    Probes,
    SecretKey,
    Security,
    UserCredentialKey,
)
from runai_nim.api.v1alpha1.model_store import AccessModes, AddedAttrValue, ClaimInfo, ModelStore, NimCache, Pvc
from runai_nim.api.v1alpha1.resource import RunaiNimService
from runai_nim.api.v1alpha1.scheduling import Autoscaling, MultiNode, Preemptibility, PriorityClass, Toleration
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
