"""The stand-in does, on a real API server, what the real NIM Operator 3.1.2 was recorded doing there."""

import asyncio
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.control_plane import ControlPlane
from local.nim_operator.client import Client
from tests.nim_operator.compare import Trace, problems
from tests.nim_operator.conftest import stand_in
from tests.nim_operator.recorder import Recorder
from tests.nim_operator.replay import Replay

pytestmark = pytest.mark.long
RECORDINGS = {path.stem: json.loads(path.read_text()) for path in sorted(Path(__file__).parent.glob("traces/*.json"))}


@pytest.fixture(scope="module")
def replayed(control_plane: ControlPlane) -> dict[str, Trace]:
    """All traces, replayed at the same time in namespaces of their own."""
    with stand_in(control_plane, "--no-nodes"):
        return asyncio.run(replay_all(control_plane.kubeconfig))


async def replay_all(kubeconfig: Path) -> dict[str, Trace]:
    async with Client(kubeconfig) as client:
        recorder = Recorder(client)
        version = (await client.get("/api/v1/namespaces"))["metadata"]["resourceVersion"]
        recording = asyncio.create_task(recorder.run(version))
        replay = Replay(client, recorder)
        try:
            done = await asyncio.gather(*(replay.trace(trace) for trace in RECORDINGS.values()))
            assert not recording.done(), recording.exception()
        finally:
            recording.cancel()
            await asyncio.gather(recording, return_exceptions=True)
            await replay.close()
    return {trace["scenario"]: trace for trace in done}


def test_all_recordings_are_here() -> None:
    assert len(RECORDINGS) == 20


@pytest.mark.parametrize("scenario", RECORDINGS)
def test_as_recorded(replayed: dict[str, Trace], scenario: str) -> None:
    assert problems(RECORDINGS[scenario], replayed[scenario]) == []


def first(trace: Trace, kind: str, op: str = "created", part: str = "metadata") -> dict[str, Any]:
    return next(
        change
        for step in trace["steps"]
        for change in step["then"]
        if change["kind"] == kind and change["op"] == op and part in change.get("object", {})
    )


def relabel(trace: Trace) -> None:
    first(trace, "ServiceAccount")["object"]["metadata"]["labels"]["app"] = "other"


def reannotate(trace: Trace) -> None:
    first(trace, "Service")["object"]["metadata"]["annotations"]["a"] = "b"


def disown(trace: Trace) -> None:
    del first(trace, "Deployment")["object"]["metadata"]["ownerReferences"]


def keep_zero_values(trace: Trace) -> None:
    first(trace, "NIMService", "changed", "spec")["object"]["spec"].pop("livenessProbe")


def share_no_parent_hash(trace: Trace) -> None:
    first(trace, "Deployment")["object"]["metadata"]["annotations"]["nvidia.com/parent-spec-hash"] = "another"


def change_own_hash(trace: Trace) -> None:
    first(trace, "Deployment", "changed")["object"]["metadata"]["annotations"]["nvidia.com/last-applied-hash"] = "x"


def forget_a_child(trace: Trace) -> None:
    trace["steps"][0]["then"].remove(first(trace, "Role"))


def swap_children(trace: Trace) -> None:
    then = trace["steps"][0]["then"]
    one, two = then.index(first(trace, "Service")), then.index(first(trace, "Deployment"))
    then[one], then[two] = then[two], then[one]


def change_a_state(trace: Trace) -> None:
    change = next(
        change
        for change in reversed([change for step in trace["steps"] for change in step["then"]])
        if change["kind"] == "NIMService" and "status" in change.get("object", {})
    )
    change["object"]["status"]["conditions"][0]["reason"] = "Other"


def change_an_event(trace: Trace) -> None:
    first(trace, "Event", part="message")["object"]["message"] += "?"


def change_replicas(trace: Trace) -> None:
    first(trace, "Deployment", part="spec")["object"]["spec"]["replicas"] = 7


def undo_the_deletion(trace: Trace) -> None:
    then = trace["steps"][-1]["then"]
    then.remove(next(change for change in then if change["op"] == "deleted" and change["kind"] == "Role"))


def fewer_available(trace: Trace) -> None:
    change = next(
        change
        for step in trace["steps"]
        for change in step["then"]
        if change["kind"] == "Deployment" and "availableReplicas" in change.get("object", {}).get("status", {})
    )
    change["object"]["status"]["availableReplicas"] = 0


def stay_silent(trace: Trace) -> None:
    for step in trace["steps"]:
        step["then"] = [
            change
            for change in step["then"]
            if change["kind"] != "NIMService" or "status" not in change.get("object", {})
        ]


@pytest.mark.parametrize(
    "doctor",
    [
        relabel,
        reannotate,
        disown,
        keep_zero_values,
        share_no_parent_hash,
        change_own_hash,
        forget_a_child,
        swap_children,
        change_a_state,
        change_an_event,
        change_replicas,
        undo_the_deletion,
        fewer_available,
        stay_silent,
    ],
)
def test_a_doctored_recording_differs(replayed: dict[str, Trace], doctor: Callable[[Trace], None]) -> None:
    doctored = copy.deepcopy(RECORDINGS["minimal-to-ready"])
    doctor(doctored)
    assert problems(doctored, replayed["minimal-to-ready"]) != []


@pytest.mark.parametrize("scenario", RECORDINGS)
def test_each_state_and_event_counts(replayed: dict[str, Trace], scenario: str) -> None:
    """Without its lasting states and events a recording no longer agrees, and neither does another scenario's."""
    doctored = copy.deepcopy(RECORDINGS[scenario])
    for step in doctored["steps"]:
        step["then"] = [change for change in step["then"] if change["kind"] not in ("NIMService", "Event")]
    assert problems(doctored, replayed[scenario]) != []


def test_one_repeated_failure_too_few_differs(replayed: dict[str, Trace]) -> None:
    doctored = copy.deepcopy(RECORDINGS["foreign-service"])
    seen = 0
    for step in doctored["steps"]:
        kept = []
        for change in step["then"]:
            seen += change["kind"] == "NIMService" and "status" in change.get("object", {})
            if seen <= 2 or change["kind"] != "NIMService":
                kept.append(change)
        step["then"] = kept
    assert problems(doctored, replayed["foreign-service"]) != []
