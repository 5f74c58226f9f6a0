"""Writes the files that are made from the API types: `python scripts/generate.py` from anywhere.

Holds no content of its own; the same types give the same bytes.
"""

from pathlib import Path

import yaml

from runai_nim.crd import make_crd
from runai_nim.status import ROWS, Row

ROOT = Path(__file__).resolve().parent.parent
STATUS = ROOT / "docs" / "reference" / "status.md"
CRD = ROOT / "crds" / "runai-nim.io_runainimservices.yaml"


def crd_text() -> str:
    """Return the CRD as canonical YAML."""
    header = "# Generated from operator/runai_nim/api by scripts/generate.py. Do not edit.\n"
    return header + yaml.safe_dump(make_crd(), sort_keys=False, allow_unicode=True, width=120)


def status_text() -> str:
    """Return the table from facts to phase and Ready as a page."""
    rows = "\n".join(_row(row) for row in ROWS)
    return f"""<!-- Generated from operator/runai_nim/status by scripts/generate.py. Do not edit. -->

# Phase and Ready

The first row that holds decides. A row that is *Reconciling* heals itself; a row that is *Stalled* needs a person: the
message says what to do. Conditions `Reconciling` and `Stalled` exist only while true.

| when | phase | Ready | reason | then |
| --- | --- | --- | --- | --- |
{rows}
"""


def _row(row: Row) -> str:
    reason = f"`{row.reason}`" if isinstance(row.reason, str) else "the finding's or the storage's"
    return f"| {row.when} | {row.phase} | {row.ready} | {reason} | {row.progress or 'settled'} |"


def main() -> None:
    """Write every generated file in place."""
    STATUS.parent.mkdir(parents=True, exist_ok=True)
    STATUS.write_text(status_text(), encoding="utf-8")
    CRD.parent.mkdir(exist_ok=True)
    CRD.write_text(crd_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
