"""What is wrong with a resource, as a value that reads as one sentence. No rule lives here."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from runai_nim.domain.reasons import Reason

_MAX_VALUE_LENGTH: Final = 100
_MAX_PATH_LENGTH: Final = 300


class Rule(StrEnum):
    """What kind of bound was missed, in the words of Run:ai's API (`complianceIssues[].rule`)."""

    REQUIRED = "required"
    MIN = "min"
    MAX = "max"
    OPTIONS = "options"
    CAN_EDIT = "canEdit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One mistake (error: nothing is written) or one oddity (warning) of a field.

    `path`: such as `spec.compute.gpuPortionRequest`. `value`: what was found; None when nothing was, or when it may be
    a secret. `must` continues "<path> must …" (a warning: "should …"), such as `be at least 0.01`. `remedy` says what
    to do. `rule`: for programs; None where the API has no word for it.
    """

    reason: Reason
    path: str
    value: str | None = None
    must: str = ""
    remedy: str
    severity: Literal["error", "warning"] = "error"
    rule: Rule | None = None

    @property
    def message(self) -> str:
        """One sentence for people.

        `<path> is "<value>" but must <must>: <remedy>`; a warning says should. `unknown field "<path>": <remedy>`.
        """
        if self.reason == Reason.UNKNOWN_FIELD:
            return f'unknown field "{self.path}": {self.remedy}'
        must = "must" if self.severity == "error" else "should"
        if self.value is None:
            return f"{self.path} {must} {self.must}: {self.remedy}"
        return f'{self.path} is "{truncate(self.value)}" but {must} {self.must}: {self.remedy}'


def truncate(text: str) -> str:
    """A value or a name as far as people read it."""
    return text if len(text) <= _MAX_VALUE_LENGTH else text[:_MAX_VALUE_LENGTH] + "…"


def child_path(path: str, name: str) -> str:
    """The path of a field of `path`; far down, where no field of the API is, still `path`, so that none gets long."""
    return f"{path}.{truncate(name)}" if len(path) <= _MAX_PATH_LENGTH else path


def unknown_field(path: str, near: str | None) -> Finding:
    """A field that the API doesn't have; `near`: the field that was probably meant."""
    return Finding(reason=Reason.UNKNOWN_FIELD, path=path, remedy=f"did you mean {near}?" if near else "remove it")


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of `findings` forbids to write."""
    return any(finding.severity == "error" for finding in findings)
