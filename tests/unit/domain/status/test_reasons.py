"""Whatever reason is in the code is in the published list, and the other way round."""

from pathlib import Path

from runai_nim.domain.status import ROWS, reasons
from runai_nim.domain.validate import Reason

SOURCES = Path(reasons.__file__).parents[2]
OF_OTHERS = {reason for found in reasons.OTHER_REASONS.values() for reason in found}


def test_every_reason_that_is_published_exists() -> None:
    code = (path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py") if path.name != "reasons.py")
    elsewhere = " ".join(code)
    published = {*reasons.READY_REASONS, *reasons.REFUSED_REASONS, *reasons.WARNING_REASONS, *OF_OTHERS}
    assert {reason for reason in published if f'"{reason}"' not in elsewhere} == set()


def test_every_reason_that_exists_is_published() -> None:
    assert {str(reason) for reason in Reason} <= reasons.REFUSED_REASONS.keys() | reasons.WARNING_REASONS.keys()
    assert {
        row.reason for row in ROWS if isinstance(row.reason, str)
    } <= reasons.READY_REASONS.keys() | reasons.REFUSED_REASONS.keys()
