from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cluster import LocalCluster
from local.objects import Objects
from tests.cluster.scenarios.scenario import act, await_sight

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))

pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.mark.parametrize("killed", [False, True], ids=["", "killed"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_scenario(case: Path, killed: bool, cluster: LocalCluster, objects: Objects) -> None:
    """Each as it is, and with the operator killed in the middle of it, after something was done that it has to see."""
    scenario: dict[str, Any] = yaml.safe_load(case.read_text(encoding="utf-8"))
    environment, steps = scenario.get("operator") or {}, scenario["steps"]
    operator = cluster.operator
    if environment or not operator.alive or not operator.as_usual:
        operator.start(environment=environment)
    try:
        for number, step in enumerate(steps):
            middle = killed and number == len(steps) // 2
            if middle:
                operator.kill()
            act(objects, step.get("do") or {})
            if middle:
                operator.start(environment=environment)
            await_sight(objects, step.get("see") or {})
    finally:
        if environment:
            operator.stop()
