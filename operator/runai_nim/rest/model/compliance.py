"""Converts findings, and causes of a rejection by the API server, to complianceIssues of the REST API."""

from collections.abc import Mapping
from typing import Any, Final

from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding, Rule

_IMMUTABLE_FIELD: Final = "spec.multiNode"

Issue = dict[str, str]


def issue_of(finding: Finding) -> Issue:
    """One finding, with a path as in the REST API: `compute.gpuPortionRequest` without `spec.`."""
    field = "metadata.name" if finding.path == "metadata.generateName" else finding.path
    rule = Rule.REQUIRED if finding.reason == Reason.REQUIRED_FIELD else finding.rule
    return _issue(field, finding.message, rule)


def issues_of(status: Mapping[str, Any]) -> list[Issue]:
    """The causes in a metav1.Status with which the API server rejects an invalid object."""
    causes = (status.get("details") or {}).get("causes") or ()
    return [
        _issue(
            cause.get("field", ""),
            cause.get("message", ""),
            Rule.CAN_EDIT if cause.get("field") == _IMMUTABLE_FIELD else None,
        )
        for cause in causes
    ]


def _issue(field: str, details: str, rule: Rule | None) -> Issue:
    return {"field": field.removeprefix("spec."), "details": details, **({"rule": rule.value} if rule else {})}
