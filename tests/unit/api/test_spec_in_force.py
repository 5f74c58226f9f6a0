"""What the status says of the spec: whether the operator rejects it."""

from typing import Any

import pytest

from runai_nim.api.spec_in_force import is_rejected


@pytest.mark.parametrize(
    ("generation", "condition", "expected"),
    [
        (2, {"type": "Translated", "status": "False", "observedGeneration": 2}, True),
        (3, {"type": "Translated", "status": "False", "observedGeneration": 2}, False),
        (2, {"type": "Translated", "status": "True", "observedGeneration": 2}, False),
        (2, {"type": "Ready", "status": "False", "observedGeneration": 2}, False),
    ],
)
def test_what_the_operator_says_of_a_spec(generation: int, condition: dict[str, Any], expected: bool) -> None:
    cr = {"metadata": {"generation": generation}, "status": {"conditions": [condition]}}

    assert is_rejected(cr) is expected
