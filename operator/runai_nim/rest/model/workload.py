"""Converts a RunaiNimService to the workload in REST answers. The spec is the effective one, as upstream."""

from typing import Any, Final

from runai_nim.api import desired_phase, well_known
from runai_nim.api.resources import ObjectView
from runai_nim.config.settings import Settings
from runai_nim.rest.model.authorship import authorship
from runai_nim.rest.model.identifier import Identifier
from runai_nim.rest.model.project import ProjectNamespace

TENANT_ID: Final = 1
DEPARTMENT_ID: Final = "1"
DEPARTMENT_NAME: Final = "default"
"""A cluster on its own has one tenant, and a namespace without a department's label the department that the API
requires."""
_MIRRORED_FIELDS: Final = {"priority": "priorityClass", "category": "category", "preemptibility": "preemptibility"}


def workload_of(
    cr: ObjectView, spec: ObjectView, namespace: ProjectNamespace, *, id_: str, settings: Settings, cluster_id: str
) -> dict[str, Any]:
    """`metadata`, `desiredPhase` and `spec` of an answer. `spec`: the effective one; `id_`: the workload's id."""
    metadata = cr["metadata"]
    project_labels = settings.project_labels
    department = namespace.labels.get(settings.department_label or "")
    deleted = metadata.get("deletionTimestamp")
    return {
        "metadata": {
            "name": metadata["name"],
            "projectId": namespace.project_id(project_labels),
            **{name: spec[field] for name, field in _MIRRORED_FIELDS.items() if field in spec},
            "id": id_,
            "gvk": {"group": well_known.GROUP, "version": well_known.VERSION, "kind": well_known.KIND},
            "projectName": namespace.project_name(project_labels),
            "clusterId": cluster_id,
            "tenantId": TENANT_ID,
            "departmentId": department or DEPARTMENT_ID,
            "departmentName": department or DEPARTMENT_NAME,
            **authorship(metadata),
            **({"deletedAt": deleted} if deleted else {}),
        },
        "desiredPhase": _desired_phase(deleted, spec),
        "spec": spec,
    }


def identifier_of(cr: ObjectView) -> Identifier:
    """What identifies a stored RunaiNimService."""
    metadata = cr["metadata"]
    return Identifier(metadata["namespace"], metadata["name"], metadata["uid"])


def _desired_phase(deleted: str | None, spec: ObjectView) -> str:
    if deleted:
        return "Deleted"
    return desired_phase.STOPPED if desired_phase.is_stopped(spec) else desired_phase.RUNNING
