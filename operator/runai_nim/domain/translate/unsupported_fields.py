"""Checks that the cluster's NIMService kind has every rendered field."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from runai_nim.domain.nimservice_schema import MissingField
from runai_nim.domain.reasons import Reason
from runai_nim.domain.translate.rules import MappingRow, TranslationSource, provenance
from runai_nim.domain.validate import Finding


def check_supported_fields(
    source: TranslationSource, rows: Iterable[MappingRow], manifest: Mapping[str, Any]
) -> Iterator[Finding]:
    """One finding for each missing field of the NIMService; it names the RunaiNimService field, or the setting."""
    for lack in source.context.nimservice_schema.missing_fields(manifest):
        missing = ".".join(lack.path) + (f": {lack.value}" if lack.value else "")
        path = _source(lack, rows, source)
        version = f"NIM Operator {lack.since_version} or newer" if lack.since_version else "a newer NIM Operator"
        rule = f"not require {missing}, which the NIMService kind of this cluster lacks"
        yield Finding(reason=Reason.NOT_INSTALLED, path=path, must=rule, remedy=f"change it, or install {version}")


def _source(lack: MissingField, rows: Iterable[MappingRow], source: TranslationSource) -> str:
    for leaf, row in provenance(rows, source).items():
        names = tuple(part for part in leaf if isinstance(part, str))
        if names[: len(lack.path)] == lack.path and (row.field or row.setting):
            return row.field or f"the operator's setting {row.setting}"
    return "the operator's settings"
