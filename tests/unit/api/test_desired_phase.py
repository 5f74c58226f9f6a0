from typing import Any

import pytest

from runai_nim.api.desired_phase import is_stopped, start, stop


@pytest.mark.parametrize(
    "spec", [{"desiredPhase": "Stopped"}, {"replicas": 0}, {"desiredPhase": "Stopped", "replicas": 0}]
)
def test_a_start_undoes_each_way_to_stop(spec: dict[str, Any]) -> None:
    assert is_stopped(spec)
    assert stop(spec) == {}
    assert not is_stopped(spec | start(spec))
    assert (spec | start(spec, 3))["replicas"] == 3


@pytest.mark.parametrize("spec", [{}, {"desiredPhase": "Running", "replicas": 2}, {"autoscaling": {"minReplicas": 0}}])
def test_a_stop_keeps_what_the_start_needs(spec: dict[str, Any]) -> None:
    assert not is_stopped(spec)
    assert start(spec) == {}
    stopped = spec | stop(spec)
    assert is_stopped(stopped)
    assert stopped | start(stopped) == spec | {"desiredPhase": "Running"}
