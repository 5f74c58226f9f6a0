"""Policies on a real API server: what they give and forbid, and that a change of one restarts no model."""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from local.cluster import LocalCluster, Program
from local.objects import Objects, wait_for
from tests.cluster.conftest import Command
from tests.support.permissions import Permission
from tests.support.policies import CLUSTER_POLICY, POLICY, Policy, cap, counted, policy, status, valid
from tests.support.services import (
    CR,
    NIMSERVICE,
    condition,
    present,
    reason,
    sample,
    serve,
    settled,
)

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")

REVISION = "apps/v1 ControllerRevision"


def variable(value: str) -> dict[str, Any]:
    """Defaults that add an environment variable."""
    return {"environmentVariables": {"instances": [{"name": "TEAM", "value": value}]}}


def team(objects: Objects, name: str = "llama-8b") -> str:
    """The value of the variable in the NIMService."""
    env = present(objects, NIMSERVICE, name)["spec"].get("env", [])
    return str(next((item["value"] for item in env if item["name"] == "TEAM"), ""))


def generation(objects: Objects) -> int:
    return int(present(objects, NIMSERVICE, "llama-8b")["metadata"]["generation"])


def complies(objects: Objects, want: str) -> bool:
    return wait_for(lambda: reason(objects, "llama-8b", "PolicyCompliant") == want)


def revisions(objects: Objects) -> list[dict[str, Any]]:
    return objects.list(REVISION, "runai-nim.io/service=llama-8b")


def test_a_policy_gives_and_bounds(objects: Objects) -> None:
    objects.apply(policy(defaults=variable("a"), rules=cap(0.5)))
    serve(objects, compute={"gpuDevicesRequest": 1, "gpuRequestType": "portion", "gpuPortionRequest": 0.5})
    assert team(objects) == "a"
    assert present(objects, CR, "llama-8b")["status"]["policies"] == [{"name": "gpu-team", "scope": "project"}]
    assert complies(objects, "Compliant")
    (revision,) = revisions(objects)
    (owner,) = revision["metadata"]["ownerReferences"]
    assert owner["uid"] == present(objects, CR, "llama-8b")["metadata"]["uid"]
    wait_for(lambda: status(objects).get("matched") == 1 and status(objects).get("violating") == 0)
    assert valid(objects, "True")["reason"] == "InForce"
    assert "inForce" in status(objects)


def test_what_breaks_a_rule_is_not_written_until_it_may(objects: Objects) -> None:
    objects.apply(policy(rules=cap(0.3)))
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "PolicyViolation")
    assert "by policy gpu-team (project)" in condition(objects, "llama-8b", "Ready")["message"]
    assert objects.get(NIMSERVICE, "llama-8b") is None
    wait_for(lambda: status(objects).get("violating") == 1)
    objects.apply(policy(rules=cap(0.5)))
    settled(objects, "llama-8b", "Running")
    wait_for(lambda: status(objects).get("violating") == 0)


def test_a_policy_after_a_model_restarts_nothing(objects: Objects, operator_process: Program) -> None:
    serve(objects)
    before = generation(objects)
    assert reason(objects, "llama-8b", "PolicyCompliant") == ""
    objects.apply(policy(defaults=variable("a"), rules=cap(0.3)))
    assert complies(objects, "PolicyViolation")
    wait_for(lambda: status(objects).get("violating") == 1)
    assert reason(objects, "llama-8b") == "Running"
    assert (generation(objects), team(objects)) == (before, "")
    # What drifts is put back as it was rendered, also by the next process.
    operator_process.start()
    objects.patch(NIMSERVICE, "llama-8b", {"spec": {"schedulerName": "theirs"}})
    wait_for(lambda: present(objects, NIMSERVICE, "llama-8b")["spec"]["schedulerName"] == "runai-scheduler")
    assert team(objects) == ""
    # A change is held to the policy, and what ran runs on.
    objects.patch(CR, "llama-8b", {"spec": {"replicas": 2}})
    settled(objects, "llama-8b", "PolicyViolation")
    assert present(objects, NIMSERVICE, "llama-8b")["spec"]["replicas"] == 1
    # It can be stopped.
    objects.patch(CR, "llama-8b", {"spec": {"replicas": 0}})
    settled(objects, "llama-8b", "Stopped")
    objects.patch(CR, "llama-8b", {"spec": {"replicas": 1, "compute": {"gpuPortionRequest": 0.3}}})
    settled(objects, "llama-8b", "Running", generation=present(objects, CR, "llama-8b")["metadata"]["generation"])
    assert team(objects) == "a"
    assert complies(objects, "Compliant")


def test_a_changed_default_waits_for_the_next_change(objects: Objects, operator_process: Program) -> None:
    objects.apply(policy(defaults=variable("a")))
    serve(objects)
    before = generation(objects)
    operator_process.stop()
    objects.apply(policy(defaults=variable("b")))
    operator_process.start()
    assert complies(objects, "PolicyChanged")
    assert "spec.environmentVariables would change" in condition(objects, "llama-8b", "PolicyCompliant")["message"]
    assert (generation(objects), team(objects)) == (before, "a")
    objects.patch(CR, "llama-8b", {"spec": {"replicas": 2}})
    wait_for(lambda: team(objects) == "b")
    assert complies(objects, "Compliant")
    wait_for(lambda: len(revisions(objects)) == 1)
    objects.delete(POLICY, "gpu-team")
    assert complies(objects, "PolicyChanged")
    assert team(objects) == "b"
    objects.patch(CR, "llama-8b", {"spec": {"replicas": 3}})
    wait_for(lambda: team(objects) == "")
    wait_for(lambda: reason(objects, "llama-8b", "PolicyCompliant") == "" and not revisions(objects))
    assert "policies" not in present(objects, CR, "llama-8b")["status"]


def test_immediate_changes_what_runs(objects: Objects) -> None:
    objects.apply(policy(defaults=variable("a"), enforcement="Immediate"))
    serve(objects)
    objects.apply(policy(defaults=variable("b"), enforcement="Immediate"))
    wait_for(lambda: team(objects) == "b")
    wait_for(lambda: len(revisions(objects)) == 1)
    objects.apply(policy(rules=cap(0.3), enforcement="Immediate"))
    settled(objects, "llama-8b", "PolicyViolation")
    assert present(objects, NIMSERVICE, "llama-8b")


def test_a_typo_leaves_the_last_valid_version_in_force(
    objects: Objects, operator_process: Program, cluster_policies: Callable[[Policy], None], namespace: str
) -> None:
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    name = f"{namespace}-wide"
    cluster_policies(policy(name, CLUSTER_POLICY, rules={"replicas": {"max": 4}}, namespaceSelector=selector))
    objects.apply(policy(rules=cap(0.3)))
    valid(objects, "True")
    objects.apply(policy(rules={"compute": {"gpuPortionRequest": {"max": 1}}, "replicas": {"min": 5}}))
    told = valid(objects, "False")
    assert told["reason"] == "ConflictingFields"
    assert f"policy {name} (cluster)" in told["message"]
    assert "the last valid version, generation 1, stays in force" in told["message"]
    operator_process.start()
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "PolicyViolation")
    now: dict[str, Any] = {"rules": {"replicas": {"max": 3}}}
    objects.apply(policy(**now))
    valid(objects, "True")
    assert status(objects)["inForce"]["spec"] == now
    settled(objects, "llama-8b", "Running")
    assert present(objects, CR, "llama-8b")["status"]["policies"] == [
        {"name": name, "scope": "cluster"},
        {"name": "gpu-team", "scope": "project"},
    ]


def test_who_came_first_does_not_go_round_a_wider_policy(
    objects: Objects, operator_process: Program, cluster_policies: Callable[[Policy], None], namespace: str
) -> None:
    objects.apply(policy(defaults=variable("own")))
    valid(objects, "True")
    serve(objects)
    before = generation(objects)
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    locked = {"environmentVariables": {"instances": {"locked": ["TEAM"]}}}
    wide = policy(f"{namespace}-w", CLUSTER_POLICY, defaults=variable("b"), rules=locked, namespaceSelector=selector)
    cluster_policies(wide)
    assert "which locks it" in valid(objects, "False")["message"]
    assert complies(objects, "PolicyChanged")
    operator_process.start()
    objects.patch(NIMSERVICE, "llama-8b", {"spec": {"schedulerName": "theirs"}})
    wait_for(lambda: present(objects, NIMSERVICE, "llama-8b")["spec"]["schedulerName"] == "runai-scheduler")
    assert team(objects) == "own"  # what runs, runs on
    objects.patch(CR, "llama-8b", {"spec": {"replicas": 2}})
    wait_for(lambda: team(objects) == "b")
    assert generation(objects) > before
    assert complies(objects, "Compliant")


def test_a_rule_that_is_gone_is_not_in_force(objects: Objects) -> None:
    objects.apply(policy(defaults=variable("a"), rules=cap(0.3)))
    valid(objects, "True")
    objects.apply(policy(rules={"replicas": {"max": 3}}))
    valid(objects, "True")
    assert status(objects)["inForce"] == {"generation": 2, "spec": {"rules": {"replicas": {"max": 3}}}}


def test_what_an_earlier_service_left_is_not_in_the_way(
    objects: Objects, kubectl: Callable[..., str], namespace: str
) -> None:
    objects.apply(policy(defaults=variable("a")))
    serve(objects)
    kubectl("delete", "runainimservice", "llama-8b", "-n", namespace, "--cascade=orphan")
    kubectl("delete", "nimservice", "llama-8b", "-n", namespace)
    wait_for(lambda: objects.get(CR, "llama-8b") is None)
    serve(objects)
    assert team(objects) == "a"


@pytest.fixture
def of_department(objects: Objects, cluster_policies: Callable[[Policy], None], namespace: str) -> str:
    """Name of a valid policy for namespaces whose label example.com/department is this namespace's name."""
    selector = {"matchLabels": {"example.com/department": namespace}}
    name = f"{namespace}-ml"
    cluster_policies(
        policy(name, CLUSTER_POLICY, defaults=variable("ml"), namespaceSelector=selector, scope="department")
    )
    valid(objects, "True", name, CLUSTER_POLICY)
    return name


def test_a_namespace_that_is_relabelled_has_other_policies(
    objects: Objects, of_department: str, namespace: str, kubectl: Callable[..., str]
) -> None:
    serve(objects)
    assert team(objects) == ""
    kubectl("label", "namespace", namespace, f"example.com/department={namespace}")
    assert complies(objects, "PolicyChanged")
    counted(objects, of_department, CLUSTER_POLICY, matched=1)
    objects.patch(CR, "llama-8b", {"spec": {"replicas": 2}})
    wait_for(lambda: team(objects) == "ml")
    kubectl("label", "namespace", namespace, "example.com/department-")
    assert complies(objects, "PolicyChanged")
    assert team(objects) == "ml"


@pytest.mark.usefixtures("of_department")
def test_a_label_counts_for_what_is_applied_after_it(
    objects: Objects, namespace: str, kubectl: Callable[..., str]
) -> None:
    for index in range(8):  # at the operator the label may arrive after what is applied then
        want = "" if index % 2 else "ml"
        kubectl("label", "namespace", namespace, f"example.com/department{f'={namespace}' if want else '-'}")
        one = sample("gpu-portion", modelStore={"nimCache": {"name": "shared"}})
        one["metadata"]["name"] = f"llama-{index}"
        objects.apply(one)
        wait_for(partial(objects.get, NIMSERVICE, one["metadata"]["name"]))
        assert team(objects, one["metadata"]["name"]) == want


def test_what_an_immediate_policy_refused_is_not_restarted_by_the_next_one(objects: Objects) -> None:
    serve(objects)
    before = generation(objects)
    objects.apply(policy(rules=cap(0.3), enforcement="Immediate"))
    settled(objects, "llama-8b", "PolicyViolation")
    objects.apply(policy(defaults=variable("a"), rules=cap(0.5)))
    settled(objects, "llama-8b", "Running")
    assert complies(objects, "PolicyChanged")
    assert (generation(objects), team(objects)) == (before, "")


def test_a_mistake_in_a_selector_leaves_no_namespace_without_policy(
    objects: Objects, cluster_policies: Callable[[Policy], None], namespace: str, kubectl: Callable[..., str]
) -> None:
    kubectl("label", "namespace", namespace, f"example.com/department={namespace}")
    name = f"{namespace}-dep"
    mine = {"matchLabels": {"example.com/department": namespace}}
    cluster_policies(policy(f"{namespace}-all", CLUSTER_POLICY, rules={"replicas": {"max": 4}}))
    bounds = policy(name, CLUSTER_POLICY, rules=cap(0.3), namespaceSelector=mine, scope="department")
    cluster_policies(bounds)
    valid(objects, "True", name, CLUSTER_POLICY)
    elsewhere = {"matchLabels": {"kubernetes.io/metadata.name": "default"}}
    wrong = {**cap(0.3), "replicas": {"min": 5}}
    cluster_policies(policy(name, CLUSTER_POLICY, rules=wrong, namespaceSelector=elsewhere, scope="department"))
    valid(objects, "False", name, CLUSTER_POLICY)
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "PolicyViolation")


def large(name: str, kilobytes: int) -> Policy:
    """A policy with defaults of this size."""
    items = [{"name": f"{name.upper()}_{index}", "value": "x" * 32_000} for index in range(kilobytes // 32)]
    return policy(name, defaults={"environmentVariables": {"instances": items}})


def test_what_is_too_large_says_so(objects: Objects) -> None:
    objects.apply(large("huge", 320))
    assert "spec must have at most 256 KiB as JSON" in valid(objects, "False", "huge")["message"]
    names = [f"p{number}" for number in range(8)]
    for name in names:
        objects.apply(large(name, 224))
    for name in names:
        valid(objects, "True", name)
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "WriteRefused")
    message = condition(objects, "llama-8b", "Ready")["message"]
    assert "which keeps the defaults of its policies: " in message
    assert message.endswith("request is too large; shorten what it is made from")
    objects.delete(POLICY, "p0")
    settled(objects, "llama-8b", "Running")


@pytest.fixture
def told_of(command: Command, namespace: str) -> Callable[..., tuple[int, str]]:
    """Run the command line as administrator with an object as its input: its exit code and output."""

    def run(words: str, obj: dict[str, Any]) -> tuple[int, str]:
        code, out, err = command(*words.split(), "-n", namespace, "-f", "-", stdin=json.dumps(obj))
        return code, out + err

    return run


@pytest.mark.long
def test_before_it_is_applied_it_is_known_what_it_changes(
    objects: Objects, told_of: Callable[..., tuple[int, str]], namespace: str
) -> None:
    serve(objects)
    code, told = told_of("policy check --live", policy(defaults=variable("a")))
    assert code == 1, told
    assert f"RunaiNimService {namespace}/llama-8b, with the next change of its spec" in told
    assert "0 would change at once, pods of 0 would restart; 1 would change with the next change of their spec" in told
    code, told = told_of("policy check --live", policy(defaults=variable("a"), enforcement="Immediate"))
    assert code == 3, told
    assert "pods restart: yes" in told
    code, told = told_of("policy check --live", policy(rules=cap(0.3)))
    assert code == 4, told
    assert "1 would break a rule" in told
    code, told = told_of("policy check --live", policy(rules={"replicas": {"min": 3, "max": 2}}))
    assert code == 2, told
    objects.apply(policy(defaults=variable("a")))
    assert complies(objects, "PolicyChanged")
    assert told_of("policy check --live", policy(defaults=variable("a")))[0] == 0
    mine = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    fixed = {"environmentVariables": {"instances": {"locked": ["TEAM"]}}}
    wide = policy("wide", CLUSTER_POLICY, defaults=variable("b"), rules=fixed, namespaceSelector=mine)
    code, told = told_of("policy check --live", wide)
    assert code == 1, told
    assert f"{namespace}/gpu-team: warning: policy gpu-team (project) would no longer be in force as it is" in told
    # diff --live knows what the operator keeps, and what a change of the spec brings.
    code, told = told_of("diff --live", sample("gpu-portion"))
    assert code == 0, told
    code, told = told_of("diff --live", sample("gpu-portion", replicas=2))
    assert code == 1
    assert "spec.env[TEAM].value: (not shown)  # spec.environmentVariables" in told


def test_a_revision_of_others_is_in_nobodys_way(objects: Objects, told_of: Callable[..., tuple[int, str]]) -> None:
    serve(objects)
    owner = present(objects, CR, "llama-8b")["metadata"]
    reference = {"apiVersion": "runai-nim.io/v1alpha1", "kind": "RunaiNimService", "name": "llama-8b"}
    theirs = {
        "name": "theirs",
        "labels": {"runai-nim.io/service": "llama-8b"},
        "ownerReferences": [{**reference, "uid": owner["uid"], "controller": True}],
    }
    data = {"data": {"policies": "none"}, "revision": 1}
    objects.apply({"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": theirs, **data})
    code, told = told_of("policy check --live", policy(rules=cap(0.3)))
    assert (code, "1 would break a rule" in told) == (4, True), told


@pytest.mark.long
def test_policies_that_may_not_be_read_are_told_of(
    objects: Objects, told_of: Callable[..., tuple[int, str]], reader: Callable[..., Path]
) -> None:
    serve(objects)
    code, told = told_of(f"policy check --live --kubeconfig {reader('get,list')}", policy(rules=cap(0.3)))
    assert code == 4, told
    assert "1 would break a rule" in told
    for kind in ("runainimpolicies", "clusterrunainimpolicies", "controllerrevisions"):
        assert f"{kind}: warning: should be readable, and you may not list them" in told


def test_nothing_is_written_while_policies_are_unknown(
    objects: Objects, operator_process: Program, cluster: LocalCluster, without: Any
) -> None:
    operator_process.stop()
    with without(Permission("list", "runai-nim.io", "runainimpolicies")):
        operator_process.start()
        objects.apply(sample("gpu-portion"))
        time.sleep(3)
        assert objects.get(NIMSERVICE, "llama-8b") is None
    settled(objects, "llama-8b", "Running", 60)
