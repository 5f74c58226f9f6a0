"""Maps each leaf of a rendered object to the field of the RunaiNimService that it comes from."""

from typing import Final

from runai_nim.cli.evaluation import ManifestEvaluation
from runai_nim.domain.policy import RESOURCE
from runai_nim.domain.translate.rules import LeafPath, TranslationSource, provenance
from runai_nim.domain.translate.tables import TABLES

OPERATOR_ORIGIN: Final = "the operator"


class Provenance:
    """Origins of the leaves of one object."""

    def __init__(self, evaluation: ManifestEvaluation, kind: str) -> None:
        rows = next(rows for kinds, rows in TABLES.items() if kind in kinds)
        self._rows = provenance(rows, TranslationSource.of(evaluation.decision_input))
        self._decision_input = evaluation.decision_input

    def origin(self, path: LeafPath) -> str:
        """The field, and whether it is set; the setting; why a leaf always exists; or `the operator`."""
        row = self._rows.get(path)
        if row is None:
            return OPERATOR_ORIGIN
        if row.setting:
            return f"setting {row.setting}"
        if not row.field:
            return f"always: {row.becomes.replace('`', '')}"
        if row.field.startswith("metadata.") or self._decision_input.origin(row.field):
            return row.field + self._policies(row.field)
        return f"{row.field} (not set)"

    def _policies(self, field: str) -> str:
        """` from policy gpu-team, project`: the policies that give the field, or a part or an item of it."""
        origins = self._decision_input.provenance
        parts = [
            found for path, found in origins.items() if path == field or path.startswith((f"{field}.", f"{field}["))
        ]
        found = dict.fromkeys(str(origin) for origin in parts if origin != RESOURCE)
        return f" from {' and '.join(found)}" if found else ""
