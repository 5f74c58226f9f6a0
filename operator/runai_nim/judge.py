"""A manifest as somebody wrote it → the object as the API server would have it, and all that is wrong with it.

Pure. What the command line and the REST API say of a resource before any cluster saw it; the rules are others'.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runai_nim.shape import about_prefix, as_stored, check_shape
from runai_nim.translate import Context, Desired, translate
from runai_nim.validate import Finding, has_errors


@dataclass(frozen=True, slots=True)
class Judged:
    """A resource as the API server would have it, and what should exist for it: nothing but findings with errors."""

    cr: dict[str, Any]
    desired: Desired

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of the API server's rules first, then the operator's."""
        return self.desired.findings


def judge(manifest: Mapping[str, Any], namespace: str, context: Context, uid: str = "") -> Judged:
    """What the operator would make of any manifest; `uid` is that of the stored one."""
    cr = as_stored(manifest, namespace, uid)
    shape = tuple(check_shape(manifest))
    desired = translate(cr, context)
    others = (finding for finding in desired.findings if not _says_the_same(finding, shape))
    findings = (*shape, *(about_prefix(finding, manifest) for finding in others))
    if has_errors(shape):
        return Judged(cr, Desired(findings, desired.project))
    return Judged(cr, replace(desired, findings=findings))


def _says_the_same(finding: Finding, shape: Iterable[Finding]) -> bool:
    """A spec that is no mapping has all its fields missing, and a name that is no text is no good name either."""
    errors = [wrong.path for wrong in shape if wrong.severity == "error"]
    return any(finding.path == path or finding.path.startswith(f"{path}.") for path in errors)
