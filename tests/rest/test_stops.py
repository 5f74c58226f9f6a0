"""The stop of a workload whose stored spec is invalid: it is stored, and the answer says what holds meanwhile."""

import json
from collections.abc import Callable, Iterator
from subprocess import CalledProcessError
from typing import Any

import httpx
import pytest

from local.control_plane import ControlPlane
from local.objects import wait_for
from tests.rest.conftest import SPEC, Project, spec_of
from tests.rest.test_batches import BATCH, outcome
from tests.rest.test_policies_of_workloads import issues, set_policy

Http = Callable[..., httpx.Response]
Kubectl = Callable[..., str]
PATH = "/api/v2/workloads/nim-services"
CRD = "runainimservices.runai-nim.io"
RULE = "!has(self.autoscaling) || !has(self.replicas) || self.replicas == 1"
BROKEN = {**SPEC, "image": None, "labels": [{"name": "runai/queue", "value": "x"}]}
"""The API server accepts it, the operator doesn't."""
WHAT_TO_DO = (
    "correct the spec by a PATCH, or delete the workload; phaseMessage of GET /api/v1/workloads/{id} says what is wrong"
)
NOTHING_RUNS = (
    "the operator rejects the stored spec, so no pods run, and the stop holds for the spec after its correction: "
    + WHAT_TO_DO
)
NOT_STORED = (
    "the API server stores no stop while the rest of the stored spec is invalid, and no pods run: " + WHAT_TO_DO
)
LAST_RUNS = (
    "the operator rejects the stored spec, so it doesn't act on this stop, and the last valid spec stays in force: "
)


def applied(kubectl: Kubectl, project: Project, spec: dict[str, Any], name: str = "llama") -> str:
    """The id of a workload that kubectl creates."""
    manifest = {
        "apiVersion": "runai-nim.io/v1alpha1",
        "kind": "RunaiNimService",
        "metadata": {"name": name, "namespace": project.namespace},
        "spec": {field: value for field, value in spec.items() if value is not None},
    }
    kubectl("create", "--filename=-", stdin=json.dumps(manifest))
    at = (name, f"--namespace={project.namespace}")
    return kubectl("get", "rnim", *at, "--output=jsonpath={.metadata.uid}")


def set_status(kubectl: Kubectl, project: Project, **status: Any) -> None:
    """As the operator would."""
    at = ("llama", f"--namespace={project.namespace}", "--subresource=status", "--type=merge")
    kubectl("patch", "rnim", *at, f"--patch={json.dumps({'status': status})}")


def test_a_stop_says_that_nothing_runs(http: Http, project: Project, kubectl: Kubectl) -> None:
    at = f"{PATH}/{applied(kubectl, project, BROKEN)}"
    stored = spec_of(kubectl, project)

    tried = http("PATCH", at, json={"spec": {"desiredPhase": "Stopped"}}, params={"dryRun": "true"})
    assert (tried.status_code, tried.json()["details"], spec_of(kubectl, project)) == (200, NOTHING_RUNS, stored)
    answer = http("PATCH", at, json={"spec": {"desiredPhase": "Stopped", "replicas": 1}})

    assert (answer.status_code, answer.json()["details"]) == (202, NOTHING_RUNS)
    assert answer.json()["desiredPhase"] == "Stopped"
    assert "complianceIssues" not in answer.json()
    assert spec_of(kubectl, project) == {**stored, "desiredPhase": "Stopped"}
    # It is neither started nor changed otherwise, and the correction keeps the stop.
    assert "image" in dict(issues(http("PATCH", at, json={"spec": {"desiredPhase": "Running"}})))
    assert "image" in dict(issues(http("PATCH", at, json={"spec": {"category": "chat"}})))
    corrected = http("PATCH", at, json={"spec": {"image": SPEC["image"]}, "fieldsToRemove": ["labels"]})
    assert (corrected.status_code, corrected.json()["desiredPhase"]) == (202, "Stopped")
    assert "details" not in corrected.json()


def test_a_stop_says_that_the_last_valid_spec_runs(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = applied(kubectl, project, BROKEN)
    set_status(kubectl, project, nimServiceName="llama")
    kubectl("annotate", "rnim", "llama", f"--namespace={project.namespace}", "argocd.argoproj.io/tracking-id=x")

    answer = http("PATCH", f"{PATH}/{id_}", json={"spec": {"replicas": 0}})

    assert (answer.status_code, spec_of(kubectl, project)["replicas"]) == (202, 0)
    assert answer.json()["details"].startswith(LAST_RUNS)
    assert answer.json()["details"].endswith(
        "; Argo CD manages this workload and will revert the change: make it in Git too"
    )


def test_a_change_beside_the_stop_is_checked(http: Http, project: Project, kubectl: Kubectl) -> None:
    at = f"{PATH}/{applied(kubectl, project, BROKEN)}"
    stored = spec_of(kubectl, project)

    answer = http("PATCH", at, json={"spec": {"desiredPhase": "Stopped", "category": "chat"}})

    assert dict(issues(answer)).keys() == {"image", "labels[0].name"}
    assert spec_of(kubectl, project) == stored


def test_a_batch_stops_and_deletes_what_is_broken(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = applied(kubectl, project, BROKEN)

    stopped = http("POST", BATCH, json={"action": "suspend", "ids": [id_]})
    started = http("POST", BATCH, json={"action": "resume", "ids": [id_]})
    deleted = http("POST", BATCH, json={"action": "delete", "ids": [id_]})

    assert outcome(stopped) == ([id_], [])
    assert stopped.json()["warnings"] == [{"id": id_, "details": NOTHING_RUNS}]
    assert outcome(started) == ([], [(id_, 400)])
    assert outcome(deleted) == ([id_], [])


def test_a_rejection_that_only_the_operator_knows(http: Http, team: Project, kubectl: Kubectl) -> None:
    """Which policies were in force when a spec was accepted is known to the operator alone."""
    id_ = applied(kubectl, team, SPEC)
    set_policy(http, team, rules={"category": {"required": True}})
    generation = json.loads(kubectl("get", "rnim", "llama", f"--namespace={team.namespace}", "--output=json"))
    condition = {
        "type": "Translated",
        "status": "False",
        "reason": "PolicyViolation",
        "message": "x",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": generation["metadata"]["generation"],
    }
    set_status(kubectl, team, nimServiceName="llama", conditions=[condition])

    answer = http("PATCH", f"{PATH}/{id_}", json={"spec": {"desiredPhase": "Stopped"}})

    assert (answer.status_code, [issue["field"] for issue in answer.json()["complianceIssues"]]) == (202, ["category"])
    assert answer.json()["details"].startswith(LAST_RUNS)


@pytest.fixture
def without_rule(control_plane: ControlPlane) -> Iterator[Callable[[], None]]:
    """The kind without the rule that excludes replicas beside autoscaling, until the fixture's value is called."""
    found = json.loads(control_plane.kubectl("get", "crd", CRD, "--output=json"))
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/x-kubernetes-validations"
    spec = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    rules = spec["x-kubernetes-validations"]

    def patch(value: list[Any]) -> None:
        change = json.dumps([{"op": "replace", "path": path, "value": value}])
        control_plane.kubectl("patch", "crd", CRD, "--type=json", f"--patch={change}")

    patch([rule for rule in rules if rule["rule"] != RULE])
    yield lambda: patch(rules)
    patch(rules)


def test_a_stop_that_the_api_server_refuses_is_one_sentence(
    http: Http, project: Project, kubectl: Kubectl, without_rule: Callable[[], None]
) -> None:
    """An object can be older than a rule of its kind."""
    scaled = {"metric": "concurrency", "metricThreshold": 10, "maxReplicas": 3}
    older = {**SPEC, "autoscaling": scaled, "replicas": 2}
    id_ = wait_for(lambda: _accepted(kubectl, project, older))
    without_rule()

    def refused() -> httpx.Response | None:
        answer = http("PATCH", f"{PATH}/{id_}", json={"spec": {"desiredPhase": "Stopped"}}, params={"dryRun": "true"})
        return answer if answer.status_code != 200 else None

    answer = wait_for(refused)
    assert answer.json() == {
        "code": 400,
        "message": NOT_STORED,
    }
    (failure,) = http("POST", BATCH, json={"action": "stop", "ids": [id_]}).json()["failed"]
    assert failure == {"id": id_, **answer.json()}


def _accepted(kubectl: Kubectl, project: Project, spec: dict[str, Any]) -> str | None:
    try:
        return applied(kubectl, project, spec)
    except CalledProcessError:  # until the API server knows the changed kind
        return None
