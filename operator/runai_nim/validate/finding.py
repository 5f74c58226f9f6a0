"""What is wrong with a resource, as a value that reads as one sentence. No rule lives here."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

_LONGEST_VALUE: Final = 100


class Reason(StrEnum):
    """Why a resource is refused, or what a warning is about; `reason` of condition Translated."""

    INVALID_NAME = "InvalidName"
    RESERVED_KEY = "ReservedKey"
    UNKNOWN_FIELD = "UnknownField"
    REQUIRED_FIELD = "RequiredField"
    INVALID_VALUE = "InvalidValue"
    INVALID_QUANTITY = "InvalidQuantity"
    DUPLICATE_VALUE = "DuplicateValue"
    CONFLICTING_FIELDS = "ConflictingFields"
    LIMIT_BELOW_REQUEST = "LimitBelowRequest"
    NOT_CONFIGURED = "NotConfigured"
    NOT_ALLOWED = "NotAllowed"
    HOST_TAKEN = "HostTaken"
    IGNORED_FIELD = "IgnoredField"
    NOT_INSTALLED = "NotInstalled"
    QUEUE_UNKNOWN = "QueueUnknown"
    PROJECT_UNKNOWN = "ProjectUnknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake (error: nothing is written) or one oddity (warning) of a field. `reason` is one CamelCase word.

    `rule` continues "<path> must …" (a warning: "should …"), `remedy` says what to do. `value` is what was found: None
    when nothing was, or when it may be a secret.
    """

    reason: str
    path: str
    value: str | None
    rule: str
    remedy: str
    severity: Literal["error", "warning"] = "error"

    @property
    def message(self) -> str:
        """One sentence for people: `<path> is "<value>" but must <rule>: <remedy>`; a warning says should."""
        must = "must" if self.severity == "error" else "should"
        if self.value is None:
            return f"{self.path} {must} {self.rule}: {self.remedy}"
        shown = self.value if len(self.value) <= _LONGEST_VALUE else self.value[:_LONGEST_VALUE] + "…"
        return f'{self.path} is "{shown}" but {must} {self.rule}: {self.remedy}'


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of `findings` forbids to write."""
    return any(finding.severity == "error" for finding in findings)
