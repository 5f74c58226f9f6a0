from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cluster import LocalCluster
from local.objects import Objects
from tests.cluster.scenarios.scenario import act, await_sight
from tests.support.external_cluster import may_write_status

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))

pytestmark = pytest.mark.usefixtures("stand_in", "secrets")


KILLED_IN_EVERY_RUN = {"nimcache-comes-and-fails", "recreated-at-once", "restarted"}
"""The others are killed in `make test-long`."""


@pytest.fixture
def secrets(objects: Objects) -> None:
    """Those that the samples name: where a kubelet starts the pods, it looks for them."""
    key = {"stringData": {"NGC_API_KEY": "none"}}
    objects.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ngc-api-key"}, **key})


def plays_a_part(steps: list[dict[str, Any]]) -> bool:
    """Does it write a status that somebody else writes in a cluster with nodes, and without the stand-in?"""
    done = [step.get("do") or {} for step in steps]
    return any("pods" in action or (action.get("patch") or {}).get("subresource") == "status" for action in done)


def variants() -> Iterator[Any]:
    """Each scenario as it is, and with the operator killed."""
    for case in CASES:
        yield pytest.param(case, False, id=case.stem)
        marks = () if case.stem in KILLED_IN_EVERY_RUN else pytest.mark.long
        yield pytest.param(case, True, id=f"{case.stem}-killed", marks=marks)


@pytest.mark.parametrize(("case", "killed"), list(variants()))
def test_scenario(case: Path, killed: bool, cluster: LocalCluster, objects: Objects) -> None:
    """Killed: in the middle, after something was done that the operator has to see."""
    scenario: dict[str, Any] = yaml.safe_load(case.read_text(encoding="utf-8"))
    environment = scenario.get("operator") or {}
    steps = scenario["steps"]
    operator = cluster.operator
    if plays_a_part(steps) and not may_write_status():
        pytest.skip("writes the status of pods or of a NIMCache, which somebody else does in a given cluster")
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
