"""`diff`: what changes between two manifests, settings or versions, and whether pods restart."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import MINIMAL, Answer, Run


@pytest.fixture
def diff(run: Run, tmp_path: Path) -> Any:
    def diff(old: str, new: str, *options: Any) -> Answer:
        (tmp_path / "old.yaml").write_text(old)
        (tmp_path / "new.yaml").write_text(new)
        return run("diff", tmp_path / "old.yaml", tmp_path / "new.yaml", *options)

    return diff


def test_nothing_changes_between_equals(diff: Any) -> None:
    answer = diff(MINIMAL, "# the same\n" + MINIMAL)

    assert (answer.code, answer.out, answer.err) == (0, "", "")


def test_replicas_change_without_a_restart(diff: Any) -> None:
    answer = diff(MINIMAL, MINIMAL + "  replicas: 2\n")

    assert answer.code == 1
    assert (
        answer.out
        == """\
RunaiNimService default/llama
  NIMService llama
- spec.replicas: 1  # spec.replicas (not set)
+ spec.replicas: 2  # spec.replicas
  pods restart: no (the pod template stays the same)
"""
    )


def test_an_image_change_restarts_pods(diff: Any) -> None:
    answer = diff(MINIMAL, MINIMAL.replace("llama:1.0", "llama:1.1"))

    assert (
        answer.out
        == """\
RunaiNimService default/llama
  NIMService llama
- spec.image.tag: '1.0'  # spec.image
+ spec.image.tag: '1.1'  # spec.image
  pods restart: yes (the pod template changes)
""".replace("'", "")
    )


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("", "  desiredPhase: Stopped\n", "no (scaled to zero)"),
        ("  desiredPhase: Stopped\n", "  category: c\n", "no (was scaled to zero)"),
        ("", "  category: c\n", "yes (the pod template changes)"),
        ("", "  replicas: 3\n", "no (the pod template stays the same)"),
    ],
)
def test_when_pods_restart(diff: Any, old: str, new: str, line: str) -> None:
    assert diff(MINIMAL + old, MINIMAL + new).out.splitlines()[-1] == f"  pods restart: {line}"


def test_a_service_that_comes_and_one_that_goes(diff: Any) -> None:
    answer = diff(MINIMAL, MINIMAL.replace("name: llama", "name: other", 1))

    lines = answer.out.splitlines()
    assert "  pods restart: no (the NIMService is deleted)" in lines
    assert "  pods restart: no (the NIMService is new)" in lines
    assert "- metadata.name: llama  # the operator" in lines
    assert "+ metadata.name: other  # the operator" in lines


def test_claims_and_items_by_name(diff: Any) -> None:
    store = "pvc: {claimInfo: {size: 10Gi}}"
    old = MINIMAL.replace("nimCache: {name: cache}", store)
    new = old.replace("10Gi", "20Gi")
    first = "  environmentVariables: [{name: A, secret: {name: s, key: a}}, {name: B, secret: {name: s, key: b}}]\n"
    second = "  environmentVariables: [{name: B, secret: {name: s, key: c}}]\n"

    lines = diff(old + first, new + second).out.splitlines()

    assert lines == [
        "RunaiNimService default/llama",
        "  NIMService llama",
        "- spec.env[A].name: A  # spec.environmentVariables",
        "- spec.env[A].valueFrom.secretKeyRef.name: s  # spec.environmentVariables",
        "- spec.env[A].valueFrom.secretKeyRef.key: a  # spec.environmentVariables",
        "- spec.env[B].valueFrom.secretKeyRef.key: b  # spec.environmentVariables",
        "+ spec.env[B].valueFrom.secretKeyRef.key: c  # spec.environmentVariables",
        "  PersistentVolumeClaim llama-model-store",
        "- spec.resources.requests.storage: 10Gi  # spec.modelStore.pvc.claimInfo.size",
        "+ spec.resources.requests.storage: 20Gi  # spec.modelStore.pvc.claimInfo.size",
        "  pods restart: yes (the pod template changes)",
    ]


def test_values_that_may_be_secrets_are_not_shown(diff: Any) -> None:
    claim = MINIMAL.replace(
        "nimCache: {name: cache}",
        "pvc: {claimInfo: {size: 10Gi, addedAttrValues: [{key: token, value: hunter1}]}}",
    )
    old = claim + "  environmentVariables: [{name: A, value: hunter1}]\n"
    answer = diff(old, old.replace("hunter1", "hunter2"))

    assert "hunter" not in answer.out + answer.err
    assert "- spec.env[A].value: (not shown)  # spec.environmentVariables" in answer.out
    assert "+ metadata.annotations.token: (not shown)" in answer.out
    assert "hunter" not in diff(old, old.replace("hunter1", "hunter2"), "-o", "json").out


def test_other_settings(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cr.yaml").write_text(MINIMAL)
    (tmp_path / "old.yaml").write_text("scheduler_name: one\n")
    (tmp_path / "new.yaml").write_text("scheduler_name: two\n")

    files = ("--settings", tmp_path / "old.yaml", "--new-settings", tmp_path / "new.yaml")
    answer = run("diff", "-f", tmp_path / "cr.yaml", *files)

    assert answer.code == 1
    assert answer.out.splitlines()[2:] == [
        "- spec.schedulerName: one  # always: spec.schedulerName (setting scheduler_name)",
        "+ spec.schedulerName: two  # always: spec.schedulerName (setting scheduler_name)",
        "  pods restart: yes (the pod template changes)",
    ]


LIMITED = (
    MINIMAL.replace(
        "{gpuDevicesRequest: 1}", "{gpuRequestType: portion, gpuPortionRequest: 0.5, gpuPortionLimit: 0.75}"
    )
    + "  environmentVariables: [{name: NIM_KVCACHE_PERCENT, value: '0.45'}]\n"
)


@pytest.mark.parametrize("given", [(), ("--gpu-fraction-keys", "annotations")])
def test_an_upgrade_of_the_scheduler(run: Run, tmp_path: Path, given: tuple[str, ...]) -> None:
    (tmp_path / "cr.yaml").write_text(LIMITED)
    (tmp_path / "next.yaml").write_text("gpu_fraction_keys: shorthand\n")

    answer = run("diff", "-f", tmp_path / "cr.yaml", "--new-settings", tmp_path / "next.yaml", *given)

    assert answer.code == 1
    said, *others = answer.out.splitlines()[1:]
    assert said.startswith('- warning: spec.compute.gpuPortionLimit is "0.75" but should not be relied on')
    assert others == [
        "  NIMService llama",
        "- spec.annotations[gpu-fraction-limit]: 0.75  # spec.compute.gpuPortionLimit",
        "+ spec.annotations[gpu-fraction.limit]: 0.75  # spec.compute.gpuPortionLimit",
        "  pods restart: yes (the pod template changes)",
    ]


def test_an_upgrade_of_the_scheduler_replaces_no_pod_without_a_limit(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cr.yaml").write_text(LIMITED.replace(", gpuPortionLimit: 0.75", ""))
    (tmp_path / "next.yaml").write_text("gpu_fraction_keys: nvfractions\n")

    assert run("diff", "-f", tmp_path / "cr.yaml", "--new-settings", tmp_path / "next.yaml").code == 0


def test_an_upgrade_of_the_scheduler_that_refuses_a_resource(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cr.yaml").write_text(LIMITED.replace("name: llama\n", f"name: {'a' * 25}\n", 1))
    (tmp_path / "next.yaml").write_text("gpu_fraction_keys: nvfractions\n")

    answer = run("diff", "-f", tmp_path / "cr.yaml", "--new-settings", tmp_path / "next.yaml")

    assert answer.code == 1
    assert "+ error: metadata.name is" in answer.out
    assert "pods restart" not in answer.out


def test_another_version_of_the_nim_operator(run: Run) -> None:
    versions = ("--nim-operator", "3.0.1", "--new-nim-operator", "3.1.2")
    answer = run("diff", "-f", "-", *versions, stdin=MINIMAL + "  nodePools: [a]\n")

    assert answer.code == 1
    assert answer.out == (
        "RunaiNimService default/llama\n"
        "- error: spec.nodePools must not require spec.affinity, which the NIMService kind of this cluster lacks:"
        " change it, or install NIM Operator 3.0.2 or newer\n"
    )


def test_json_says_the_same(diff: Any) -> None:
    answer = diff(MINIMAL, MINIMAL + "  replicas: 2\n  imagePullPolicy: Always\n", "-o", "json")

    assert answer.code == 1
    assert json.loads(answer.out) == [
        {
            "resource": "default/llama",
            "findings": [],
            "changes": [
                {"object": "NIMService llama", "path": "spec.replicas", "old": 1, "new": 2, "from": "spec.replicas"},
                {
                    "object": "NIMService llama",
                    "path": "spec.image.pullPolicy",
                    "new": "Always",
                    "from": "spec.imagePullPolicy",
                },
            ],
            "podsRestart": True,
            "podsRestartReason": "the pod template changes",
        }
    ]


@pytest.mark.parametrize("option", ["--kubeconfig", "--context"])
def test_options_of_the_cluster_are_for_the_cluster(run: Run, option: str) -> None:
    answer = run("diff", "a.yaml", "b.yaml", option, "x")

    assert (answer.code, answer.out, answer.err) == (2, "", "--kubeconfig and --context need --live\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["a.yaml"],
        ["a.yaml", "b.yaml", "--live"],
        ["a.yaml", "b.yaml", "-f", "c.yaml"],
        ["-f", "a.yaml"],
        ["--live"],
        ["-f", "a.yaml", "--live", "--new-settings", "s.yaml"],
    ],
)
def test_wrong_use(run: Run, arguments: list[str]) -> None:
    answer = run("diff", *arguments)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "diff needs A and B, or -f with one of --live, --new-settings and --new-nim-operator\n"


def test_what_can_t_be_read_is_trouble(diff: Any) -> None:
    answer = diff(MINIMAL, "a: [")

    assert (answer.code, answer.out) == (2, "")
    assert "new.yaml:2:1: error: must be YAML or JSON" in answer.err


def test_one_resource_twice_is_trouble(diff: Any) -> None:
    answer = diff(MINIMAL, f"{MINIMAL}---\n{MINIMAL}")

    assert answer.code == 2
    assert answer.err.endswith(
        "new.yaml:13:1: error: default/llama must be defined once: remove one, or set another namespace\n"
    )
