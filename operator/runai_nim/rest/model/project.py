"""Maps Run:ai's projects to namespaces."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from runai_nim.api import syntax, well_known
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding

_PATH: Final = "metadata.projectId"


@dataclass(frozen=True, slots=True)
class ProjectNamespace:
    """Projection of a namespace."""

    name: str
    uid: str
    labels: Mapping[str, str]
    resource_version: str

    @classmethod
    def from_object(cls, namespace: Mapping[str, Any]) -> "ProjectNamespace":
        """From an object in the API's representation."""
        metadata = namespace["metadata"]
        return cls(metadata["name"], metadata["uid"], metadata.get("labels") or {}, metadata["resourceVersion"])

    def project_id(self, project_labels: Iterable[str]) -> str:
        """The projectId in answers: the label runai-nim.io/project-id, else `project_name`."""
        return self.labels.get(well_known.PROJECT_ID) or self._project(project_labels)

    def project_name(self, project_labels: Iterable[str]) -> str:
        """The value of the first existing label of `project_labels`; else the namespace's name."""
        found = self._project(project_labels)
        return found if syntax.is_dns_label(found) else self.name

    def _project(self, project_labels: Iterable[str]) -> str:
        return next((value for key in project_labels if (value := self.labels.get(key))), self.name)


def check_is_served(
    namespace: ProjectNamespace, served_namespaces: Collection[str], project_labels: Iterable[str]
) -> Iterator[Finding]:
    """The namespace must be one that the operator serves, otherwise the workload would never change."""
    if served_namespaces and namespace.name not in served_namespaces:
        rule = "be a project that the operator serves"
        remedy = "choose another one, or ask an administrator to add its namespace to the setting namespaces"
        yield Finding(
            reason=Reason.INVALID_VALUE,
            path=_PATH,
            value=namespace.project_id(project_labels),
            must=rule,
            remedy=remedy,
        )


def is_possible_project_id(project_id: Any) -> bool:
    """Whether a project can have this id, so that listing the namespaces is worthwhile."""
    text = str(project_id)
    given = isinstance(project_id, str | int) and not isinstance(project_id, bool) and text != ""
    return given and (syntax.is_label_value(text) or syntax.is_object_name(text))


def find_namespace(
    project_id: Any, namespaces: Sequence[ProjectNamespace], project_labels: Iterable[str]
) -> ProjectNamespace | Finding:
    """The namespace of a project: by a project label, else by label runai-nim.io/project-id, else by name.

    Run:ai's examples use numbers, its client sends strings. Returns a finding if no or several namespaces match.
    """
    if project_id is None:
        return Finding(reason=Reason.REQUIRED_FIELD, path=_PATH, must="be set", remedy="set the project's id or name")
    if isinstance(project_id, bool) or not isinstance(project_id, str | int) or project_id == "":
        return Finding(
            reason=Reason.INVALID_VALUE,
            path=_PATH,
            must="be a string or a number",
            remedy="set the project's id or name",
        )
    project_label = str(project_id)
    for key in (*project_labels, well_known.PROJECT_ID):
        matches = [namespace for namespace in namespaces if namespace.labels.get(key) == project_label]
        if len(matches) > 1:
            rule = f"identify one namespace, but {len(matches)} have this value in label {key}"
            return Finding(
                reason=Reason.INVALID_VALUE,
                path=_PATH,
                value=project_label,
                must=rule,
                remedy="ask an administrator to correct the labels",
            )
        if matches:
            return matches[0]
    by_name = next((namespace for namespace in namespaces if namespace.name == project_label), None)
    return by_name or Finding(
        reason=Reason.INVALID_VALUE,
        path=_PATH,
        value=project_label,
        must="be a project of this cluster",
        remedy="use the project of a namespace, or the namespace's name",
    )
