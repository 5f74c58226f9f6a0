"""A manifest as somebody wrote it → the object as the API server would have it, and all that is wrong with it.

Pure. What the command line and the REST API say of a resource before any cluster saw it; the rules are others'.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runai_nim.domain.admission.object_schema import check_object_schema, for_name_prefix, to_stored_object
from runai_nim.domain.translate import Context, Desired, translate
from runai_nim.domain.validate import Finding, has_errors


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A resource as the API server would have it, and what should exist for it: nothing but findings with errors."""

    cr: dict[str, Any]
    desired: Desired

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of the API server's rules first, then the operator's."""
        return self.desired.findings


def evaluate(manifest: Mapping[str, Any], namespace: str, context: Context, uid: str = "") -> Evaluation:
    """What the operator would make of any manifest; `uid` is that of the stored one."""
    cr = to_stored_object(manifest, namespace, uid)
    shape = tuple(check_object_schema(manifest))
    desired = translate(cr, context)
    wrong = {finding.path for finding in shape if finding.severity == "error"}
    others = (finding for finding in desired.findings if wrong.isdisjoint(_enclosing_paths(finding.path)))
    findings = (*shape, *(for_name_prefix(finding, manifest) for finding in others))
    if has_errors(shape):
        return Evaluation(cr, Desired(findings, desired.project))
    return Evaluation(cr, replace(desired, findings=findings))


def _enclosing_paths(path: str) -> Iterator[str]:
    """A field and all that it is in: where these are wrong already, a finding about it says the same once more.

    A spec that is no mapping has all its fields missing, and a name that is no text is no good name either.
    """
    yield path
    while "." in path:
        path = path.rpartition(".")[0]
        yield path
