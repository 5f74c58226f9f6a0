"""A RunaiNimService as a row of `runai-nim list`, and the filters on rows. Pure; statuses are untrusted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import condition_of, mapping, mappings, number, text, word
from runai_nim.cli.cluster.table import age

COLUMNS: Final = ("NAME", "PHASE", "REASON", "GPU", "REPLICAS", "URL", "AGE")
WIDE_COLUMNS: Final = (*COLUMNS, "READY", "GPU PER POD", "PROJECT", "POLICIES", "COMPLIANT", "INTERNAL URL", "IMAGE")


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """What `list` shows of a RunaiNimService. No values of environment variables.

    `policies`: name and scope of those that it is rendered under, the widest scope first. `compliant`: the condition
    PolicyCompliant, `True` or `False`; empty without policies.
    """

    namespace: str
    name: str
    phase: str
    is_ready: bool
    reason: str
    message: str
    gpus_in_use: str
    gpu_per_pod: str
    replicas: int
    ready_replicas: int
    url: str
    internal_url: str
    project: str
    policies: tuple[tuple[str, str], ...]
    compliant: str
    image: str
    created_at: str

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """From a RunaiNimService."""
        metadata = mapping(obj.get("metadata"))
        status = mapping(obj.get("status"))
        ready = condition_of(status, "Ready")
        return cls(
            namespace=word(metadata.get("namespace")),
            name=word(metadata.get("name")),
            phase=word(status.get("phase")),
            is_ready=is_ready(obj),
            reason=word(ready.get("reason")),
            message=text(ready.get("message")),
            gpus_in_use=word(status.get("gpusInUse")),
            gpu_per_pod=word(status.get("gpu")),
            replicas=number(status.get("replicas")),
            ready_replicas=number(status.get("readyReplicas")),
            url=text(status.get("url")),
            internal_url=text(status.get("internalUrl")),
            project=word(status.get("project")),
            policies=tuple((word(one.get("name")), word(one.get("scope"))) for one in mappings(status.get("policies"))),
            compliant=word(condition_of(status, "PolicyCompliant").get("status")),
            image=text(mapping(obj.get("spec")).get("image")),
            created_at=word(metadata.get("creationTimestamp")),
        )

    @property
    def sort_key(self) -> tuple[str, str]:
        """Rows are sorted by namespace and name."""
        return self.namespace, self.name

    def cells(self, now: datetime, *, namespaced: bool, wide: bool) -> tuple[str, ...]:
        """The cells below COLUMNS or WIDE_COLUMNS; namespaced: below NAMESPACE first."""
        replicas = f"{self.ready_replicas}/{self.replicas}"
        cells = (self.name, self.phase, self.reason, self.gpus_in_use, replicas, self.url, age(self.created_at, now))
        policies = (",".join(name for name, _ in self.policies), self.compliant)
        more = (str(self.is_ready), self.gpu_per_pod, self.project, *policies, self.internal_url, self.image)
        return (*((self.namespace,) if namespaced else ()), *cells, *(more if wide else ()))

    def as_json(self) -> dict[str, Any]:
        """The row as JSON; unknown values are null."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "phase": self.phase or None,
            "ready": self.is_ready,
            "reason": self.reason or None,
            "message": self.message or None,
            "gpusInUse": self.gpus_in_use or None,
            "gpuPerPod": self.gpu_per_pod or None,
            "replicas": self.replicas,
            "readyReplicas": self.ready_replicas,
            "url": self.url or None,
            "internalUrl": self.internal_url or None,
            "project": self.project or None,
            "policies": [{"name": name, "scope": scope} for name, scope in self.policies],
            "policyCompliant": {"True": True, "False": False}.get(self.compliant),
            "image": self.image or None,
            "createdAt": self.created_at or None,
        }

    @property
    def full_name(self) -> str:
        """The name as `kubectl get --output=name` prints it."""
        return f"{well_known.KIND.lower()}.{well_known.GROUP}/{self.name}"


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows are shown: those in one of the phases (none: all), of a project, and not ready."""

    phases: Sequence[str] = field(default=())
    project: str = ""
    not_ready: bool = False

    def keeps(self, row: ServiceRow) -> bool:
        """Whether the row is shown."""
        return (
            (not self.phases or row.phase in self.phases)
            and (not self.project or row.project == self.project)
            and not (self.not_ready and row.is_ready)
        )


def is_ready(obj: ObjectView) -> bool:
    """Whether Ready is True, and the status is about the current spec."""
    metadata = mapping(obj.get("metadata"))
    status = mapping(obj.get("status"))
    is_current = number(status.get("observedGeneration"), -1) >= number(metadata.get("generation"))
    return is_current and condition_of(status, "Ready").get("status") == "True"
