"""Findings, and causes of a refusal by the API server → complianceIssues of the REST API. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from runai_nim.validate import Finding, Reason

_RULES: Final = (
    ("be greater than or equal to", "min"),
    ("be less than or equal to", "max"),
    ("be '", "options"),
)
"""How a finding's rule begins that one of the API's words says."""
_CANT_CHANGE: Final = "spec.multiNode"

Issue = dict[str, str]


def issue_of(finding: Finding) -> Issue:
    """One finding, its path as the REST API has it: sections of spec without `spec.`."""
    field = "metadata.name" if finding.path == "metadata.generateName" else finding.path
    rule = "required" if finding.reason == Reason.REQUIRED_FIELD else _rule(finding.rule)
    return _issue(field, finding.message, rule)


def issues_of(status: Mapping[str, Any]) -> list[Issue]:
    """The causes that the API server gives, as a metav1.Status, for refusing an object as invalid."""
    causes = (status.get("details") or {}).get("causes") or ()
    return [
        _issue(
            cause.get("field", ""), cause.get("message", ""), "canEdit" if cause.get("field") == _CANT_CHANGE else None
        )
        for cause in causes
    ]


def _issue(field: str, details: str, rule: str | None) -> Issue:
    return {"field": field.removeprefix("spec."), "details": details, **({"rule": rule} if rule else {})}


def _rule(text: str) -> str | None:
    return next((rule for beginning, rule in _RULES if text.startswith(beginning)), None)
