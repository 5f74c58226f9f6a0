"""Calls and their outcomes on the real API server: projects, names, sections, errors."""

import json
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import httpx
import pytest

from local.audit import AuditLog
from local.control_plane import ControlPlane
from local.objects import wait_for
from local.rest import Rest, rest_process
from runai_nim.api import well_known
from runai_nim.rest.model.authorship import REST_FIELD_MANAGER
from tests.rest.conftest import PEOPLE, SPEC, Project, body, make_project, spec_of
from tests.support.hostile_objects import undecodable

Http = Callable[..., httpx.Response]
Kubectl = Callable[..., str]
PATH = "/api/v2/workloads/nim-services"
OWN_USER = "system:serviceaccount:runai-nim-system:runai-nim-rest"


def made(http: Http, project: Project, **spec: Any) -> str:
    """The id of a new workload."""
    answer = http("POST", PATH, json=body(project, **spec))
    assert answer.status_code == 202, answer.text
    id_: str = answer.json()["metadata"]["id"]
    return id_


def stored(kubectl: Kubectl, project: Project, name: str = "llama") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        kubectl("get", "rnim", name, f"--namespace={project.namespace}", "--output=json", "--show-managed-fields")
    )
    return found


def test_a_workload_in_full(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project, priorityClass="high", category="chat", preemptibility="preemptible")

    answer = http("GET", f"{PATH}/{id_}").json()

    metadata = stored(kubectl, project)["metadata"]
    system = json.loads(kubectl("get", "namespace", "kube-system", "--output=json"))
    assert answer["metadata"] == {
        "name": "llama",
        "projectId": project.id,
        "priority": "high",
        "category": "chat",
        "preemptibility": "preemptible",
        "id": id_,
        "gvk": {"group": "runai-nim.io", "version": "v1alpha1", "kind": "RunaiNimService"},
        "projectName": project.id,
        "clusterId": system["metadata"]["uid"],
        "tenantId": 1,
        "departmentId": "1",
        "departmentName": "default",
        "createdAt": metadata["creationTimestamp"],
        "createdBy": "system:serviceaccount:people:editor",
        "updatedAt": metadata["creationTimestamp"],
        "updatedBy": "system:serviceaccount:people:editor",
    }
    assert id_ == metadata["uid"]


def test_others_writes_are_theirs(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project)
    kubectl(
        *("patch", "rnim", "llama", f"--namespace={project.namespace}", "--type=merge"),
        *("--field-manager=somebody", '--patch={"spec":{"desiredPhase":"Stopped"}}'),
    )

    answer = http("GET", f"{PATH}/{id_}").json()

    assert (answer["metadata"]["updatedBy"], answer["desiredPhase"]) == ("somebody", "Stopped")
    assert answer["metadata"]["createdBy"] == "system:serviceaccount:people:editor"


@pytest.mark.parametrize("field", ["queue", "id", "name"])
def test_a_project_is_found_by(http: Http, project: Project, kubectl: Kubectl, field: str) -> None:
    kubectl("label", "namespace", project.namespace, "runai-nim.io/project-id=4711", "--overwrite")
    number: Any = {"queue": project.id, "id": 4711, "name": project.namespace}[field]

    answer = http("POST", PATH, json=body(Project(project.namespace, number)))

    kubectl("label", "namespace", project.namespace, "runai-nim.io/project-id-")
    assert answer.status_code == 202, answer.text
    assert stored(kubectl, project)["metadata"]["namespace"] == project.namespace
    assert answer.json()["metadata"]["projectName"] == project.id


def test_unknown_and_ambiguous_projects_are_sentences(http: Http, project: Project, kubectl: Kubectl) -> None:
    def refused(project_id: Any) -> str:
        answer = http("POST", PATH, json=body(Project("", project_id)))
        assert answer.status_code == 400
        (issue,) = answer.json()["complianceIssues"]
        assert issue["field"] == "metadata.projectId"
        return str(issue["details"])

    assert refused("nowhere") == (
        'metadata.projectId is "nowhere" but must be a project of this cluster:'
        " use the project of a namespace, or the namespace's name"
    )
    assert refused(None).startswith("metadata.projectId must be set")
    assert refused([1]).startswith("metadata.projectId must be a string or a number")
    kubectl("create", "namespace", f"{project.namespace}-2")
    kubectl("label", "namespace", f"{project.namespace}-2", f"runai/queue={project.id}")
    time.sleep(0.5)
    message = refused(project.id)
    assert "identify one namespace, but 2 have this value in label runai/queue" in message
    assert project.namespace not in message.replace(project.id, "")
    kubectl("delete", "namespace", f"{project.namespace}-2", "--wait=false")


def test_look_ups_of_unknown_projects_are_shared(http: Http, project: Project, control_plane: ControlPlane) -> None:
    log = AuditLog(control_plane.audit_log)
    mark = log.mark()

    with ThreadPoolExecutor(24) as pool:
        requests = (body(Project("", f"nowhere-{number}")) for number in range(24))
        codes = list(pool.map(lambda request: http("POST", PATH, json=request).status_code, requests))

    time.sleep(0.5)
    own = [request for request in log.requests(mark, OWN_USER) if request.verb == "list"]
    assert codes == [400] * 24
    assert 1 <= len(own) <= 3


def test_what_can_be_no_project_is_not_looked_for(http: Http, control_plane: ControlPlane) -> None:
    log = AuditLog(control_plane.audit_log)
    mark = log.mark()

    for project_id in (None, "", True, [1], "a b", "a" * 300, "ä"):
        assert http("POST", PATH, json=body(Project("", cast(str, project_id)))).status_code == 400

    time.sleep(0.5)
    assert [request for request in log.requests(mark, OWN_USER) if request.verb == "list"] == []


def test_projects_that_the_operator_does_not_serve(
    rest: Rest, http: Http, project: Project, control_plane: ControlPlane, kubectl: Kubectl, tokens: dict[str, str]
) -> None:
    served = make_project(control_plane, f"{project.namespace}-served")
    id_ = made(http, project)
    some = rest_process(control_plane, "rest-of-some", control_plane.directory / "rest.kubeconfig")
    some.program.start(environment={"RUNAI_NIM_NAMESPACES": json.dumps([served.namespace])})

    headers = {"Authorization": f"Bearer {tokens['editor']}"}
    with httpx.Client(base_url=some.url, headers=headers, timeout=30, trust_env=False) as client:
        created = [client.post(PATH, json=body(where, "another")) for where in (served, project)]
        changed = client.patch(f"{PATH}/{id_}", json={"spec": {"replicas": 2}})
        unchanged = client.patch(f"{PATH}/{id_}", json={"spec": {}})
        shown = client.get(f"{PATH}/{id_}")
        gone = client.delete(f"/api/v2/workloads/{id_}")
    some.program.stop()

    assert [answer.status_code for answer in created] == [202, 400]
    for answer in (created[1], changed):
        (issue,) = answer.json()["complianceIssues"]
        assert (answer.status_code, issue["field"]) == (400, "metadata.projectId")
        assert issue["details"] == (
            f'metadata.projectId is "{project.id}" but must be a project that the operator serves: choose another one,'
            " or ask an administrator to add its namespace to the setting namespaces"
        )
    assert [answer.status_code for answer in (unchanged, shown, gone)] == [202, 200, 202]


def test_a_prefix_is_completed(http: Http, project: Project, kubectl: Kubectl) -> None:
    request = body(project)
    request["metadata"]["useGivenNameAsPrefix"] = True

    names = {http("POST", PATH, json=request).json()["metadata"]["name"] for _ in range(2)}

    assert len(names) == 2
    for name in names:
        assert name[:6] == "llama-"
        assert len(name) == 11
        assert stored(kubectl, project, name)["metadata"]["generateName"] == "llama-"


def test_every_mistake_is_named_at_once(http: Http, project: Project) -> None:
    request = body(project, "Llama", imag="x", replicas=2000, compute={"gpuRequestType": "some"}, image=None)
    request["metadata"]["projctId"] = 1

    answer = http("POST", PATH, json=request)

    assert answer.status_code == 400
    found = answer.json()
    assert found["message"] == f"{len(found['complianceIssues'])} fields are wrong: see complianceIssues"
    assert {(issue["field"], issue.get("rule")) for issue in found["complianceIssues"]} == {
        ("metadata.name", None),
        ("metadata.projctId", None),
        ("image", "required"),
        ("imag", None),
        ("replicas", "max"),
        ("compute.gpuRequestType", "options"),
    }


def test_a_warning_is_in_the_answer_and_stops_nothing(http: Http, project: Project) -> None:
    variables = [{"name": "HF_TOKEN", "value": "x7Fq"}]

    answer = http("POST", PATH, json=body(project, environmentVariables=variables))

    assert answer.status_code == 202
    (issue,) = answer.json()["complianceIssues"]
    assert issue["field"] == "environmentVariables[0].value"
    assert "should not hold a secret (HF_TOKEN)" in issue["details"]
    assert "x7Fq" not in issue["details"]
    path = f"{PATH}/{answer.json()['metadata']['id']}"
    assert "complianceIssues" not in http("GET", path).json()
    replicas = http("PATCH", path, json={"spec": {"replicas": 1, "category": "chat"}})
    assert replicas.json()["complianceIssues"] == [issue]
    harmless = http("PATCH", path, json={"spec": {"environmentVariables": [{"name": "A", "value": "1"}]}})
    assert "complianceIssues" not in harmless.json()


def test_a_patch_replaces_sections_and_leaves_others(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project, compute={"cpuCoreRequest": 1, "cpuMemoryRequest": "1Gi"}, category="chat")

    answer = http("PATCH", f"{PATH}/{id_}", json={"spec": {"compute": {"cpuCoreRequest": 0.5}, "category": None}})

    assert answer.status_code == 202
    assert spec_of(kubectl, project) == {**SPEC, "compute": {"cpuCoreRequest": 0.5}, "category": "chat"}
    assert answer.json()["spec"] == spec_of(kubectl, project)
    annotations = stored(kubectl, project)["metadata"]["annotations"]
    assert re.fullmatch("[0-9a-f]{64}", annotations.pop("runai-nim.io/idempotency-key"))
    assert annotations == {
        "runai-nim.io/created-by": "system:serviceaccount:people:editor",
        "runai-nim.io/updated-by": "system:serviceaccount:people:editor",
    }


def test_replicas_and_autoscaling_take_each_other_s_place(http: Http, project: Project, kubectl: Kubectl) -> None:
    scaled = {"metric": "concurrency", "metricThreshold": 10, "maxReplicas": 3}
    id_ = made(http, project, replicas=4)

    def patched(**spec: Any) -> dict[str, Any]:
        answer = http("PATCH", f"{PATH}/{id_}", json={"spec": spec})
        assert answer.status_code == 202, answer.text
        kept = spec_of(kubectl, project)
        return {field: kept[field] for field in ("replicas", "autoscaling") if field in kept}

    assert patched(autoscaling=scaled, replicas=1) == {"autoscaling": scaled}
    assert patched(replicas=1, category="a") == {"autoscaling": scaled}
    assert patched(replicas=2) == {"replicas": 2}


def written_by_rest(cr: Mapping[str, Any]) -> tuple[Any, ...]:
    """What each of its writes changes, whoever writes the status meanwhile."""
    metadata = cr["metadata"]
    entries = [entry for entry in metadata["managedFields"] if entry["manager"] == REST_FIELD_MANAGER]
    return metadata["generation"], metadata["annotations"], entries


def test_what_changes_nothing_writes_nothing(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project)
    made_by = written_by_rest(stored(kubectl, project))

    for spec in ({}, {"replicas": 1}, {"image": SPEC["image"], "compute": None}, SPEC):
        assert http("PATCH", f"{PATH}/{id_}", json={"spec": spec}).status_code == 202

    assert written_by_rest(stored(kubectl, project)) == made_by

    assert http("PATCH", f"{PATH}/{id_}", json={"spec": {"replicas": 2}}).status_code == 202
    assert written_by_rest(stored(kubectl, project)) != made_by


def test_a_patch_is_judged_as_a_whole(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project)

    answer = http("PATCH", f"{PATH}/{id_}", json={"spec": {"servingPort": {"port": 8000, "grpcPort": 8000}}})
    several = http(
        "PATCH", f"{PATH}/{id_}", json={"spec": {"multiNode": {"workers": 2}, "compute": {"gpuDevicesRequest": 1}}}
    )
    metadata = http("PATCH", f"{PATH}/{id_}", json={"spec": {}, "metadata": {"name": "b"}})
    truth = http("PATCH", f"{PATH}/{id_}", json={"spec": {"replicas": True}})

    assert (answer.status_code, answer.json()["complianceIssues"][0]["field"]) == (400, "servingPort.grpcPort")
    assert (several.status_code, several.json()["complianceIssues"][0]["field"]) == (400, "multiNode")
    assert several.json()["complianceIssues"][0]["rule"] == "canEdit"
    assert (truth.status_code, truth.json()["complianceIssues"][0]["field"]) == (400, "replicas")
    assert (metadata.status_code, metadata.json()["complianceIssues"][0]["field"]) == (400, "metadata")
    assert spec_of(kubectl, project) == SPEC


def test_a_claim_needs_a_size_unless_it_exists(http: Http, project: Project, kubectl: Kubectl) -> None:
    """Whether it does is asked for with the caller's token."""
    at = f"--namespace={project.namespace}"
    kubectl("create", "role", "claims", "--verb=get", "--resource=persistentvolumeclaims", at)
    kubectl("create", "rolebinding", "claims", "--role=claims", f"--serviceaccount={PEOPLE}:editor", at)
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "weights"}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    kubectl("create", "--filename=-", at, stdin=json.dumps({**claim, "spec": spec}))

    def post(name: str, claim_name: str | None) -> httpx.Response:
        return http("POST", PATH, json=body(project, name, modelStore={"pvc": {"claimName": claim_name}}))

    absent = post("a", None)
    generated = body(project, "b", modelStore={"pvc": {}})
    generated["metadata"]["useGivenNameAsPrefix"] = True
    for answer in (absent, http("POST", PATH, json=generated)):
        assert answer.status_code == 400
        assert answer.json()["complianceIssues"][0]["field"] == "modelStore.pvc.claimInfo.size"
    read_only = {"pvc": {"claimName": "other", "readOnly": True, "claimInfo": {"size": "1Gi"}}}
    refused = http("POST", PATH, json=body(project, "r", modelStore=read_only))
    assert [issue["field"] for issue in refused.json()["complianceIssues"]] == ["modelStore.pvc.readOnly"]
    read_only["pvc"]["claimName"] = "weights"
    assert http("POST", PATH, json=body(project, "r", modelStore=read_only)).status_code == 202
    there = post("c", "weights")
    assert there.status_code == 202, there.text
    patched = {"spec": {"modelStore": {"pvc": {"claimName": "other"}}}}
    id_ = there.json()["metadata"]["id"]
    assert http("PATCH", f"{PATH}/{id_}", json=patched).status_code == 400
    kubectl("delete", "rolebinding", "claims", at)
    # Who may not read claims is told by the operator.
    assert wait_for(lambda: http("PATCH", f"{PATH}/{id_}", json=patched).status_code == 202)
    assert http("POST", PATH, json=body(project, "d", modelStore={"pvc": {"claimName": "A_"}})).status_code == 400


def test_git_s_own_is_said(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project)
    kubectl("annotate", "rnim", "llama", f"--namespace={project.namespace}", "argocd.argoproj.io/tracking-id=x")

    answer = http("PATCH", f"{PATH}/{id_}", json={"spec": {"replicas": 2}}).json()

    assert answer["details"] == "Argo CD manages this workload and will revert the change: make it in Git too"


def test_a_workload_that_cannot_be_read_hinders_no_other(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project)
    other = http("POST", PATH, json=body(project, "other")).json()["metadata"]["id"]
    patch = undecodable({"apiVersion": well_known.API_VERSION, "metadata": {}})
    kubectl("patch", "rnim", "llama", f"--namespace={project.namespace}", "--type=merge", f"--patch={patch}")

    for method in ("GET", "PATCH"):
        assert http(method, f"{PATH}/{id_}", json={"spec": {"replicas": 2}}).status_code == 503
        assert http(method, f"{PATH}/{other}", json={"spec": {"replicas": 2}}).is_success
    assert http("DELETE", f"/api/v2/workloads/{id_}").status_code == 202


def test_an_id_is_of_one_workload_only(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project)
    kubectl("delete", "rnim", "llama", f"--namespace={project.namespace}")
    again = made(http, project)

    assert again != id_
    for method, path in (("GET", PATH), ("PATCH", PATH), ("DELETE", "/api/v2/workloads")):
        assert http(method, f"{path}/{id_}", json={"spec": {"replicas": 2}}).status_code == 404
    assert http("GET", f"{PATH}/{again}").status_code == 200


def test_a_deleted_workload_is_shown_while_it_goes(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project)
    finalizer = '{"metadata":{"finalizers":["example.com/keep"]}}'
    at = ("rnim", "llama", f"--namespace={project.namespace}", "--type=merge")
    kubectl("patch", *at, f"--patch={finalizer}")

    assert http("DELETE", f"/api/v2/workloads/{id_}").status_code == 202

    answer = http("GET", f"{PATH}/{id_}").json()
    kubectl("patch", *at, '--patch={"metadata":{"finalizers":null}}')
    assert answer["desiredPhase"] == "Deleted"
    assert answer["metadata"]["deletedAt"]


def test_the_process_itself_reads_namespaces_and_nothing_else(
    http: Http, project: Project, control_plane: ControlPlane
) -> None:
    log = AuditLog(control_plane.audit_log)
    mark = log.mark()

    id_ = made(http, project)
    http("GET", f"{PATH}/{id_}")
    http("DELETE", f"/api/v2/workloads/{id_}")
    time.sleep(0.5)

    own = list(log.requests(mark, OWN_USER))
    # Without a resource: discovery documents, which every authenticated user may read.
    asked = {(request.verb, request.resource) for request in own if request.resource}
    assert asked <= {("list", "namespaces"), ("watch", "namespaces")}
    callers = log.requests(mark, "system:serviceaccount:people:editor")
    assert {(r.verb, r.resource) for r in callers} >= {(v, "runainimservices") for v in ("create", "get", "delete")}
