"""Evaluates a manifest as a user wrote it: the desired state, and all findings.

The command line and the REST API use it before a resource reaches a cluster. The rules are in `object_schema` and
`validate`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from runai_nim.domain.admission.object_schema import check_object_schema, for_name_prefix
from runai_nim.domain.decision_input import DecisionInput
from runai_nim.domain.translate import Desired, translate
from runai_nim.domain.validate import has_errors


def evaluate(manifest: Mapping[str, Any], decision_input: DecisionInput) -> Desired:
    """The desired state for any manifest; `decision_input` is made from its `to_stored_object`.

    Findings by the API server's rules come first, then the operator's. With errors, only the findings and the project
    are set.
    """
    shape = tuple(check_object_schema(manifest))
    desired = translate(decision_input)
    wrong = {finding.path for finding in shape if finding.severity == "error"}
    others = (finding for finding in desired.findings if wrong.isdisjoint(_enclosing_paths(finding.path)))
    findings = (*shape, *(for_name_prefix(finding, manifest) for finding in others))
    if has_errors(shape):
        return Desired(findings, desired.project)
    return replace(desired, findings=findings)


def _enclosing_paths(path: str) -> Iterator[str]:
    """A field and all its ancestors: a finding below a reported path would only repeat it.

    If the spec is not a mapping, all its fields are missing; a name that is not a string is also an invalid name.
    """
    yield path
    while "." in path:
        path = path.rpartition(".")[0]
        yield path
