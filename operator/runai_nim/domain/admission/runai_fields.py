"""Finds the fields of a spec that Run:ai's API lacks, for those who also give the spec to Run:ai."""

from collections.abc import Iterator, Mapping
from typing import Any

from runai_nim.api.ours import OURS
from runai_nim.domain.validate import Finding, child_path, unknown_field


def check_runai_fields(spec: Any) -> Iterator[Finding]:
    """One finding for each field of ours that the spec sets. null is not set."""
    yield from _findings(spec, path="spec", field="spec")


def _findings(value: Any, path: str, field: str) -> Iterator[Finding]:
    if field in OURS:
        instead = f", and {OURS[field].instead}" if OURS[field].instead else ""
        yield unknown_field(path, f"it is this operator's own, Run:ai's API lacks it: remove it for Run:ai{instead}")
        return
    for name, part in value.items() if isinstance(value, Mapping) else ():
        if part is not None:
            yield from _findings(part, path=child_path(path, name), field=f"{field}.{name}")
    for index, item in enumerate(value if isinstance(value, list) else ()):
        yield from _findings(item, path=f"{path}[{index}]", field=f"{field}[]")
