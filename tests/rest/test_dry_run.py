"""dryRun: everything is checked, at the API server too, and nothing is written."""

import json
import re
from collections.abc import Callable

import httpx
import pytest

from tests.rest.conftest import SPEC, Project, body, spec_of
from tests.rest.test_calls import made, stored, written_by_rest
from tests.rest.test_outages import names
from tests.rest.test_policies_of_workloads import set_policy

Http = Callable[..., httpx.Response]
Kubectl = Callable[..., str]
PATH = "/api/v2/workloads/nim-services"
DRY = {"dryRun": "true"}


@pytest.mark.parametrize("prefix", [False, True])
def test_a_creation_is_tried(http: Http, project: Project, kubectl: Kubectl, prefix: bool) -> None:
    request = body(project)
    request["metadata"]["useGivenNameAsPrefix"] = prefix

    answers = [http("POST", PATH, json=request, params=DRY) for _ in range(2)]

    for answer in answers:
        assert answer.status_code == 200, answer.text
        workload = answer.json()
        assert workload["spec"] == SPEC
        assert workload["metadata"]["createdBy"] == "system:serviceaccount:people:editor"
        assert (workload["metadata"]["name"] == "llama") is not prefix
        assert http("GET", f"{PATH}/{workload['metadata']['id']}").status_code == 404
    assert answers[0].json()["metadata"]["id"] != answers[1].json()["metadata"]["id"]
    assert names(kubectl, project) == []


def test_a_tried_creation_is_refused_as_the_real_one(http: Http, project: Project) -> None:
    made(http, project)
    for request, who, code in (
        (body(project, "other"), "reader", 403),
        (body(project, category="another"), "editor", 409),
        (body(project, "other", image=None), "editor", 400),
        (body(project), "editor", 200),  # a POST of the same body is answered with what is there
    ):
        tried = http("POST", PATH, json=request, params=DRY, who=who)
        real = http("POST", PATH, json=request, who=who)
        assert tried.status_code == code, tried.text
        if code == 200:
            assert tried.json() == real.json()
        else:
            assert (tried.status_code, tried.json()) == (real.status_code, real.json())


def test_a_change_is_tried(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project, category="chat")
    kubectl("annotate", "rnim", "llama", f"--namespace={project.namespace}", "argocd.argoproj.io/tracking-id=x")
    before = written_by_rest(stored(kubectl, project))
    change = {"spec": {"image": "nvcr.io/nim/other:1"}, "fieldsToRemove": ["category"]}

    answer = http("PATCH", f"{PATH}/{id_}", json=change, params=DRY)

    assert answer.status_code == 200, answer.text
    assert answer.json()["spec"] == {**SPEC, "image": "nvcr.io/nim/other:1"}
    assert answer.json()["metadata"]["id"] == id_
    assert answer.json()["details"].startswith("Argo CD manages this workload")
    assert written_by_rest(stored(kubectl, project)) == before
    assert spec_of(kubectl, project) == {**SPEC, "category": "chat"}
    assert http("PATCH", f"{PATH}/{id_}", json=change, params=DRY, who="reader").status_code == 403
    wrong = {"spec": {"replicas": -1}}
    assert http("PATCH", f"{PATH}/{id_}", json=wrong, params=DRY).status_code == 400


@pytest.mark.parametrize("text", ["All", "", "1", "true&dryRun=false"])
def test_anything_else_is_refused_and_writes_nothing(http: Http, project: Project, kubectl: Kubectl, text: str) -> None:
    id_ = made(http, project)
    for method, path, request in (
        ("POST", PATH, body(project, "other")),
        ("PATCH", f"{PATH}/{id_}", {"spec": {"replicas": 3}}),
    ):
        answer = http(method, f"{path}?dryRun={text}", json=request)
        assert answer.status_code == 400, answer.text
        (issue,) = answer.json()["complianceIssues"]
        assert issue["field"] == "dryRun"
        assert re.fullmatch("dryRun (is .* but )?must be .*", issue["details"])

    assert names(kubectl, project) == ["llama"]
    assert spec_of(kubectl, project) == SPEC


def test_a_call_that_lacks_the_parameter_writes_nothing(http: Http, team: Project, kubectl: Kubectl) -> None:
    id_ = made(http, team)
    set_policy(http, team, defaults={"category": "chat"})
    meta = {"scope": "project", "projectId": team.id, "name": "n"}
    policy = "/api/v2/policy/nim-services"
    batch = {"action": "delete", "ids": [id_]}
    change = {"meta": meta, "policy": {"defaults": {"category": "other"}}}
    place = f"scope=project&projectId={team.id}"
    for method, path, request, name in (
        ("DELETE", f"/api/v2/workloads/{id_}?", None, "dryRun"),
        ("POST", "/api/v1/workloads/batch?", batch, "dryRun"),
        ("PATCH", f"{PATH}/{id_}?", {"spec": {"replicas": 3}}, "validateOnly"),
        ("POST", f"{PATH}?", body(team, "other"), "validateOnly"),
        ("PUT", f"{policy}?", change, "dryRun"),
        ("PATCH", f"{policy}?", change, "dryRun"),
        ("DELETE", f"{policy}?{place}&", None, "validateOnly"),
    ):
        answer = http(method, f"{path}{name}=true", **({"json": request} if request else {}))
        assert answer.status_code == 400, answer.text
        assert [issue["field"] for issue in answer.json()["complianceIssues"]] == [name]
        assert answer.json()["message"].startswith(f"{name} must be left out, because this call ")

    assert names(kubectl, team) == ["llama"]
    assert spec_of(kubectl, team) == SPEC
    assert http("GET", f"{policy}?{place}").json()["policy"]["defaults"] == {"category": "chat"}
    assert http("DELETE", f"/api/v2/workloads/{id_}?dryRun=false").status_code == 202


def test_false_is_no_dry_run(http: Http, project: Project, kubectl: Kubectl) -> None:
    assert http("POST", PATH, json=body(project), params={"dryRun": "false"}).status_code == 202
    assert json.loads(kubectl("get", "rnim", "llama", f"--namespace={project.namespace}", "--output=json"))
