"""Is every field that is rendered there in the cluster's NIMService kind? Findings that name the field of the API."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from runai_nim.domain.nimservice_schema import Lack
from runai_nim.domain.translate.rules import Row, Source, origins
from runai_nim.domain.validate import Finding, Reason


def check_installed(source: Source, rows: Iterable[Row], manifest: Mapping[str, Any]) -> Iterator[Finding]:
    """One finding per field of the NIMService that its kind lacks."""
    for lack in source.context.installed.lacks(manifest):
        missing = ".".join(lack.path) + (f": {lack.value}" if lack.value else "")
        path = _field(lack, rows, source) or "the operator's settings"
        version = f"NIM Operator {lack.since} or newer" if lack.since else "a newer NIM Operator"
        rule = f"not ask for {missing}, which the NIMService kind of this cluster does not have"
        yield Finding(reason=Reason.NOT_INSTALLED, path=path, must=rule, remedy=f"change it, or install {version}")


def _field(lack: Lack, rows: Iterable[Row], source: Source) -> str:
    for leaf, row in origins(rows, source).items():
        names = tuple(part for part in leaf if isinstance(part, str))
        if names[: len(lack.path)] == lack.path and row.field:
            return row.field
    return ""
