"""A RunaiNimService as Run:ai's calls for workloads of all kinds answer it: no spec, but phase, resources and project.

Specs and statuses are untrusted: what can't be read is left out, and no object breaks a listing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Self, get_args

import orjson

from runai_nim.api import desired_phase, well_known
from runai_nim.api.resources import KubeObject, ObjectKey, ObjectView, object_key
from runai_nim.api.untrusted_values import mapping, mappings, text, word, words
from runai_nim.api.v1alpha1.status import Phase
from runai_nim.config.settings import Settings
from runai_nim.rest.model import requested_pods
from runai_nim.rest.model.authorship import authorship
from runai_nim.rest.model.project import ProjectNamespace
from runai_nim.rest.model.timestamps import moment, utc_text
from runai_nim.rest.model.workload import DEPARTMENT_ID, DEPARTMENT_NAME, TENANT_ID

TYPE: Final = well_known.NIMSERVICE_KIND
"""`type` of every workload. Run:ai names workloads that aren't its own by their kind."""
PRIORITY_VALUES: Final = dict(zip(well_known.PRIORITIES, (25, 40, 65, 80, 90, 125, 150), strict=True))
"""Run:ai documentation, Workload priority control: the Kubernetes value of each priority."""
_PHASES: Final = frozenset(get_args(Phase))
_MAX_CONDITIONS: Final = 16
_MAX_MESSAGE: Final = 1024
"""Conditions of an answer and characters of a message: a page has up to 500 workloads."""


@dataclass(frozen=True, slots=True)
class ListedProject:
    """What a namespace says of its workloads."""

    project_id: str
    project_name: str
    department_id: str
    department_name: str
    cluster_id: str

    @classmethod
    def of_namespace(cls, namespace: ProjectNamespace, settings: Settings, cluster_id: str) -> Self:
        """The project of a namespace."""
        department = namespace.labels.get(settings.department_label or "")
        return cls(
            project_id=namespace.project_id(settings.project_labels),
            project_name=namespace.project_name(settings.project_labels),
            department_id=department or DEPARTMENT_ID,
            department_name=department or DEPARTMENT_NAME,
            cluster_id=cluster_id,
        )


class ListedWorkload:
    """A workload; its parts are read when they are asked for, since a page shows few of the objects read.

    `effective_spec` gives the spec with the defaults of policies, `id_of` the workload's id.
    """

    def __init__(
        self,
        cr: ObjectView,
        project: ListedProject,
        effective_spec: Callable[[ObjectView], Any],
        id_of: Callable[[ObjectView], str],
    ) -> None:
        self.key: ObjectKey = object_key(cr)
        self.project = project
        self._cr = cr
        self._metadata: ObjectView = cr["metadata"]
        self._effective_spec = effective_spec
        self._id_of = id_of

    @cached_property
    def spec(self) -> ObjectView:
        """The effective spec; empty if it is no mapping."""
        return mapping(self._effective_spec(self._cr))

    @cached_property
    def status(self) -> ObjectView:
        """The status; empty without one."""
        return mapping(self._cr.get("status"))

    @property
    def created_at(self) -> datetime:
        """When the RunaiNimService was created."""
        return datetime.fromisoformat(self._metadata["creationTimestamp"])

    @property
    def deleted_at(self) -> datetime | None:
        """When its deletion began; None if it isn't being deleted."""
        return moment(self._metadata.get("deletionTimestamp"))

    @property
    def phase(self) -> str:
        """Run:ai's phase: Creating until the operator has written one, Unknown for a word that is none."""
        if self._metadata.get("deletionTimestamp"):
            return "Deleting"
        phase = self.status.get("phase")
        if phase is None:
            return "Creating"
        return phase if isinstance(phase, str) and phase in _PHASES else "Unknown"

    @cached_property
    def phase_updated_at(self) -> datetime:
        """When a condition of the status changed last; the phase has no time of its own."""
        times = (moment(condition.get("lastTransitionTime")) for condition in mappings(self.status.get("conditions")))
        known = [time for time in (*times, self.deleted_at) if time is not None]
        return max(known, default=self.created_at)

    @cached_property
    def authorship(self) -> dict[str, str]:
        """`createdBy`, `updatedAt` and others."""
        return authorship(self._metadata)

    @property
    def category(self) -> str:
        """The category; empty without one."""
        return word(self.spec.get("category"))

    @property
    def priority_class(self) -> str:
        """The priority's name; empty if the scheduler chooses."""
        return word(self.spec.get("priorityClass"))

    @property
    def priority(self) -> int | None:
        """The priority's value; None if the scheduler chooses."""
        return PRIORITY_VALUES.get(self.priority_class)

    @property
    def node_pools(self) -> tuple[str, ...]:
        """The node pools that the spec allows."""
        return words(self.spec.get("nodePools"))

    @cached_property
    def allocated(self) -> KubeObject:
        """Resources of the pods that have a node."""
        return requested_pods.allocated_resources(self.status)

    def rendered(self) -> bytes:
        """The answer as JSON."""
        return orjson.dumps(self.answer())

    def answer(self) -> KubeObject:
        """The answer. Run:ai's client requires the fields of `_identity`, `_phases` and priority."""
        spec = self.spec
        pods = requested_pods.wanted_pods(spec, self.status)
        url = text(self.status.get("url"))
        image = text(spec.get("image"))
        return {
            **self._identity(),
            **self._phases(),
            "priority": self.priority,
            "priorityClassName": self.priority_class,
            "category": self.category,
            **self._preemptible(),
            "runningPods": requested_pods.ready_pods(spec, self.status),
            "requestedPods": requested_pods.requested_pods(spec),
            "podsRequestedResources": requested_pods.requested_resources(spec),
            "workloadRequestedResources": requested_pods.requested_resources(spec, pods),
            "allocatedResources": self.allocated,
            "requestedNodePools": list(self.node_pools),
            "images": [image] if image else [],
            "urls": [url] if url else [],
            "actionsSupport": {"delete": True, "suspend": True},
        }

    def _identity(self) -> KubeObject:
        metadata = self._metadata
        is_own = well_known.CREATED_BY in (metadata.get("annotations") or {})
        return {
            "tenantId": TENANT_ID,
            "clusterId": self.project.cluster_id,
            "departmentId": self.project.department_id,
            "departmentName": self.project.department_name,
            "projectId": self.project.project_id,
            "projectName": self.project.project_name,
            "namespace": metadata["namespace"],
            "type": TYPE,
            "name": metadata["name"],
            "id": self._id_of(self._cr),
            "source": "Control-plane" if is_own else "Other",
            "submittedBy": self.authorship["createdBy"],
            "createdAt": metadata["creationTimestamp"],
            "updatedAt": self.authorship["updatedAt"],
            "deletedAt": metadata.get("deletionTimestamp"),
        }

    def _phases(self) -> KubeObject:
        changed = utc_text(self.phase_updated_at)
        conditions = mappings(self.status.get("conditions"))
        ready = next((one for one in conditions if one.get("type") == "Ready"), {})
        shown = [found for condition in conditions if (found := _condition(condition))]
        is_stopped = desired_phase.is_stopped(self.spec)
        wanted = desired_phase.STOPPED if is_stopped else desired_phase.RUNNING
        return {
            "desiredPhase": "Deleted" if self._metadata.get("deletionTimestamp") else wanted,
            "phase": self.phase,
            "phaseMessage": text(ready.get("message"))[:_MAX_MESSAGE],
            "phaseUpdatedAt": changed,
            "k8sPhase": self.phase,
            "k8sPhaseUpdatedAt": changed,
            "conditions": shown[:_MAX_CONDITIONS],
        }

    def _preemptible(self) -> KubeObject:
        """Left out for the scheduler's choice, and for what is preemptible in part."""
        known = {"preemptible": True, "non-preemptible": False}.get(word(self.spec.get("preemptibility")))
        return {} if known is None else {"preemptible": known}


def _condition(condition: ObjectView) -> KubeObject:
    """A condition as Run:ai has it; empty for what is none."""
    type_ = word(condition.get("type"))
    status = word(condition.get("status"))
    if not type_ or not status:
        return {}
    changed = moment(condition.get("lastTransitionTime"))
    return {
        "type": type_,
        "status": status,
        "reason": word(condition.get("reason")),
        "message": text(condition.get("message"))[:_MAX_MESSAGE],
        **({"lastTransitionTime": utc_text(changed)} if changed else {}),
    }
