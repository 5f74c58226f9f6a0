"""The tree and the text of `runai-nim status`, from objects as the API server returns them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runai_nim.cli.cluster.status_view import LATEST_EVENTS, events_of, progress_line, status_json, status_lines
from runai_nim.domain.observed.resource_tree import Reading, do_next, nodes_below, tree_of
from tests.cli.conftest import Run
from tests.cli.test_list import VALUES, a_service

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def an_object(kind: str, name: str = "llama", owner: str = "", **parts: Any) -> dict[str, Any]:
    owners = [{"controller": True, "uid": owner}] if owner else []
    metadata = {"name": name, "uid": f"{kind} {name}", "resourceVersion": "1", "ownerReferences": owners}
    return {"kind": kind, "metadata": metadata | parts.pop("metadata", {}), **parts}


SERVICE = a_service()
SERVICE["metadata"]["uid"] = "cr"
ENDED = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "nvapi-key"}}
POD = an_object(
    "Pod",
    "llama-1",
    "ReplicaSet llama-a",
    spec={"nodeName": "node-1", "containers": [{"name": "c", "resources": {"limits": {"nvidia.com/gpu": "2"}},
                                                "env": [{"name": "HF_TOKEN", "value": "hf-secret"}]}]},
    status={"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "c", "restartCount": 3, "lastState": ENDED}]},
)  # fmt: skip
READINGS = {
    "NIMService": Reading((an_object("NIMService", owner="cr", status={"state": "Ready"}),)),
    "Deployment": Reading(
        (an_object("Deployment", owner="NIMService llama", spec={"replicas": 2}, status={"readyReplicas": 1}),)
    ),
    "ReplicaSet": Reading(
        (
            an_object("ReplicaSet", "llama-a", "Deployment llama", spec={"replicas": 1}, status={"replicas": 1}),
            an_object("ReplicaSet", "llama-old", "Deployment llama", spec={"replicas": 0}),
            an_object("ReplicaSet", "other", "somebody", spec={"replicas": 1}),
        )
    ),
    "Pod": Reading((POD, an_object("Pod", "planted", spec={}, status={}))),
    "HorizontalPodAutoscaler": Reading(
        (
            an_object(
                "HorizontalPodAutoscaler",
                owner="NIMService llama",
                spec={"maxReplicas": 3},
                status={"currentReplicas": 1, "conditions": [{"type": "ScalingActive", "reason": "ValidMetricFound"}]},
            ),
        )
    ),
    "PersistentVolumeClaim": Reading(
        (an_object("PersistentVolumeClaim", status={"phase": "Bound", "capacity": {"storage": "1Gi"}}),)
    ),
    "NIMCache": Reading((an_object("NIMCache", status={"state": "Ready"}, metadata={"deletionTimestamp": "x"}),)),
    "HTTPRoute": Reading((an_object("HTTPRoute", "llama.external"),)),
    "Ingress": Reading(problem="can't be read: no rights"),
}


def text_of(service: dict[str, Any], readings: dict[str, Reading], problem: str = "", events: Any = ()) -> list[str]:
    return list(status_lines(service, tree_of(service, readings), events, problem=problem, now=NOW))


def test_the_tree_goes_down_to_the_pods() -> None:
    lines = text_of(SERVICE, READINGS)

    assert lines[:3] == ["RunaiNimService a/llama: Running, ready (Running)", "  the model answers", ""]
    assert [" ".join(line.split()) for line in lines[4:14]] == [
        "RunaiNimService llama Running 5m -",
        "├─ NIMService llama Ready - -",
        "│ ├─ Deployment llama 1/2 ready - -",
        "│ │ └─ ReplicaSet llama-a 1/1 ready - -".replace("1/1", "0/1"),
        "│ │ └─ Pod llama-1 Running, ready - node node-1, GPU 2, 3 restarts, last exit: OOMKilled, exit code 137",
        "│ └─ HorizontalPodAutoscaler llama 1 replica - 1 to 3 replicas, ValidMetricFound",
        "├─ PersistentVolumeClaim llama Bound - 1Gi",
        "├─ NIMCache llama Ready - terminating",
        "├─ Ingress can't be read: no rights",
        "└─ HTTPRoute llama.external exists - -",
    ]


def test_a_refusal_makes_no_column_wider() -> None:
    refusal = "can't be read: " + "no rights " * 9
    lines = text_of(SERVICE, READINGS | {"Ingress": Reading(problem=refusal)})

    head = next(line for line in lines if line.startswith("OBJECT"))
    refused = next(line for line in lines if "Ingress" in line)
    assert head.index("AGE") - head.index("STATE") == len("Running, ready   ")
    assert refused.index("can't") == head.index("STATE")
    assert refused.endswith("no rights")


def test_a_line_of_progress_says_what_the_service_waits_for() -> None:
    assert progress_line(SERVICE) == "waiting: Running (Running), 1 of 2 replicas ready: the model answers"
    assert progress_line({"metadata": {}, "status": {}}) == (
        "waiting: no phase (no reason), 0 of 0 replicas ready: the operator has written no status"
    )


def test_no_secret_is_in_it() -> None:
    tree = tree_of(SERVICE, READINGS)
    told = str(status_json(SERVICE, tree, [], "")) + str(text_of(SERVICE, READINGS))

    assert "hf-secret" not in told
    assert "nvapi-key" not in told


def test_what_can_t_be_read_is_a_line() -> None:
    problem = Reading(problem="can't be read: x")
    readings = READINGS | {"ReplicaSet": problem}
    kinds = [node.kind for node in nodes_below(tree_of(SERVICE, readings))]
    assert kinds.count("Pod") == 2

    readings = READINGS | {"NIMService": problem, "Deployment": Reading()}
    assert "NIMService can't be read: x" in " ".join(" ".join(text_of(SERVICE, readings)).split())
    readings |= {"LeaderWorkerSet": Reading((an_object("LeaderWorkerSet"),))}
    assert "Pod" in [node.kind for node in nodes_below(tree_of(SERVICE, readings))]
    assert text_of(SERVICE, {}, "can't be read: y")[-1] == "Events can't be read: y"


def test_a_nimservice_of_somebody_else_is_said() -> None:
    readings = READINGS | {"NIMService": Reading((an_object("NIMService", owner="else"),))}

    tree = tree_of(SERVICE, readings)

    assert (tree.children[0].state, tree.children[0].children) == ("has another owner", ())


@pytest.mark.parametrize(
    ("annotations", "told"), [({"gpu-memory": "20480"}, "GPU 20480Mi"), ({"gpu-fraction": "0.5"}, "GPU 0.5"), ({}, "")]
)
def test_gpu_shares(annotations: dict[str, str], told: str) -> None:
    pod = an_object("Pod", owner="ReplicaSet llama-a", metadata={"annotations": annotations}, spec={}, status={})

    *_, node = (n for n in nodes_below(tree_of(SERVICE, READINGS | {"Pod": Reading((pod,))})) if n.kind == "Pod")

    assert node.details == tuple(detail for detail in ("node none", told) if detail)


def test_the_latest_events_of_its_objects() -> None:
    tree = tree_of(SERVICE, READINGS)
    events = [
        {"metadata": {}, "involvedObject": {"kind": "Pod", "name": "llama-1", "uid": uid}, "reason": "Pulled",
         "message": "m", "count": number, "lastTimestamp": f"2026-01-30T23:{number:02}:00Z"}
        for number in range(1, 13) for uid in ("Pod llama-1", "other")
    ]  # fmt: skip

    found = events_of(tree, events)
    told = status_json(SERVICE, tree, found, "")["events"]

    assert len(found) == 12
    assert len(told) == LATEST_EVENTS
    assert (told[0]["message"], told[0]["object"]) == ("m (x12)", "Pod llama-1")
    assert text_of(SERVICE, READINGS, events=found)[-10].split()[0] == "48m"


def test_without_a_status_it_says_so() -> None:
    assert do_next({}) == "the operator has written no status"


OBJECTS = st.fixed_dictionaries({"spec": VALUES, "status": VALUES | st.dictionaries(
    st.sampled_from(["state", "phase", "conditions", "containerStatuses", "capacity"]), VALUES)})  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted(READINGS)), OBJECTS), VALUES)
def test_any_status_is_shown_without_control_characters(parts: dict[str, dict[str, Any]], message: Any) -> None:
    readings = {kind: Reading((an_object(kind, **part),)) for kind, part in parts.items()}
    event = {"metadata": {}, "involvedObject": {"kind": message}, "message": message, "reason": message}
    service = SERVICE | {"status": {"conditions": [{"type": "Ready", "message": message}]}}

    lines = text_of(service, readings, events=[event])

    assert all(line.isprintable() for line in lines[4:])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--wait", "--timeout", "10"), '--timeout is "10" but must be'),
        (("--watch", "-o", "json"), "--watch needs"),
        (("--wait", "--watch"), "--wait ends"),
    ],
)
def test_wrong_use_is_one_line(run: Run, arguments: tuple[str, ...], told: str) -> None:
    answer = run("status", "x", *arguments)

    assert (answer.code, answer.out) == (2, "")
    assert told in answer.err
