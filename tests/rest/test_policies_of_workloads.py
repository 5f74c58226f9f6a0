"""Workloads under policies: the answers have the effective spec, and a broken rule is refused by name."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from local.audit import AuditLog
from local.control_plane import ControlPlane, token_of
from local.objects import wait_for
from local.rest import Rest, rest_process
from tests.rest.conftest import Project, body, spec_of

Http = Callable[..., httpx.Response]
Kubectl = Callable[..., str]
PATH = "/api/v2/workloads/nim-services"
BATCH_PATH = "/api/v1/workloads/batch"
POLICY_PATH = "/api/v2/policy/nim-services"
HALF = {"gpuRequestType": "portion", "gpuPortionRequest": 0.5, "gpuDevicesRequest": 1}


def set_policy(http: Http, project: Project, **policy: Any) -> None:
    """Its write is known to the process before the answer."""
    meta = {"scope": "project", "projectId": project.id, "name": "n"}
    answer = http("PUT", POLICY_PATH, json={"meta": meta, "policy": policy})
    assert answer.status_code == 202, answer.text


def stored_phase(kubectl: Kubectl, project: Project) -> tuple[str, int]:
    spec = spec_of(kubectl, project)
    return spec["desiredPhase"], spec["replicas"]


def issues(answer: httpx.Response) -> list[tuple[str, str | None]]:
    assert answer.status_code == 400, answer.text
    return [(issue["field"], issue.get("rule")) for issue in answer.json()["complianceIssues"]]


def test_answers_have_the_effective_spec(http: Http, team: Project, kubectl: Kubectl, models: Any) -> None:
    labels = {"instances": [{"name": "team", "value": "a"}]}
    set_policy(http, team, defaults={"compute": HALF, "labels": labels, "category": "chat", "priorityClass": "high"})

    created = http("POST", PATH, json=body(team))
    got = http("GET", f"{PATH}/{created.json()['metadata']['id']}")

    assert (created.status_code, got.status_code) == (202, 200)
    own = body(team)["spec"]
    assert spec_of(kubectl, team) == own
    effective = {**own, "compute": HALF, "labels": labels["instances"], "category": "chat", "priorityClass": "high"}
    assert created.json()["spec"] == got.json()["spec"] == effective
    read = models.NimServiceResponse.from_dict(got.json())
    assert (read.metadata.category, read.metadata.priority) == ("chat", "high")


@pytest.fixture
def models() -> Any:
    return pytest.importorskip("runai.models", reason="runapy, Run:ai's Python client, is not installed")


RULES: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"rules": {"replicas": {"min": 2}}}, {}, "replicas", "min"),
    (
        {"rules": {"compute": {"gpuPortionRequest": {"max": 0.25}}}},
        {"compute": HALF},
        "compute.gpuPortionRequest",
        "max",
    ),
    ({"rules": {"replicas": {"step": 2}}}, {}, "replicas", "step"),
    ({"rules": {"image": {"options": [{"value": "registry.example.com/a:1"}]}}}, {}, "image", "options"),
    ({"rules": {"category": {"required": True}}}, {}, "category", "required"),
    (
        {"defaults": {"category": "a"}, "rules": {"category": {"canEdit": False}}},
        {"category": "b"},
        "category",
        "canEdit",
    ),
    (
        {"rules": {"labels": {"instances": {"canAdd": False}}}},
        {"labels": [{"name": "a", "value": "b"}]},
        "labels[0]",
        "canAdd",
    ),
    (
        {
            "defaults": {"labels": {"instances": [{"name": "a", "value": "b"}]}},
            "rules": {"labels": {"instances": {"locked": ["a"]}}},
        },
        {"labels": [{"name": "a", "exclude": True}]},
        "labels[0]",
        "locked",
    ),
]


@pytest.mark.parametrize(("policy", "spec", "field", "rule"), RULES, ids=[rule for *_, rule in RULES])
def test_a_broken_rule_is_a_value(
    http: Http, team: Project, models: Any, policy: dict[str, Any], spec: dict[str, Any], *, field: str, rule: str
) -> None:
    set_policy(http, team, **policy)

    answer = http("POST", PATH, json=body(team, **spec))

    assert issues(answer) == [(field, rule)]
    (issue,) = models.ComplianceIssuesV2.from_dict(answer.json()).compliance_issues
    assert issue.rule == rule
    assert "policy default (project)" in issue.details


@pytest.mark.parametrize("params", [{}, {"dryRun": "true"}])
def test_rules_are_not_told_to_somebody_who_may_not_create(http: Http, team: Project, params: dict[str, str]) -> None:
    set_policy(http, team, rules={"category": {"options": [{"value": "chat"}]}})
    broken = body(team, category="other")

    for who in ("nobody", "reader"):
        answer = http("POST", PATH, json=broken, params=params, who=who)
        expected = {"code": 403, "message": "you may not create a workload in this project"}
        assert (answer.status_code, answer.json()) == (403, expected)
    assert issues(http("POST", PATH, json=broken, params=params)) == [("category", "options")]


@pytest.mark.parametrize("params", [{}, {"dryRun": "true"}])
def test_rules_are_not_told_to_somebody_who_may_not_change(
    http: Http, team: Project, kubectl: Kubectl, params: dict[str, str]
) -> None:
    id_ = http("POST", PATH, json=body(team, category="chat", desiredPhase="Stopped")).json()["metadata"]["id"]
    before = spec_of(kubectl, team)
    set_policy(http, team, rules={"category": {"options": [{"value": "code"}], "required": True}})
    at = f"{PATH}/{id_}"

    def answers(change: dict[str, Any]) -> tuple[Any, list[tuple[str, str | None]]]:
        refused = http("PATCH", at, json=change, params=params, who="reader")
        assert refused.status_code == 403
        return refused.json(), issues(http("PATCH", at, json=change, params=params))

    told = {"code": 403, "message": "you may not change this workload"}
    assert answers({"spec": {"category": "other"}}) == (told, [("category", "options")])
    assert answers({"fieldsToRemove": ["category"]}) == (told, [("category", "required")])
    assert answers({"fieldsToRemove": ["image"]}) == (told, [("fieldsToRemove[0]", "required")])
    batch = {"action": "start", "ids": [id_]}
    (of_reader,) = http("POST", BATCH_PATH, json=batch, who="reader").json()["failed"]
    (of_editor,) = http("POST", BATCH_PATH, json=batch).json()["failed"]
    assert (of_reader, of_editor["complianceIssues"][0]["rule"]) == ({"id": id_, **told}, "options")
    assert http("PATCH", at, json={"spec": {"category": "chat"}}, params=params, who="reader").is_success
    assert spec_of(kubectl, team) == before


def test_mistakes_are_not_told_to_somebody_who_may_not_write(http: Http, team: Project) -> None:
    """Also without policies."""
    id_ = http("POST", PATH, json=body(team)).json()["metadata"]["id"]
    change = {"spec": {"servingPort": {"port": 0}}}
    broken = body(team, "other", **change["spec"])

    assert http("POST", PATH, json=broken, who="reader").status_code == 403
    assert http("PATCH", f"{PATH}/{id_}", json=change, who="reader").status_code == 403
    for answer in (http("POST", PATH, json=broken), http("PATCH", f"{PATH}/{id_}", json=change)):
        assert issues(answer) == [("servingPort.port", "min")]


def test_the_right_is_asked_for_only_if_there_are_mistakes(
    http: Http, team: Project, control_plane: ControlPlane
) -> None:
    mark = AuditLog(control_plane.audit_log).mark()

    def reviews() -> int:
        time.sleep(0.5)
        events = control_plane.audit_log.read_bytes()[mark:].splitlines()
        return sum(b"/selfsubjectaccessreviews" in event and b'"ResponseComplete"' in event for event in events)

    at = f"{PATH}/{http('POST', PATH, json=body(team)).json()['metadata']['id']}"
    http("PATCH", at, json={"spec": {"category": "chat"}})
    http("PATCH", at, json={"spec": {"category": "code"}}, who="reader")
    set_policy(http, team, rules={})
    assert reviews() == 0

    issues(http("PATCH", at, json={"spec": {"servingPort": {"port": 0}}}))
    assert reviews() == 1


def test_a_patch_under_a_policy(http: Http, team: Project, kubectl: Kubectl) -> None:
    created = http("POST", PATH, json=body(team, compute={"cpuCoreRequest": 1})).json()
    at = f"{PATH}/{created['metadata']['id']}"
    set_policy(http, team, defaults={"compute": HALF, "category": "chat"}, rules={"replicas": {"max": 2}})
    before = kubectl("get", "rnim", "llama", f"--namespace={team.namespace}", "--output=json")

    shown = http("GET", at).json()["spec"]
    sent_back = http("PATCH", at, json={"spec": shown})

    assert shown["compute"] == {"cpuCoreRequest": 1, **HALF}
    assert (sent_back.status_code, sent_back.json()["spec"]) == (202, shown)
    assert kubectl("get", "rnim", "llama", f"--namespace={team.namespace}", "--output=json") == before
    assert issues(http("PATCH", at, json={"spec": {"replicas": 3}})) == [("replicas", "max")]
    changed = http("PATCH", at, json={"spec": {"replicas": 2}}).json()
    assert changed["spec"] == {**shown, "replicas": 2}
    assert spec_of(kubectl, team) == {**created["spec"], "replicas": 2}
    # Deletion is never a matter of policies, nor is a stop, nor are fewer replicas.
    set_policy(http, team, rules={"image": {"options": [{"value": "registry.example.com/a:1"}]}})
    assert issues(http("PATCH", at, json={"spec": {"replicas": 3}})) == [("image", "options")]
    for spec in ({"replicas": 1}, {"desiredPhase": "Stopped"}):
        answer = http("PATCH", at, json={"spec": spec})
        assert answer.status_code == 202, answer.text
        (issue,) = answer.json()["complianceIssues"]
        assert (issue["rule"], issue["details"].startswith("spec.image is ")) == ("options", True)
        assert " but should be registry.example.com/a:1 by policy default (project)" in issue["details"]
    assert stored_phase(kubectl, team) == ("Stopped", 1)
    assert http("DELETE", f"/api/v2/workloads/{created['metadata']['id']}").status_code == 202


def test_a_policy_that_kubectl_writes_counts_at_once(http: Http, team: Project, kubectl: Kubectl) -> None:
    spec = {"scope": "cluster", "rules": {"replicas": {"max": 2}}}
    manifest = {
        "apiVersion": "runai-nim.io/v1alpha1",
        "kind": "ClusterRunaiNimPolicy",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    kubectl("apply", "--filename=-", stdin=json.dumps(manifest))

    def refused() -> httpx.Response | None:
        answer = http("POST", PATH, json=body(team, "other", replicas=3))
        if answer.status_code == 400:
            return answer
        http("DELETE", f"/api/v2/workloads/{answer.json()['metadata']['id']}")
        return None

    assert issues(wait_for(refused)) == [("replicas", "max")]
    kubectl("delete", "crnimpol", "a")
    wait_for(lambda: http("POST", PATH, json=body(team, "third", replicas=3)).status_code == 202 or None)


def test_policies_that_the_process_may_not_read(
    http: Http, blind: Rest, team: Project, control_plane: ControlPlane
) -> None:
    set_policy(http, team, rules={"replicas": {"min": 2}})
    headers = {"Authorization": f"Bearer {token_of(control_plane.kubeconfig)}"}

    answer = httpx.post(f"{blind.url}{PATH}", json=body(team), headers=headers, timeout=30, trust_env=False)

    assert answer.status_code == 202
    (issue,) = answer.json()["complianceIssues"]
    assert issue["details"].startswith(
        "policies should be known to the REST API, which may not list or watch them: ask"
    )
    place = {"scope": "project", "projectId": team.id}
    policy = httpx.get(f"{blind.url}{POLICY_PATH}", params=place, headers=headers, timeout=30, trust_env=False)
    assert policy.json()["policy"] == {"rules": {"replicas": {"min": 2}}}


@pytest.fixture(scope="module")
def with_listed(control_plane: ControlPlane, rest: Rest) -> Iterator[Callable[[str], Rest]]:
    """A process of an operator that serves that namespace only."""
    started: list[Rest] = []

    def start(namespace: str) -> Rest:
        settings = {"RUNAI_NIM_NAMESPACES": json.dumps([namespace])}
        kubeconfig = control_plane.directory / "rest.kubeconfig"
        started.append(rest_process(control_plane, "rest-listed", kubeconfig, settings=settings))
        started[-1].program.start()
        return started[-1]

    yield start
    for found in started:
        found.program.stop()


def test_an_operator_with_listed_namespaces_reads_no_policies_of_the_cluster(
    http: Http, team: Project, with_listed: Callable[[str], Rest], control_plane: ControlPlane
) -> None:
    token = token_of(control_plane.kubeconfig)
    request = {"meta": {"scope": "cluster", "name": "n"}, "policy": {"rules": {"replicas": {"min": 2}}}}
    assert http("PUT", POLICY_PATH, json=request, token=token).status_code == 202
    set_policy(http, team, defaults={"category": "chat"})
    headers = {"Authorization": f"Bearer {token}"}

    with httpx.Client(base_url=with_listed(team.namespace).url, headers=headers, timeout=30, trust_env=False) as client:
        created = client.post(PATH, json=body(team))
        refused = client.put(POLICY_PATH, json=request)

    assert (created.status_code, created.json()["spec"]["category"]) == (202, "chat")
    (issue,) = refused.json()["complianceIssues"]
    assert issue["details"].startswith("meta.scope must be project, the operator serves listed namespaces only")


def test_the_last_valid_version_of_the_status_is_in_force(http: Http, team: Project, kubectl: Kubectl) -> None:
    """As the operator has it, also for a process that never saw that version."""
    image = {"image": {"options": [{"value": "registry.example.com/*"}]}}  # no name of an image: the operator says so
    kind = {"apiVersion": "runai-nim.io/v1alpha1", "kind": "RunaiNimPolicy"}
    metadata = {"name": "default", "namespace": team.namespace}
    manifest = {**kind, "metadata": metadata, "spec": {"rules": image}}
    kubectl("apply", "--filename=-", stdin=json.dumps(manifest))
    in_force = {"inForce": {"generation": 1, "spec": {"rules": {"replicas": {"max": 2}}}}}
    status = json.dumps({"status": in_force})
    place = ("default", f"--namespace={team.namespace}")
    kubectl("patch", "rnimpol", *place, "--subresource=status", "--type=merge", f"--patch={status}")
    place_of_query = {"scope": "project", "projectId": team.id}

    def known() -> Any:
        found = http("GET", POLICY_PATH, params=place_of_query).json()
        return found if found.get("effective") else None

    answer = wait_for(known)
    assert answer["policy"] == {"rules": image}
    assert answer["effective"]["rules"] == {"replicas": {"max": 2, "sourceOfRule": {"scope": "project"}}}
    assert issues(http("POST", PATH, json=body(team, replicas=3))) == [("replicas", "max")]
