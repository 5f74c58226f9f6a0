"""Types of the REST API's bodies, for its OpenAPI document only."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, StrictBool, StrictInt, StrictStr

from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.api.v1alpha1.policy_rules import PolicyDefaults, PolicyRules
from runai_nim.api.v1alpha1.schema import ApiModel
from runai_nim.rest.model.spec_update import REMOVABLE


class RequestMetadata(ApiModel):
    """Name and project of a workload."""

    name: Annotated[StrictStr, Field(min_length=1, max_length=59)]
    """Name of the workload: lower case letters, digits and -, starting with a letter."""

    use_given_name_as_prefix: StrictBool = False
    """true: the API appends `-` and five random characters to the name."""

    project_id: StrictStr | StrictInt
    """The project: the value of a namespace's project label or of its label runai-nim.io/project-id, or its name."""


class CreateRequest(ApiModel):
    """A workload to create."""

    metadata: RequestMetadata
    spec: RunaiNimServiceSpec


class UpdateRequest(ApiModel):
    """Sections of spec to replace, and sections to remove; one of both is required."""

    spec: RunaiNimServiceSpec | None = None
    """Absent and null sections stay unchanged."""

    fields_to_remove: tuple[Literal[REMOVABLE], ...] | None = None  # type: ignore[valid-type] # of the types
    """Sections of spec to remove, none of which spec has; then a policy's default counts."""


class TokenRequest(ApiModel):
    """Credentials of Run:ai's client."""

    grant_type: Literal["app_token"]
    app_id: Annotated[StrictStr, Field(alias="AppId")]
    """`<namespace>/<serviceaccount>`."""

    app_secret: Annotated[StrictStr, Field(alias="AppSecret")]
    """A token of that ServiceAccount."""


class AccessToken(ApiModel):
    """The token to send with every call."""

    access_token: str


class Gvk(ApiModel):
    """The Kubernetes kind behind the workload."""

    group: str
    version: str
    kind: str


class WorkloadMetadata(ApiModel):
    """Metadata of a workload."""

    name: str
    project_id: str
    priority: str | None = None
    category: str | None = None
    preemptibility: str | None = None
    id: str
    """uid of the RunaiNimService; a later one with the same name has another id."""

    gvk: Gvk
    project_name: str
    cluster_id: str
    tenant_id: int
    department_id: str
    department_name: str
    created_at: AwareDatetime
    created_by: str
    """Informational: anyone with write access to the RunaiNimService can change it."""

    updated_at: AwareDatetime
    updated_by: str
    """Informational, like createdBy."""

    deleted_at: AwareDatetime | None = None


class ComplianceIssue(ApiModel):
    """One mistake in a body, or one warning."""

    field: str
    details: str
    rule: Literal["min", "max", "step", "options", "required", "canEdit", "canAdd", "locked"] | None = None


class Workload(ApiModel):
    """A workload as stored, with the defaults of policies."""

    metadata: WorkloadMetadata
    desired_phase: Literal["Running", "Stopped", "Deleted"]
    spec: RunaiNimServiceSpec
    """The effective spec: the stored one with the defaults of policies."""

    details: str | None = None
    """Only in the answer to a PATCH: warnings that Argo CD, Flux or Helm will revert it, and that the operator doesn't
    act on a stop because it rejects the stored spec."""

    compliance_issues: tuple[ComplianceIssue, ...] | None = None
    """Of a POST and a PATCH: warnings about the spec, up to 100. The workload is written all the same."""


class PolicyPlace(ApiModel):
    """The scope of a policy."""

    scope: Literal["system", "tenant", "cluster", "department", "project"]
    """system and tenant are cluster."""

    project_id: StrictStr | StrictInt | None = None
    """With scope project: the project, as of a workload."""

    department_id: StrictStr | None = None
    """With scope department: the value of the namespaces' label that the setting department_label names."""

    cluster_id: StrictStr | None = None
    """If given, the id of this cluster."""


class PolicyMetaRequest(PolicyPlace):
    """Scope and name of a policy."""

    name: Annotated[StrictStr, Field(min_length=1, max_length=253)]
    """Any name, for people."""


class PolicyMetaChange(PolicyPlace):
    """Scope of a policy, and a new name."""

    name: Annotated[StrictStr, Field(min_length=1, max_length=253)] | None = None
    """Any name, for people; without one the name stays."""


class PolicyContent(ApiModel):
    """Defaults and rules."""

    defaults: PolicyDefaults | None = None
    """A spec in which every field is optional."""

    rules: PolicyRules | None = None
    """As the spec, with a rule in the place of each value."""


class PolicyRequest(ApiModel):
    """The policy of a scope."""

    meta: PolicyMetaRequest
    policy: PolicyContent


class PolicyChangeRequest(ApiModel):
    """A change of the policy of a scope."""

    meta: PolicyMetaChange
    policy: PolicyContent | None = None
    """Defaults and rules that replace the stored ones, field by field; others stay."""

    reset: tuple[StrictStr, ...] | None = None
    """Parts to remove first: rules/compute, or compute for defaults and rules."""


class PolicyMeta(ApiModel):
    """Scope, name and authors of a policy."""

    id: str
    tenant_id: int
    cluster_id: str
    created_at: AwareDatetime
    created_by: str
    updated_at: AwareDatetime
    updated_by: str
    scope: Literal["cluster", "department", "project"]
    project_id: int | None = None
    """The project's id, if that is a number: Run:ai's client takes no other."""

    project_name: str | None = None
    """The project's id, whatever it is."""

    department_id: str | None = None
    name: str


class PolicyValidation(ApiModel):
    """Why a policy is not in force as it is written."""

    error_message: str


class PolicyStatus(ApiModel):
    """The operator's finding about a policy."""

    validation: PolicyValidation


class PolicyContentAnswer(ApiModel):
    """Defaults and rules. Each rule of an effective policy has its `sourceOfRule`."""

    defaults: Mapping[str, Any] | None = None
    rules: Mapping[str, Any] | None = None
    status: PolicyStatus | None = None
    """Only if the policy is invalid: its last valid version is in force."""


class PolicyAnswer(ApiModel):
    """The policy of a scope, and the effective one."""

    meta: PolicyMeta | None = None
    """Absent without a policy of the scope itself."""

    policy: PolicyContentAnswer | None
    """null without a policy of the scope itself."""

    effective: PolicyContentAnswer | None
    """The policies of all scopes that concern this one, together; null without any."""

    effective_updated_at: AwareDatetime | None = None
    """When one of them was changed last."""

    details: str | None = None
    """Of a PUT and a PATCH: other policies that are no longer in force, or who will revert the change."""


class Message(ApiModel):
    """An error, or the acknowledgement of a deletion."""

    code: Annotated[int, Field(ge=100, le=599)]
    message: str
    details: str | None = None
    compliance_issues: tuple[ComplianceIssue, ...] | None = None
    """Only with code 400: the mistakes found, up to 100."""
