"""Writes the files that are made from the API types: `python scripts/generate.py` from anywhere.

Holds no content of its own; the same types give the same bytes.
"""

from pathlib import Path

import yaml

from runai_nim.crd import make_crd

ROOT = Path(__file__).resolve().parent.parent
CRD = ROOT / "crds" / "runai-nim.io_runainimservices.yaml"


def crd_text() -> str:
    """Return the CRD as canonical YAML."""
    header = "# Generated from operator/runai_nim/api by scripts/generate.py. Do not edit.\n"
    return header + yaml.safe_dump(make_crd(), sort_keys=False, allow_unicode=True, width=120)


def main() -> None:
    """Write every generated file in place."""
    CRD.parent.mkdir(exist_ok=True)
    CRD.write_text(crd_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
