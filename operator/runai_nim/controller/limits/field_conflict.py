"""Who else writes a field that we write: how often it may be put back, and who it is. Pure but for what it counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping, mappings, word

FREE_REVERTS: Final = 3
"""Reverts before we begin to wait: the NIM Operator's first write and a person's edits need no more."""
_MAX_DELAY_SECONDS: Final = 300.0
_RESET_SECONDS: Final = 600.0
_SETTLING_SECONDS: Final = 2.0
"""So long after a revert it may still be taken back at once: no reason yet to say that all is well."""


@dataclass(slots=True)
class FieldConflictBackoff:
    """How often the fields of one object were put back lately. Times are seconds of any steady clock.

    `message` is what is said of the tug; asking who it is costs a request, so it is `is_reported` once for each wait.
    """

    reverts: int = 0
    last_revert: float = 0.0
    message: str = ""
    is_reported: bool = False

    def delay(self, now: float) -> float:
        """Seconds until the next revert is due; 0 when it is."""
        if now - self.last_revert > _RESET_SECONDS:
            self.reverts, self.message = 0, ""
        if self.reverts < FREE_REVERTS:
            return 0.0
        pause = min(2.0 ** (self.reverts - FREE_REVERTS), _MAX_DELAY_SECONDS)
        return max(0.0, self.last_revert + pause - now)

    def record_revert(self, now: float) -> None:
        """Count a revert."""
        self.reverts += 1
        self.last_revert, self.is_reported = now, False

    def settling(self, now: float) -> float:
        """Seconds until a revert that somebody contested before has held; 0 when it has, or nobody did."""
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
