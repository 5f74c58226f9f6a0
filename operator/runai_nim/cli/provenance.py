"""Which field of a RunaiNimService each leaf of a rendered object comes from, for people. Reads the rows, no more."""

from collections.abc import Mapping
from typing import Any, Final

from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.cli.evaluation import ManifestEvaluation
from runai_nim.domain.translate.rules import LeafPath, TranslationSource, provenance
from runai_nim.domain.translate.tables import TABLES

OPERATOR_ORIGIN: Final = "the operator"


class Provenance:
    """Where the leaves of one object come from."""

    def __init__(self, evaluation: ManifestEvaluation, kind: str) -> None:
        spec = RunaiNimServiceSpec.model_validate(evaluation.cr["spec"], by_alias=True, by_name=False)
        rows = next(rows for kinds, rows in TABLES.items() if kind in kinds)
        self._rows = provenance(rows, TranslationSource.of(evaluation.cr, spec, evaluation.context))
        self._cr = evaluation.cr

    def origin(self, path: LeafPath) -> str:
        """The field, and whether it is set; why a leaf is always there; or that the operator itself made it."""
        row = self._rows.get(path)
        if row is None:
            return OPERATOR_ORIGIN
        if not row.field:
            return f"always: {row.becomes.replace('`', '')}"
        return row.field if _is_set(self._cr, row.field) else f"{row.field} (not set)"


def _is_set(cr: Mapping[str, Any], field: str) -> bool:
    if field.startswith("metadata."):
        return True
    value: Any = cr
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value is not None
