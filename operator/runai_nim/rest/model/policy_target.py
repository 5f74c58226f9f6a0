"""The scope of a policy call, and the object that stands for it.

Run:ai's API has one policy for each scope. In a scope may be several objects, so one name is the REST API's: `default`
in a project's namespace and for the cluster, `department-<id>` for a department.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from runai_nim.api import syntax
from runai_nim.api.resources import CLUSTER_RUNAI_NIM_POLICIES, RUNAI_NIM_POLICIES, ObjectKey, ObjectView, Resource
from runai_nim.config.permissions import Access
from runai_nim.config.settings import Settings
from runai_nim.domain.admission.rest_body import without_nulls
from runai_nim.domain.policy import Policy, Scope
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding, Rule
from runai_nim.rest.model.project import ProjectNamespace

SCOPES: Final[Mapping[str, Scope]] = {
    "system": Scope.CLUSTER,
    "tenant": Scope.CLUSTER,
    "cluster": Scope.CLUSTER,
    "department": Scope.DEPARTMENT,
    "project": Scope.PROJECT,
}
"""Scopes of Run:ai's API. A cluster on its own is its system and its tenant."""
_DEFAULT: Final = "default"
_DIGEST_CHARACTERS: Final = 16


@dataclass(frozen=True, slots=True)
class PolicyTarget:
    """A scope. `labels`: those of the namespaces in it, as far as they are known."""

    scope: Scope
    name: str = _DEFAULT
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    project_id: str = ""
    department_id: str = ""

    @property
    def resource(self) -> Resource:
        """The kind of its object."""
        return RUNAI_NIM_POLICIES if self.scope == Scope.PROJECT else CLUSTER_RUNAI_NIM_POLICIES

    @property
    def key(self) -> ObjectKey:
        """Namespace and name of its object."""
        return self.namespace, self.name

    @property
    def path(self) -> str:
        """URL path of its object."""
        return self.resource.path(self.namespace, self.name)

    def write_access(self, stored: ObjectView | None) -> Access:
        """What a caller needs who creates its object, or changes the stored one."""
        verb, name = ("create", "") if stored is None else ("patch", self.name)
        return Access(verb, self.resource.group, self.resource.plural, self.namespace, name)

    @property
    def title(self) -> str:
        """`project team-a`, for messages."""
        return f"{self.scope} {self.project_id or self.department_id}".rstrip()

    @property
    def own_fields(self) -> dict[str, Any]:
        """The fields of the object's spec that say for which namespaces it is."""
        if self.scope == Scope.DEPARTMENT:
            return {"scope": self.scope.value, "namespaceSelector": {"matchLabels": dict(self.labels)}}
        return {"scope": self.scope.value} if self.scope == Scope.CLUSTER else {}

    def is_object(self, stored: ObjectView) -> bool:
        """Whether the object of that name is for this scope: somebody may have used the name for another one."""
        spec = stored["spec"]
        if self.scope == Scope.PROJECT:
            return True
        is_same_scope = (spec.get("scope") or Scope.CLUSTER) == self.scope
        selector = {name: part for name, part in (without_nulls(spec.get("namespaceSelector")) or {}).items() if part}
        return is_same_scope and selector == self.own_fields.get("namespaceSelector", {})

    def source_of(self, policy: Policy, department_label: str | None, cluster_id: str) -> dict[str, Any]:
        """`sourceOfRule` for a rule of a policy that concerns this scope."""
        if policy.scope == Scope.CLUSTER:
            return {"scope": policy.scope.value, "clusterId": cluster_id}
        if policy.scope == Scope.PROJECT:
            return {"scope": policy.scope.value, **numeric_project_id(self.project_id)}
        department = ((policy.selector or {}).get("matchLabels") or {}).get(department_label or "")
        return {"scope": policy.scope.value, **({"departmentId": department} if department else {})}


def numeric_project_id(project_id: str) -> dict[str, int]:
    """`projectId` of an answer: Run:ai's models take a number only, so another id is left out."""
    return {"projectId": int(project_id)} if project_id.isdecimal() and project_id.isascii() else {}


def scope_of(given: ObjectView) -> Scope | None:
    """The scope in a query or in `meta`; None if there is none."""
    scope = given.get("scope")
    return SCOPES.get(scope) if isinstance(scope, str) else None


def check_place(given: ObjectView, parent: str, settings: Settings, cluster_id: str) -> Iterator[Finding]:
    """One finding for each mistake in the scope of a query or of `meta`, but for the project. `parent`: its path."""
    scope = scope_of(given)
    if scope is None:
        known = " or ".join(SCOPES)
        yield _wrong(f"{parent}scope", given.get("scope"), f"be {known}", "choose one of these", rule=Rule.OPTIONS)
    if scope == Scope.PROJECT and given.get("projectId") is None:
        yield _missing(f"{parent}projectId", "be set with scope project", "set the project's id or name")
    if scope == Scope.DEPARTMENT:
        yield from _check_department(f"{parent}departmentId", given.get("departmentId"), settings.department_label)
    cluster = given.get("clusterId")
    if cluster is not None and cluster != cluster_id:
        yield _wrong(f"{parent}clusterId", cluster, f"be {cluster_id}, the id of this cluster", "correct or remove it")


def _check_department(path: str, department: Any, label: str | None) -> Iterator[Finding]:
    if label is None:
        must = "be left out, the operator's setting department_label names no label of namespaces"
        remedy = "ask an administrator to set it, or use scope project or cluster"
        yield Finding(reason=Reason.NOT_CONFIGURED, path=path, must=must, remedy=remedy)
    elif department is None:
        yield _missing(path, "be set with scope department", f"set the value of the namespaces' label {label}")
    elif not isinstance(department, str) or not department or not syntax.is_label_value(department):
        must = f"be a value of the label {label}: up to 63 letters, digits, -, _ and ."
        yield _wrong(path, department, must, "correct it")


def target_of(given: ObjectView, project: ProjectNamespace | None, settings: Settings) -> PolicyTarget:
    """The scope in a query or in `meta` without mistakes. `project`: of scope project."""
    scope = SCOPES[given["scope"]]
    if project is not None:
        project_id = project.project_id(settings.project_labels)
        return PolicyTarget(scope, namespace=project.name, labels=project.labels, project_id=project_id)
    if scope == Scope.DEPARTMENT:
        department = given["departmentId"]
        labels = {str(settings.department_label): department}
        return PolicyTarget(scope, _department_name(department), labels=labels, department_id=department)
    return PolicyTarget(scope)


def _department_name(department: str) -> str:
    """Name of a department's object. An id that no name can hold is replaced by its digest."""
    if not syntax.is_object_name(department):
        department = hashlib.sha256(department.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"department-{department}"


def _missing(path: str, must: str, remedy: str) -> Finding:
    return Finding(reason=Reason.REQUIRED_FIELD, path=path, must=must, remedy=remedy)


def _wrong(path: str, value: Any, must: str, remedy: str, *, rule: Rule | None = None) -> Finding:
    shown = value if isinstance(value, str) else None
    return Finding(reason=Reason.INVALID_VALUE, path=path, value=shown, must=must, remedy=remedy, rule=rule)
