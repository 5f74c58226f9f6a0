"""Findings: what is wrong with a resource, as a value with a one-sentence message."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from runai_nim.api import syntax
from runai_nim.api.resources import ObjectKey
from runai_nim.domain.reasons import Reason

_MAX_VALUE_LENGTH: Final = 100
_MAX_PATH_LENGTH: Final = 300


class Rule(StrEnum):
    """The violated bound, in the words of Run:ai's API (`complianceIssues[].rule`)."""

    REQUIRED = "required"
    MIN = "min"
    MAX = "max"
    STEP = "step"
    OPTIONS = "options"
    CAN_EDIT = "canEdit"
    CAN_ADD = "canAdd"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An error (nothing is written) or a warning about a field.

    `path`: such as `spec.compute.gpuPortionRequest`. `value`: what was found; None if absent or possibly secret. `must`
    continues "<path> must …" (a warning: "should …"), such as `be at least 0.01`. `remedy` says what to do. `rule`: for
    programs; None if the API has no word for it. `policy`: namespace and name of the policy whose rule is broken.
    """

    reason: Reason
    path: str
    value: str | None = None
    must: str = ""
    remedy: str
    severity: Literal["error", "warning"] = "error"
    rule: Rule | None = None
    policy: ObjectKey | None = None

    @property
    def message(self) -> str:
        """One sentence for users.

        `<path> is "<value>" but must <must>: <remedy>`; a warning says should. `unknown field "<path>": <remedy>`.
        """
        if self.reason == Reason.UNKNOWN_FIELD:
            return f'unknown field "{self.path}": {self.remedy}'
        must = "must" if self.severity == "error" else "should"
        if self.value is None:
            return f"{self.path} {must} {self.must}: {self.remedy}"
        return f'{self.path} is "{truncate(self.value)}" but {must} {self.must}: {self.remedy}'


def truncate(text: str) -> str:
    """Cut a value or a name for display."""
    return text if len(text) <= _MAX_VALUE_LENGTH else text[:_MAX_VALUE_LENGTH] + "…"


def child_path(path: str, name: str) -> str:
    """The path of a field below `path`. Below the deepest field of the API it returns `path`, which bounds the
    length."""
    return f"{path}.{truncate(name)}" if len(path) <= _MAX_PATH_LENGTH else path


def unknown_field(path: str, remedy: str) -> Finding:
    """The finding for an unknown field."""
    return Finding(reason=Reason.UNKNOWN_FIELD, path=path, remedy=remedy)


def character_findings(path: str, text: str | None) -> Iterator[Finding]:
    """The finding for a text that the NIM Operator can't render. It doesn't show the text, which may be secret."""
    character = syntax.unrenderable_character(text or "")
    if character is not None:
        rule = f"not hold the character {character}, which the NIM Operator can't render into its manifests"
        yield Finding(reason=Reason.INVALID_VALUE, path=path, must=rule, remedy="remove the character")


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of `findings` is an error."""
    return any(finding.severity == "error" for finding in findings)
