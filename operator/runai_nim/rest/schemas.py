"""Types of the REST API's bodies, for its OpenAPI document only."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StrictBool, StrictInt, StrictStr

from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.api.v1alpha1.schema import ApiModel


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
    """Sections of spec to replace; absent or null sections stay unchanged."""

    spec: RunaiNimServiceSpec


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
    """Opaque id of this workload; a later one with the same name has another id."""

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
    """A workload as stored."""

    metadata: WorkloadMetadata
    desired_phase: Literal["Running", "Stopped", "Deleted"]
    spec: RunaiNimServiceSpec
    details: str | None = None
    """Only in the answer to a PATCH: a warning that Argo CD, Flux or Helm will revert it."""

    compliance_issues: tuple[ComplianceIssue, ...] | None = None
    """Of a POST and a PATCH: warnings about the spec, up to 100. The workload is written all the same."""


class Message(ApiModel):
    """An error, or the acknowledgement of a deletion."""

    code: Annotated[int, Field(ge=100, le=599)]
    message: str
    details: str | None = None
    compliance_issues: tuple[ComplianceIssue, ...] | None = None
    """Only with code 400: the mistakes found, up to 100."""
