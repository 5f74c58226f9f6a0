"""Conflicts with other field managers: backoff of reverts, and the names of the managers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping, mappings, word

FREE_REVERTS: Final = 3
"""Reverts without delay: enough for the NIM Operator's first write and for manual edits."""
_MAX_DELAY_SECONDS: Final = 300.0
_RESET_SECONDS: Final = 600.0
_SETTLING_SECONDS: Final = 2.0
"""How long another manager is expected to undo a revert; until then the conflict is not considered resolved."""


@dataclass(slots=True)
class FieldConflictBackoff:
    """Backoff of the reverts of one object. Times are seconds of a monotonic clock.

    `message` describes the conflict. To find the other manager takes a request, so it is done once per delay
    (`is_reported`).
    """

    reverts: int = 0
    last_revert: float = 0.0
    message: str = ""
    is_reported: bool = False

    def delay(self, now: float) -> float:
        """Seconds until the next revert is due; 0 if it is due now."""
        if now - self.last_revert > _RESET_SECONDS:
            self.reverts = 0
            self.message = ""
        if self.reverts < FREE_REVERTS:
            return 0.0
        pause = min(2.0 ** (self.reverts - FREE_REVERTS), _MAX_DELAY_SECONDS)
        return max(0.0, self.last_revert + pause - now)

    def record_revert(self, now: float) -> None:
        """Count a revert."""
        self.reverts += 1
        self.last_revert = now
        self.is_reported = False

    def settling(self, now: float) -> float:
        """Seconds until the last revert counts as successful; 0 if it does, or if there was no conflict."""
        return max(0.0, self.last_revert + _SETTLING_SECONDS - now) if self.message else 0.0


def managers_of(managed_fields: Any, paths: Iterable[tuple[str, ...]]) -> list[str]:
    """Names of the field managers other than ours that own one of `paths`, as metadata.managedFields has them."""
    wanted = tuple(paths)
    others = [entry for entry in mappings(managed_fields) if entry.get("manager") != well_known.FIELD_MANAGER]
    return sorted({word(e.get("manager")) for e in others if any(_owns(e.get("fieldsV1"), path) for path in wanted)})


def _owns(fields: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if f"f:{name}" not in mapping(fields):
            return False
        fields = fields[f"f:{name}"]
    return True
