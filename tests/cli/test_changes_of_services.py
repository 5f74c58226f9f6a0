"""What commands change in RunaiNimServices as the API server returns them, and what they refuse."""

from datetime import UTC, datetime
from typing import Any

import pytest

from runai_nim.cli.cluster.service_change import Change, pause, restart, resume, scale, start, stop
from tests.cli.conftest import Run

NOW = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
AT = "2026-01-31T12:00:00Z"
PAUSED = {"annotations": {"runai-nim.io/paused": "true"}}
ARGO: dict[str, Any] = {"annotations": {"argocd.argoproj.io/tracking-id": "x"}}


def a_service(metadata: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "llama", "namespace": "team-a"} | (metadata or {}), "spec": spec}


def told(service: dict[str, Any], change: Change) -> list[str]:
    assert not change.refusal
    return change.lines(service) or [change.done]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("scale llama -1", 'N, the number of replicas, is "-1" but must be a whole number from 0 to 1000'),
        ("scale -1 llama -n a", 'N, the number of replicas, is "-1" but must be a whole number from 0 to 1000'),
        ("scale llama --force -1.5", 'N, the number of replicas, is "-1.5" but must be'),
        ("scale llama -n -1 2", '--namespace is "-1" but must be the name of a namespace'),
        ("scale llama 1001", 'N, the number of replicas, is "1001" but must be'),
        ("scale llama two", 'N, the number of replicas, is "two" but must be'),
        ("start llama --replicas -1", '--replicas is "-1" but must be a whole number from 1 to 1000'),
        ("start llama --replicas 0", '--replicas is "0" but must be'),
        ("logs llama --tail -1", '--tail is "-1" but must be a whole number from 0 to 1000000000'),
        ("logs llama --tail 99999999999999999999", "--tail is"),
        ("status llama --timeout -5", '--timeout is "-5" but must be a number with a unit, such as 90s'),
        ("status llama -n ../x", '--namespace is "../x" but must be the name of a namespace: lower case letters'),
        ("list -n A", '--namespace is "A" but must be'),
        ("diff -f x --live -n a/b", '--namespace is "a/b" but must be'),
        ("import --live -n a/b", '--namespace is "a/b" but must be'),
        ("policy check -f x --live -n a/b", '--namespace is "a/b" but must be'),
        ("list --kubeconfig EMPTY", '--kubeconfig is "" but must be a file'),
        ("doctor --context EMPTY", '--context is "" but must be a context of the kubeconfig'),
        ("stop EMPTY", 'NAME is "" but must be the name of a RunaiNimService: runai-nim list shows all'),
        ("stop llama EMPTY", 'NAME is ""'),
        ("status EMPTY", 'NAME is ""'),
        ("logs EMPTY", 'NAME is ""'),
        ("scale EMPTY 1", 'NAME is ""'),
    ],
)
def test_nonsense_is_named_before_the_cluster_is_asked(run: Run, arguments: str, message: str) -> None:
    words = ["" if word == "EMPTY" else word for word in arguments.split()]
    answer = run(*words)

    assert answer.code == 2
    assert answer.err.startswith(message)


@pytest.mark.parametrize(
    ("spec", "lines"),
    [
        ({}, ["spec.desiredPhase: (not set) → Stopped"]),
        ({"desiredPhase": "Running", "replicas": 2}, ["spec.desiredPhase: Running → Stopped"]),
        ({"autoscaling": {"minReplicas": 1}}, ["spec.desiredPhase: (not set) → Stopped"]),
        ({"desiredPhase": "Stopped"}, ["is stopped already"]),
        ({"replicas": 0}, ["is stopped already"]),
    ],
)
def test_stop(spec: dict[str, Any], lines: list[str]) -> None:
    service = a_service(**spec)

    assert told(service, stop(service)) == lines


@pytest.mark.parametrize(
    ("spec", "replicas", "lines"),
    [
        ({"desiredPhase": "Stopped"}, None, ["spec.desiredPhase: Stopped → Running"]),
        ({"desiredPhase": "Stopped"}, 2, ["spec.desiredPhase: Stopped → Running", "spec.replicas: (not set) → 2"]),
        ({"desiredPhase": "Stopped", "replicas": 2}, 2, ["spec.desiredPhase: Stopped → Running"]),
        ({"replicas": 0}, None, ["spec.replicas: 0 → 1"]),
        ({"desiredPhase": "Stopped", "autoscaling": {}}, None, ["spec.desiredPhase: Stopped → Running"]),
        ({"replicas": 2}, None, ["is started already"]),
    ],
)
def test_start(spec: dict[str, Any], replicas: int | None, lines: list[str]) -> None:
    service = a_service(**spec)

    assert told(service, start(service, replicas, None)) == lines


@pytest.mark.parametrize(
    ("spec", "replicas", "lines"),
    [
        ({}, 3, ["spec.replicas: (not set) → 3"]),
        ({"replicas": 3}, 0, ["spec.replicas: 3 → 0"]),
        ({"replicas": 3}, 3, ["has spec.replicas: 3 already"]),
        ({}, 1, ["has 1 replica already, the default of spec.replicas"]),
        ({"multiNode": {"workers": 1}, "replicas": 2}, 1, ["spec.replicas: 2 → 1"]),
    ],
)
def test_scale(spec: dict[str, Any], replicas: int, lines: list[str]) -> None:
    service = a_service(**spec)

    assert told(service, scale(service, replicas, 2 if "multiNode" in spec else None)) == lines


def test_what_the_operator_would_reject_is_refused() -> None:
    autoscaled = a_service(autoscaling={"minReplicas": 2, "maxReplicas": 5})
    multi_node = a_service(multiNode={"workers": 1}, replicas=2)

    for change in (scale(autoscaled, 3, None), start(autoscaled, 3, None), scale(autoscaled, 1, None)):
        assert change.refusal.startswith("has autoscaling, which sets 2 to 5 replicas: set spec.autoscaling.minRepl")
    single = scale(a_service(autoscaling={"maxReplicas": 1}), 3, None).refusal
    assert single.startswith("has autoscaling, which sets 1 to 1 replica: set spec.autoscaling")
    for change in (scale(multi_node, 3, 2), start(multi_node, 3, 2)):
        assert change.refusal.startswith("has multiNode, whose replicas must be at most 2, as when")
    assert not scale(multi_node, 3, None).refusal


def test_what_else_has_to_be_done_is_noted() -> None:
    assert stop(a_service(PAUSED)).note == "is paused: the operator acts on it after runai-nim resume"
    assert scale(a_service(desiredPhase="Stopped"), 3, None).note.startswith("is stopped: runai-nim start")
    assert scale(a_service(desiredPhase="Stopped"), 0, None).note == ""
    assert stop(a_service()).note == ""


@pytest.mark.parametrize(
    ("status", "meanwhile"), [({"nimServiceName": "llama"}, "the last valid one stays in force"), ({}, "no pods run")]
)
def test_what_waits_for_a_correct_spec_says_so(status: dict[str, Any], meanwhile: str) -> None:
    rejected = {"type": "Translated", "status": "False", "observedGeneration": 2}
    service = a_service({"generation": 2}, replicas=2) | {"status": {"conditions": [rejected], **status}}

    notes = {change.note for change in (stop(service), scale(service, 3, None), restart(service, NOW))}
    assert notes == {
        f"has a spec that the operator rejects: until it is correct, {meanwhile}; runai-nim status says what is wrong"
    }
    assert pause(service).note == ""


def test_a_change_of_the_spec_belongs_to_the_tool_that_manages_the_resource() -> None:
    for change in (
        stop(a_service(ARGO)),
        start(a_service(ARGO, replicas=0), None, None),
        scale(a_service(ARGO), 2, None),
    ):
        assert change.owner == "Argo CD"


def test_restart() -> None:
    running = a_service({"annotations": {"runai-nim.io/restarted-at": "before"}})

    assert told(running, restart(running, NOW)) == [f"metadata.annotations[runai-nim.io/restarted-at]: before → {AT}"]
    again = a_service({"annotations": {"runai-nim.io/restarted-at": AT}})
    assert told(again, restart(again, NOW)) == ["was restarted this second"]
    for spec in ({"desiredPhase": "Stopped"}, {"replicas": 0}):
        assert told({}, restart(a_service(**spec), NOW)) == ["is stopped, so it has no pods to restart"]
    assert restart(a_service(PAUSED), NOW).refusal.startswith("is paused, so the operator would not restart it")


def test_pause_and_resume() -> None:
    path = "metadata.annotations[runai-nim.io/paused]"
    running = a_service({"annotations": {"runai-nim.io/paused": "false"}})
    paused = a_service(PAUSED)

    assert told(a_service(), pause(a_service())) == [f"{path}: (not set) → true"]
    assert told(running, pause(running)) == [f"{path}: false → true"]
    assert told(paused, pause(paused)) == ["is paused already"]
    assert told(paused, resume(paused)) == [f"{path}: true → (not set)"]
    assert told(running, resume(running)) == ["is not paused"]


def test_an_annotation_that_git_does_not_have_stays() -> None:
    fields: dict[str, Any] = {"f:metadata": {"f:annotations": {"f:runai-nim.io/paused": {}}}}
    in_git = {"managedFields": [{"manager": "argocd-controller", "fieldsV1": fields}]}

    assert pause(a_service(ARGO)).owner is None
    assert resume(a_service({"annotations": ARGO["annotations"] | PAUSED["annotations"]})).owner is None
    assert resume(a_service(PAUSED | in_git)).owner == "Argo CD"
    assert restart(a_service(ARGO), NOW).owner is None


def test_a_change_is_a_merge_patch() -> None:
    assert Change(spec={"replicas": 3}).as_merge_patch() == {"spec": {"replicas": 3}}
    assert Change(annotations={"a": None}).as_merge_patch() == {"metadata": {"annotations": {"a": None}}}
    assert Change().is_nothing


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("start", "llama", "-1"), "No such option: -1"),
        (("stop",), "Missing argument 'NAME...'"),
        (
            ("stop", "llama", "--dry-run=client"),
            "Invalid value for '--dry-run': 'client' is not one of 'none', 'server'.",
        ),
        (("stop", "llama", "--kubeconfig", "/nonexistent/file"), "no usable kubeconfig: "),
    ],
)
def test_wrong_use_is_short(run: Run, arguments: tuple[str, ...], said: str) -> None:
    answer = run(*arguments)

    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert "Traceback" not in answer.err
