"""Types of the batch call's bodies, for the OpenAPI document only."""

from typing import Annotated, Literal

from pydantic import Field, StrictStr

from runai_nim.api.v1alpha1.schema import ApiModel
from runai_nim.rest.schemas import ComplianceIssue


class BatchRequest(ApiModel):
    """An action on many workloads."""

    ids: Annotated[tuple[StrictStr, ...], Field(min_length=1, max_length=100)]
    """Ids of workloads. An id that is there twice counts once."""

    action: Literal["delete", "suspend", "resume", "stop", "start"]
    """stop is suspend, and start is resume."""


class BatchFailure(ApiModel):
    """A workload on which the action failed, with the error of the same call for this workload alone."""

    id: str
    code: Annotated[int, Field(ge=100, le=599)]
    message: str
    details: str | None = None
    compliance_issues: tuple[ComplianceIssue, ...] | None = None


class BatchWarning(ApiModel):
    """The warnings of a PATCH, for a workload that was stopped or started."""

    id: str
    details: str | None = None
    compliance_issues: tuple[ComplianceIssue, ...] | None = None


class BatchResult(ApiModel):
    """The outcome for each workload, in the order of the request."""

    id: str
    """A new id, which is not stored."""

    succeeded: tuple[str, ...]
    failed: tuple[BatchFailure, ...]
    warnings: tuple[BatchWarning, ...] | None = None
    """Of workloads that succeeded. Not part of Run:ai's API."""
