"""RunaiNimPolicy (a project's, namespaced) and ClusterRunaiNimPolicy: defaults and rules for RunaiNimServices."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StrictInt, StrictStr, WithJsonSchema

from runai_nim.api.v1alpha1.field_kinds import FIELD_KINDS, FieldKind
from runai_nim.api.v1alpha1.policy_rules import PolicyDefaults, PolicyRules
from runai_nim.api.v1alpha1.schema import ApiModel, CelRule, NonNegativeInt, SpecModel, cel, listed_by, listed_whole
from runai_nim.api.v1alpha1.status import Condition

PROJECT_POLICY: Final = "RunaiNimPolicy"
"""Kind of a project's policy."""
CLUSTER_POLICY: Final = "ClusterRunaiNimPolicy"
"""Kind of a policy for all namespaces, or for those that its selector selects."""


_COMPARED: Final = frozenset({FieldKind.INTEGER, FieldKind.NUMBER, FieldKind.BYTES, FieldKind.QUANTITY})
"""Kinds of fields whose default CEL can compare with min and max."""


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


def _defaults_within_rules() -> Iterator[CelRule]:
    """The rules that a default keeps to the min and max of its own rule, for each number and quantity."""
    for path, kind in FIELD_KINDS.items():
        if kind not in _COMPARED or ".attributes." in path:
            continue
        default = f"self.defaults.{path}"
        for bound, sign, word in (("min", ">=", "below"), ("max", "<=", "above")):
            limit = f"self.rules.{path}.{bound}"
            test = f"{default} {sign} {limit}"
            if kind in (FieldKind.BYTES, FieldKind.QUANTITY):
                known = f"!isQuantity({default}) || !isQuantity({limit})"
                test = f"{known} || quantity({default}).compareTo(quantity({limit})) {sign} 0"
            message = f"the default must not be {word} {bound} of its own rule: correct the default or the rule"
            yield CelRule(f"{_unset(default)} || {_unset(limit)} || {test}", message, f".defaults.{path}")


def _unset(path: str) -> str:
    """CEL for: a field isn't set, such as `self.rules.replicas`. Optionals would hide how long a string may be."""
    steps = path.split(".")
    parents = (".".join(steps[: depth + 1]) for depth in range(1, len(steps)))
    return " || ".join(f"!has({parent})" for parent in parents)


class RunaiNimPolicySpec(SpecModel):
    """Defaults and rules for the RunaiNimServices of the namespace."""

    model_config = cel(*_defaults_within_rules())

    defaults: PolicyDefaults | None = None
    """Values for fields that a resource leaves out: a spec in which every field is optional."""

    rules: PolicyRules | None = None
    """Bounds of values: as the spec, with a rule in the place of each value."""

    enforcement: Literal["OnChange", "Immediate"] | None = None
    """When a change of this policy concerns models that run: OnChange (default) with their next change, Immediate at
    once, which may restart them."""


class ClusterRunaiNimPolicySpec(RunaiNimPolicySpec):
    """Defaults and rules for the RunaiNimServices of all namespaces, or of those that are selected."""

    model_config = cel(
        *_defaults_within_rules(),
        CelRule(
            "self.?scope.orValue('cluster') != 'department' || has(self.namespaceSelector)",
            "namespaceSelector must be set with scope department: select the department's namespaces by a label",
            ".scope",
        ),
    )

    scope: Literal["cluster", "department"] | None = None
    """cluster (default) or department, which is narrower: its defaults take precedence. A department needs
    namespaceSelector."""

    namespace_selector: NamespaceSelector | None = None
    """The namespaces that the policy is for; default: all."""


class PolicyInForce(ApiModel):
    """The last valid version of a policy."""

    generation: StrictInt
    """Generation of that version."""

    spec: Annotated[Mapping[str, Any], WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True})]
    """Its spec."""


class RunaiNimPolicyStatus(ApiModel):
    """What became of the policy, written by the operator."""

    observed_generation: StrictInt | None = None
    """Generation of the spec that this status refers to; -1 before the operator has seen the policy."""

    conditions: Annotated[tuple[Condition, ...], listed_by("type", max_items=32)] | None = None
    """Valid: whether the spec is in force; if not, the last valid one stays in force."""

    in_force: PolicyInForce | None = None
    """The last valid version of the policy, which stays in force while the spec is invalid or contradicts another
    policy."""

    matched: NonNegativeInt | None = None
    """Number of RunaiNimServices that the version in force is for."""

    violating: NonNegativeInt | None = None
    """Number of those that break one of its rules. They run on as they were rendered."""

    unevaluated: NonNegativeInt | None = None
    """Number of those that violating leaves out, because the operator could not evaluate them within a minute. Its log
    says why."""


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

    status: RunaiNimPolicyStatus | None = None
    """Observed state; written by the operator only."""


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

    status: RunaiNimPolicyStatus | None = None
    """Observed state; written by the operator only."""


POLICY_SPECS: Final[Mapping[str, type[RunaiNimPolicySpec]]] = {
    PROJECT_POLICY: RunaiNimPolicySpec,
    CLUSTER_POLICY: ClusterRunaiNimPolicySpec,
}
"""Type of spec by kind."""
