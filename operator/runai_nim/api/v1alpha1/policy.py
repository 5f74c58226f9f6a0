"""RunaiNimPolicy (a project's, namespaced) and ClusterRunaiNimPolicy: defaults and rules for RunaiNimServices."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StrictStr

from runai_nim.api.v1alpha1.policy_rules import PolicyDefaults, PolicyRules
from runai_nim.api.v1alpha1.schema import ApiModel, SpecModel, listed_whole

PROJECT_POLICY: Final = "RunaiNimPolicy"
"""Kind of a project's policy."""
CLUSTER_POLICY: Final = "ClusterRunaiNimPolicy"
"""Kind of a policy for all namespaces, or for those that its selector selects."""


class SelectorRequirement(SpecModel):
    """A requirement of a label selector."""

    key: Annotated[StrictStr, Field(max_length=317)]
    """Key of the label."""

    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """Relation of the label to values."""

    values: Annotated[tuple[StrictStr, ...], listed_whole()] | None = None
    """Values for In and NotIn, at least one; none for Exists and DoesNotExist."""


class NamespaceSelector(SpecModel):
    """Selects namespaces by their labels, as Kubernetes' label selectors do."""

    match_labels: Mapping[StrictStr, StrictStr] | None = None
    """Labels that a namespace must have."""

    match_expressions: Annotated[tuple[SelectorRequirement, ...], listed_whole()] | None = None
    """Requirements that a namespace must meet, all of them."""


class RunaiNimPolicySpec(SpecModel):
    """Defaults and rules for the RunaiNimServices of the namespace."""

    defaults: PolicyDefaults | None = None
    """Values for fields that a resource leaves out: a spec in which every field is optional."""

    rules: PolicyRules | None = None
    """Bounds of values: as the spec, with a rule in the place of each value."""

    enforcement: Literal["OnChange", "Immediate"] | None = None
    """When a change of this policy concerns models that run: OnChange (default) with their next change, Immediate at
    once, which may restart them."""


class ClusterRunaiNimPolicySpec(RunaiNimPolicySpec):
    """Defaults and rules for the RunaiNimServices of all namespaces, or of those that are selected."""

    scope: Literal["cluster", "department"] | None = None
    """cluster (default) or department, which is narrower: its defaults take precedence. A department needs
    namespaceSelector."""

    namespace_selector: NamespaceSelector | None = None
    """The namespaces that the policy is for; default: all."""


class RunaiNimPolicy(ApiModel):
    """A project's policy for its RunaiNimServices."""

    api_version: Literal["runai-nim.io/v1alpha1"]
    """Group and version of this type: runai-nim.io/v1alpha1."""

    kind: Literal["RunaiNimPolicy"]
    """RunaiNimPolicy."""

    metadata: Mapping[str, Any]
    """Standard metadata. The policy is for the resources of its namespace."""

    spec: RunaiNimPolicySpec
    """Defaults and rules."""


class ClusterRunaiNimPolicy(ApiModel):
    """An administrator's policy for RunaiNimServices."""

    api_version: Literal["runai-nim.io/v1alpha1"]
    """Group and version of this type: runai-nim.io/v1alpha1."""

    kind: Literal["ClusterRunaiNimPolicy"]
    """ClusterRunaiNimPolicy."""

    metadata: Mapping[str, Any]
    """Standard metadata."""

    spec: ClusterRunaiNimPolicySpec
    """Defaults and rules, and the namespaces that they are for."""


POLICY_SPECS: Final[Mapping[str, type[RunaiNimPolicySpec]]] = {
    PROJECT_POLICY: RunaiNimPolicySpec,
    CLUSTER_POLICY: ClusterRunaiNimPolicySpec,
}
"""Type of spec by kind."""
