"""Policy calls on the real API server, with Run:ai's own client and by hand: scopes, rights, mistakes, conflicts."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import httpx
import pytest
import yaml

from bench.translation import EVERY_FIELD, large_policies
from local.cluster import CHECKOUT
from local.control_plane import ControlPlane, token_of
from local.objects import wait_for
from local.rest import Rest, rest_process
from tests.rest.conftest import PEOPLE, Project, logged_in

Http = Callable[..., httpx.Response]
Kubectl = Callable[..., str]
PATH = "/api/v2/policy/nim-services"
LABEL = "example.com/department"
HALF = {"defaults": {"compute": {"gpuPortionRequest": 0.5}}, "rules": {"compute": {"gpuPortionRequest": {"max": 0.5}}}}


@pytest.fixture
def administrator(control_plane: ControlPlane) -> str:
    return token_of(control_plane.kubeconfig)


@pytest.fixture
def policies(rest: Rest, tokens: dict[str, str]) -> Iterator[Any]:
    """Run:ai's client for policies, unmodified: policies("editor").get_nim_service_policy(…)."""
    api = pytest.importorskip("runai.api", reason="runapy, Run:ai's Python client, is not installed")
    clients: list[Any] = []

    def client(who: str) -> Any:
        clients.append(logged_in(rest, f"{PEOPLE}/{who}", tokens[who]))
        return api.PolicyApi(clients[-1])

    yield client
    for opened in clients:
        opened.close()


@pytest.fixture
def models() -> Any:
    return pytest.importorskip("runai.models", reason="runapy, Run:ai's Python client, is not installed")


def put_body(project: Project, policy: Any = HALF, **meta: Any) -> dict[str, Any]:
    return {"meta": {"scope": "project", "projectId": project.id, "name": "GPU cap", **meta}, "policy": policy}


def stored(kubectl: Kubectl, project: Project, name: str = "default") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        kubectl("get", "rnimpol", name, f"--namespace={project.namespace}", "--output=json", "--show-managed-fields")
    )
    return found


def query(project: Project) -> dict[str, str]:
    return {"scope": "project", "projectId": project.id}


def apply(kubectl: Kubectl, name: str, spec: dict[str, Any], namespace: str = "") -> None:
    kind = "RunaiNimPolicy" if namespace else "ClusterRunaiNimPolicy"
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    manifest = {"apiVersion": "runai-nim.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
    kubectl("apply", "--filename=-", stdin=json.dumps(manifest))


def test_the_client_s_four_calls(policies: Any, models: Any, team: Project, kubectl: Kubectl) -> None:
    client = policies("editor")
    meta = models.PolicyCreationFields.from_dict({"scope": "project", "name": "GPU cap", "projectId": 1})
    rules = models.NimServicePolicyDefaultsAndRules.from_dict(HALF)
    # Its models take numbers as ids of projects; this one has a name.
    request = models.NimServicePolicyOverwriteRequest(meta=meta, policy=rules).to_dict()
    request["meta"]["projectId"] = team.id

    put = client.overwrite_nim_service_policy(nim_service_policy_overwrite_request=request)

    read = models.NimServicePolicy.from_dict(put.data)
    assert put.status_code == 202
    assert (read.meta.scope, read.meta.name, read.meta.created_by) == (
        "project",
        "GPU cap",
        "system:serviceaccount:people:editor",
    )
    assert put.data["policy"] == HALF
    assert stored(kubectl, team)["spec"] == HALF
    assert stored(kubectl, team)["metadata"]["annotations"]["runai-nim.io/policy-name"] == "GPU cap"
    assert read.effective.rules.compute.gpu_portion_request.source_of_rule.scope == "project"
    assert read.effective_updated_at is not None

    got = client.get_nim_service_policy(scope="project", project_id=team.id)
    assert (got.status_code, got.data) == (200, put.data)

    change = {
        "meta": request["meta"],
        "policy": models.NimServicePolicyDefaultsAndRules.from_dict(
            {"rules": {"nodePools": {"required": True}}}
        ).to_dict(),
        "reset": ["rules/compute"],
    }
    patched = client.update_nim_service_policy(nim_service_policy_change_request=change)
    assert patched.status_code == 202
    assert models.NimServicePolicy.from_dict(patched.data).meta.updated_by == "system:serviceaccount:people:editor"
    assert stored(kubectl, team)["spec"] == {"defaults": HALF["defaults"], "rules": {"nodePools": {"required": True}}}

    deleted = client.delete_nim_service_policy(scope="project", project_id=team.id)
    assert deleted.status_code == 204
    with pytest.raises(import_module("runai.exceptions").NotFoundException):
        client.get_nim_service_policy(scope="project", project_id=team.id)


def test_a_numeric_project(http: Http, models: Any, team: Project, kubectl: Kubectl) -> None:
    kubectl("label", "namespace", team.namespace, "runai/queue-", "runai-nim.io/project-id=4711")

    def put() -> httpx.Response | None:
        answer = http("PUT", PATH, json=put_body(team, projectId=4711))
        return answer if answer.status_code == 202 else None

    read = models.NimServicePolicy.from_dict(wait_for(put).json())
    source = read.effective.rules.compute.gpu_portion_request.source_of_rule
    assert (read.meta.project_id, source.project_id) == (4711, 4711)


def test_validate_only_writes_nothing(http: Http, policies: Any, team: Project, kubectl: Kubectl) -> None:
    answer = policies("editor").overwrite_nim_service_policy(True, put_body(team))

    assert (answer.status_code, answer.data["policy"]) == (200, HALF)
    assert kubectl("get", "rnimpol", f"--namespace={team.namespace}", "--output=name") == ""
    assert http("PUT", PATH, json=put_body(team), who="reader", params={"validateOnly": "true"}).status_code == 403
    http("PUT", PATH, json=put_body(team))
    change = {"meta": query(team), "reset": ["rules"]}
    assert http("PATCH", PATH, json=change, params={"validateOnly": "true"}).json()["policy"] == {
        "defaults": HALF["defaults"]
    }
    assert stored(kubectl, team)["spec"] == HALF
    assert http("PUT", PATH, json=put_body(team), params={"validateOnly": "maybe"}).json()["complianceIssues"] == [
        {
            "field": "validateOnly",
            "details": 'validateOnly is "maybe" but must be true or false: correct it',
            "rule": "options",
        }
    ]


def test_what_is_wrong_has_the_body_s_path(http: Http, team: Project, kubectl: Kubectl) -> None:
    rules: dict[str, Any]
    rules = {"compute": {"gpuPortionRequest": {"max": 0.4}, "gpuPortionRequst": {}}, "replicas": {"min": 3, "max": 1}}
    answer = http("PUT", PATH, json=put_body(team, {**HALF, "rules": rules}, nam="x") | {"spec": {}})
    assert answer.status_code == 400
    assert [issue["field"] for issue in answer.json()["complianceIssues"]] == ["spec", "meta.nam"]

    answer = http("PUT", PATH, json=put_body(team, {**HALF, "rules": rules}))
    (issue,) = answer.json()["complianceIssues"]
    assert issue["details"].startswith('unknown field "policy.rules.compute.gpuPortionRequst": did you mean')

    del rules["compute"]["gpuPortionRequst"]
    issues = http("PUT", PATH, json=put_body(team, {**HALF, "rules": rules})).json()["complianceIssues"]
    assert [(issue["field"], issue["details"]) for issue in issues] == [
        (
            "policy.defaults.compute.gpuPortionRequest",
            'policy.defaults.compute.gpuPortionRequest is "0.5" but must be at most 0.4, by its own rule: correct the'
            " default or the rule",
        ),
        (
            "policy.rules.replicas.max",
            'policy.rules.replicas.max is "1" but must not be below min (3): raise max, or lower min',
        ),
    ]
    assert kubectl("get", "rnimpol", f"--namespace={team.namespace}", "--output=name") == ""


@pytest.mark.parametrize(
    ("meta", "field", "says"),
    [
        ({"scope": "team"}, "meta.scope", 'meta.scope is "team" but must be system or tenant or cluster or department'),
        ({"projectId": None}, "meta.projectId", "meta.projectId must be set with scope project: set the project's id"),
        ({"projectId": "gone"}, "meta.projectId", 'meta.projectId is "gone" but must be a project of this cluster'),
        ({"clusterId": "other"}, "meta.clusterId", 'meta.clusterId is "other" but must be '),
        ({"name": ""}, "meta.name", "meta.name must be a string of 1 to 253 characters: correct it"),
        (
            {"scope": "department", "departmentId": "a"},
            "meta.departmentId",
            "meta.departmentId must be left out, the operator's setting department_label names no label of namespaces:"
            " ask an administrator to set it",
        ),
    ],
)
def test_a_wrong_scope(http: Http, team: Project, meta: dict[str, Any], field: str, says: str) -> None:
    answer = http("PUT", PATH, json=put_body(team, **meta))

    assert answer.status_code == 400
    (issue,) = answer.json()["complianceIssues"]
    assert (issue["field"], issue["details"][: len(says)]) == (field, says)


def test_a_wrong_scope_of_a_query(http: Http, team: Project) -> None:
    for method in ("GET", "DELETE"):
        assert http(method, PATH).json()["complianceIssues"][0]["field"] == "scope"
        unknown = http(method, PATH, params={"scope": "project", "projectId": "gone"})
        assert (unknown.status_code, unknown.json()["message"][:21]) == (404, 'projectId is "gone" b')
        absent = http(method, PATH, params=query(team))
        assert (absent.status_code, absent.json()["message"]) == (
            404,
            f"project {team.id} has no policy: create it by PUT",
        )
    change = {"meta": query(team), "policy": HALF}
    assert http("PATCH", PATH, json=change).status_code == 404


def test_each_call_needs_its_right(http: Http, team: Project) -> None:
    calls: dict[str, Any] = {
        "PUT": {"json": put_body(team)},
        "GET": {"params": query(team)},
        "PATCH": {"json": {"meta": query(team), "policy": {"rules": {"replicas": {"max": 3}}}}},
        "DELETE": {"params": query(team)},
    }
    http("PUT", PATH, json=put_body(team, {"defaults": {"replicas": 2}}))

    found = {
        who: {method: http(method, PATH, who=who, **more).status_code for method, more in calls.items()}
        for who in ("nobody", "reader", "editor")
    }
    cluster: dict[str, Any] = {
        "PUT": {"json": {"meta": {"scope": "cluster", "name": "a"}, "policy": HALF}},
        "GET": {"params": {"scope": "cluster"}},
        "DELETE": {"params": {"scope": "cluster"}},
    }

    assert found == {
        "nobody": {"PUT": 403, "GET": 403, "PATCH": 403, "DELETE": 403},
        "reader": {"PUT": 403, "GET": 200, "PATCH": 403, "DELETE": 403},
        "editor": {"PUT": 202, "GET": 200, "PATCH": 202, "DELETE": 204},
    }
    assert {method: http(method, PATH, **more).status_code for method, more in cluster.items()} == {
        "PUT": 403,
        "GET": 403,
        "DELETE": 403,
    }
    for method, more in calls.items():
        assert http(method, PATH, token="garbage", **more).status_code == 401  # noqa: S106


def test_mistakes_are_not_told_to_somebody_who_may_not_write(http: Http, team: Project, kubectl: Kubectl) -> None:
    apply(kubectl, "wide", {"scope": "cluster", "rules": {"replicas": {"max": 2}}})
    loose = put_body(team, {"defaults": {"replicas": 3}})
    wait_for(lambda: http("PUT", PATH, json=loose, params={"validateOnly": "true"}).status_code == 400 or None)
    change = {"meta": query(team), "policy": loose["policy"]}

    def refused(method: str, request: dict[str, Any]) -> None:
        answer = http(method, PATH, json=request, who="reader")
        told = {"code": 403, "message": "you may not change the policy of this scope"}
        assert (answer.status_code, answer.json()) == (403, told)
        assert http(method, PATH, json=request).status_code == 400

    refused("PUT", loose)
    assert http("PUT", PATH, json=put_body(team, {"defaults": {"replicas": 2}})).status_code == 202
    refused("PUT", loose)
    refused("PATCH", change)


def test_effective_is_of_all_scopes(http: Http, team: Project, kubectl: Kubectl, administrator: str) -> None:
    wide = {"defaults": {"replicas": 2, "compute": {"gpuPortionRequest": 0.3}}, "rules": {"replicas": {"max": 5}}}
    put = http("PUT", PATH, json={"meta": {"scope": "tenant", "name": "All"}, "policy": wide}, token=administrator)
    assert (put.status_code, put.json()["meta"]["scope"]) == (202, "cluster")
    apply(kubectl, "kubectl-s", {"rules": {"replicas": {"max": 3}}}, team.namespace)

    answer = http("PUT", PATH, json=put_body(team)).json()
    answer = wait_for(
        lambda: (
            (found := http("GET", PATH, params=query(team)).json())["effective"]["rules"]["replicas"]["max"] == 3
            and found
        )
    )

    assert answer["policy"] == HALF
    effective = answer["effective"]
    assert effective["defaults"] == {"replicas": 2, "compute": {"gpuPortionRequest": 0.5}}
    assert effective["rules"]["replicas"] == {"max": 3, "sourceOfRule": {"scope": "project"}}
    of_cluster = http("GET", PATH, params={"scope": "cluster"}, token=administrator).json()
    source = of_cluster["effective"]["rules"]["replicas"]["sourceOfRule"]
    assert source == {"scope": "cluster", "clusterId": of_cluster["meta"]["clusterId"]}
    # A scope without a policy of its own has the wider ones.
    http("DELETE", PATH, params=query(team))
    inherited = http("GET", PATH, params=query(team)).json()
    assert ("meta" in inherited, inherited["policy"]) == (False, None)
    assert inherited["effective"]["defaults"]["compute"] == {"gpuPortionRequest": 0.3}


def test_a_policy_that_loosens_a_wider_one(http: Http, team: Project, kubectl: Kubectl, administrator: str) -> None:
    wide = {"rules": {"compute": {"gpuPortionRequest": {"max": 0.3}}}}
    http("PUT", PATH, json={"meta": {"scope": "cluster", "name": "All"}, "policy": wide}, token=administrator)

    refused = http("PUT", PATH, json=put_body(team))

    assert refused.status_code == 400
    (issue,) = refused.json()["complianceIssues"]
    assert issue["field"] == "policy.defaults.compute.gpuPortionRequest"
    assert "must be at most 0.3 by policy default (cluster)" in issue["details"]
    assert kubectl("get", "rnimpol", f"--namespace={team.namespace}", "--output=name") == ""


def test_a_policy_that_puts_another_one_out_of_force(http: Http, team: Project, kubectl: Kubectl) -> None:
    apply(kubectl, "later", {"defaults": {"compute": {"gpuPortionRequest": 0.25}}}, team.namespace)
    wait_for(lambda: http("GET", PATH, params=query(team)).status_code == 200 or None)

    answer = http("PUT", PATH, json=put_body(team))

    assert answer.status_code == 202
    assert answer.json()["details"].startswith("policy later (project) is no longer in force: spec.defaults.compute.")
    assert answer.json()["effective"]["defaults"]["compute"]["gpuPortionRequest"] == 0.5


def test_what_kubectl_says_of_it_is_shown_and_kept(http: Http, team: Project, kubectl: Kubectl) -> None:
    apply(kubectl, "default", {"enforcement": "Immediate", "rules": {"replicas": {"max": 3}}}, team.namespace)

    got = http("GET", PATH, params=query(team)).json()
    http("PUT", PATH, json=put_body(team))

    assert (got["meta"]["name"], got["policy"]) == ("default", {"rules": {"replicas": {"max": 3}}})
    assert stored(kubectl, team)["spec"] == {**HALF, "enforcement": "Immediate"}
    condition = {
        "type": "Valid",
        "status": "False",
        "reason": "ConflictingFields",
        "message": "it contradicts policy a",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    status = json.dumps({"status": {"conditions": [condition]}})
    place = ("default", f"--namespace={team.namespace}")
    kubectl("patch", "rnimpol", *place, "--subresource=status", "--type=merge", f"--patch={status}")
    shown = http("GET", PATH, params=query(team)).json()["policy"]
    assert shown["status"] == {"validation": {"errorMessage": "it contradicts policy a"}}


def test_an_unchanged_policy_is_not_written(http: Http, team: Project, kubectl: Kubectl) -> None:
    http("PUT", PATH, json=put_body(team))
    before = stored(kubectl, team)["metadata"]["resourceVersion"]

    sent_back = http("GET", PATH, params=query(team)).json()
    again = http("PUT", PATH, json={"meta": sent_back["meta"] | query(team), "policy": sent_back["policy"]})

    assert again.status_code == 202
    assert stored(kubectl, team)["metadata"]["resourceVersion"] == before
    # The effective policy sent back: sources are no input.
    http("PUT", PATH, json={"meta": sent_back["meta"] | query(team), "policy": sent_back["effective"]})
    assert stored(kubectl, team)["metadata"]["resourceVersion"] == before


def test_no_change_is_lost(http: Http, team: Project, kubectl: Kubectl) -> None:
    http("PUT", PATH, json=put_body(team, {"rules": {"replicas": {"max": 9}}}))
    fields = ["category", "image", "ngcAuthSecret", "priorityClass", "nodePools", "preemptibility"]

    def change(field: str) -> int:
        body = {"meta": query(team), "policy": {"rules": {field: {"required": True}}}}
        return http("PATCH", PATH, json=body).status_code

    with ThreadPoolExecutor(len(fields)) as pool:
        codes = dict(zip(fields, pool.map(change, fields), strict=True))

    assert set(codes.values()) <= {202, 409}
    written = {field for field, code in codes.items() if code == 202}
    assert written
    assert stored(kubectl, team)["spec"]["rules"].keys() == written | {"replicas"}


@pytest.fixture(scope="module")
def with_departments(rest: Rest, control_plane: ControlPlane) -> Iterator[Rest]:
    """Another process, with the setting `department_label`."""
    kubeconfig = control_plane.directory / "rest.kubeconfig"
    settings = {"RUNAI_NIM_DEPARTMENT_LABEL": LABEL}
    found = rest_process(control_plane, "rest-departments", kubeconfig, settings=settings)
    found.program.start()
    yield found
    found.program.stop()


def test_a_department_is_a_label(
    with_departments: Rest, team: Project, kubectl: Kubectl, administrator: str, models: Any
) -> None:
    headers = {"Authorization": f"Bearer {administrator}"}
    body = {"meta": {"scope": "department", "departmentId": "R_D", "name": "Research"}, "policy": HALF}
    kubectl("label", "namespace", team.namespace, f"{LABEL}=R_D")
    with httpx.Client(base_url=with_departments.url, headers=headers, timeout=30, trust_env=False) as client:
        put = client.put(PATH, json=body)
        assert put.status_code == 202, put.text
        read = models.NimServicePolicy.from_dict(put.json())
        assert (read.meta.scope, read.meta.department_id) == ("department", "R_D")
        (found,) = json.loads(kubectl("get", "crnimpol", "--output=json"))["items"]
        selector = {"matchLabels": {LABEL: "R_D"}}
        assert found["spec"] == {**HALF, "scope": "department", "namespaceSelector": selector}

        def effective() -> Any:
            answer = client.get(PATH, params=query(team))
            return answer.status_code == 200 and answer.json()["effective"]

        rules = wait_for(effective)["rules"]
        assert rules["compute"]["gpuPortionRequest"]["sourceOfRule"] == {"scope": "department", "departmentId": "R_D"}
        assert client.get(PATH, params={"scope": "department"}).status_code == 400
        bad = client.get(PATH, params={"scope": "department", "departmentId": "-"}).json()
        assert bad["complianceIssues"][0]["details"].startswith('departmentId is "-" but must be a value of the label')
        # Somebody takes the name for other namespaces.
        kubectl("patch", "crnimpol", found["metadata"]["name"], "--type=merge", '--patch={"spec":{"scope":"cluster"}}')
        place = {"scope": "department", "departmentId": "R_D"}
        assert client.delete(PATH, params=place).status_code == 404
        taken = client.put(PATH, json=body)
        assert (taken.status_code, "is for another scope" in taken.json()["message"]) == (409, True)


def test_who_keeps_it_in_git_is_named(http: Http, team: Project, kubectl: Kubectl) -> None:
    http("PUT", PATH, json=put_body(team))
    kubectl("label", "rnimpol", "default", f"--namespace={team.namespace}", "argocd.argoproj.io/instance=x")

    answer = http("PATCH", PATH, json={"meta": query(team), "reset": ["defaults"]}).json()

    assert answer["details"] == "Argo CD manages this policy and will revert the change: make it in Git too"


def test_the_guide_s_example(
    rest: Rest, tokens: dict[str, str], team: Project, kubectl: Kubectl, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (CHECKOUT / "docs" / "guide" / "rest.md").read_text(encoding="utf-8").partition("## Policies\n")[2]
    example = page.partition("```python\n")[2].partition("```")[0].replace("team-a", team.id)

    client = logged_in(rest, f"{PEOPLE}/editor", tokens["editor"])
    exec(example, {"client": client})  # noqa: S102  # the guide's own text
    client.close()

    assert capsys.readouterr().out == "{'max': 4, 'sourceOfRule': {'scope': 'project'}}\n"
    assert stored(kubectl, team)["spec"]["rules"] == {
        "compute": {"gpuPortionRequest": {"max": 0.5}},
        "replicas": {"max": 4},
    }


def test_checks_of_many_large_policies_delay_nobody(http: Http, rest: Rest, team: Project, kubectl: Kubectl) -> None:
    spec = yaml.safe_load(EVERY_FIELD.read_text(encoding="utf-8"))["spec"]
    (large,) = large_policies(spec).policies
    kind = {"apiVersion": "runai-nim.io/v1alpha1", "kind": "RunaiNimPolicy", "spec": {"rules": large.rules}}
    items = [{**kind, "metadata": {"name": f"p{number}", "namespace": team.namespace}} for number in range(31)]
    kubectl("create", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    def put(number: int) -> int:
        return http("PUT", PATH, json=put_body(team, {"rules": {"replicas": {"max": 10**6 + number}}})).status_code

    seconds = []
    with ThreadPoolExecutor(20) as pool, httpx.Client(base_url=rest.url, timeout=30, trust_env=False) as client:
        codes = pool.map(put, range(40))
        for _ in range(100):
            seconds.append(client.get("/healthz").elapsed.total_seconds())
            time.sleep(0.03)

    assert set(codes) <= {202, 409}
    assert sorted(seconds)[95] < 0.3
