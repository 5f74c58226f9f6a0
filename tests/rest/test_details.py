"""Pods, events and history of a workload on the real API server: what a caller may see, and who may not."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import httpx
import pytest
import yaml

from local.cluster import CHECKOUT
from local.control_plane import ControlPlane, token_of
from local.objects import Objects, wait_for
from runai_nim.api import well_known
from runai_nim.kube.client import KubeClient
from runai_nim.rest import workload_children
from runai_nim.rest.api_server import ApiServer
from runai_nim.rest.workload_children import WorkloadChildren
from tests.rest.conftest import PEOPLE, Project, body
from tests.support.hostile_objects import undecodable
from tests.support.services import CR

Http = Callable[..., httpx.Response]
Kubectl = Callable[..., str]
PATH = "/api/v1/workloads"
POD = "v1 Pod"
LABELS = {well_known.SERVICE_LABEL: "llama"}
AN_EVENT = "2026-01-30T10:{minute:02}:00Z"


def owned(kind: str, api_version: str, owner: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """A manifest of an object called llama, with its owner."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    metadata = {"name": "llama", "labels": LABELS, "ownerReferences": [reference]}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **parts}


def pod_spec(name: str = "llama-ctr") -> dict[str, Any]:
    resources = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"nvidia.com/gpu": "2", "memory": "2Gi"}}
    secret = {"name": "HF_TOKEN", "value": "hf-secret"}
    return {"containers": [{"name": name, "image": "nim:1", "resources": resources, "env": [secret]}]}


def planted_pod(name: str, owner: dict[str, Any] | None = None) -> dict[str, Any]:
    """A pod with the label of the service."""
    found: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": LABELS}, "spec": pod_spec()}
    manifest = owned("Pod", "v1", owner, spec=pod_spec()) if owner else found
    return {**manifest, "metadata": {**manifest["metadata"], "name": name}}


def event(name: str, about: dict[str, Any], minute: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name},
        "involvedObject": {
            "kind": about["kind"],
            "name": about["metadata"]["name"],
            "namespace": about["metadata"]["namespace"],
            "uid": about["metadata"].get("uid", ""),
        },
        "type": "Normal",
        "reason": name.capitalize(),
        "message": f"about {name}",
        "source": {"component": "kubelet"},
        "lastTimestamp": AN_EVENT.format(minute=minute),
        **fields,
    }


class Workload:
    """A workload with a NIMService, a Deployment and two pods, made as the operators make them."""

    def __init__(self, http: Http, objects: Objects, project: Project, *, multi_node: bool = False) -> None:
        answer = http("POST", "/api/v2/workloads/nim-services", json=body(project))
        self.id: str = answer.json()["metadata"]["id"]
        self.objects = objects
        service = objects.get(CR, "llama")
        assert service is not None
        self.service: dict[str, Any] = service
        spec = {"image": {"repository": "r", "tag": "t"}, "authSecret": "s", "storage": {"pvc": {"name": "p"}}}
        self.nimservice = objects.apply(owned("NIMService", well_known.NIM_API_VERSION, self.service, spec=spec))
        if multi_node:
            self._add_group()
            return
        template = {"metadata": {"labels": {"app": "llama", **LABELS}}, "spec": pod_spec()}
        wanted = {"replicas": 2, "selector": {"matchLabels": {"app": "llama"}}, "template": template}
        self.deployment = objects.apply(owned("Deployment", "apps/v1", self.nimservice, spec=wanted))
        self.pods = wait_for(self._two_pods, 20)

    def _add_group(self) -> None:
        spec = {"replicas": 1, "leaderWorkerTemplate": {"size": 2, "workerTemplate": {"spec": pod_spec()}}}
        group = owned("LeaderWorkerSet", "leaderworkerset.x-k8s.io/v1", self.nimservice, spec=spec)
        self.objects.apply({**group, "metadata": {**group["metadata"], "name": "llama-lws"}})
        self.pods = [self.objects.apply(planted_pod("llama-lws-0"))]

    def _two_pods(self) -> list[dict[str, Any]]:
        found = [pod for pod in self.objects.list(POD) if pod["metadata"]["name"].startswith("llama-")]
        return sorted(found, key=lambda pod: str(pod["metadata"]["name"])) if len(found) == 2 else []


@pytest.fixture
def workload(http: Http, objects: Objects, project: Project, seers: None) -> Workload:
    return Workload(http, objects, project)


def allow(control_plane: ControlPlane, project: Project, name: str, person: str, rules: list[dict[str, Any]]) -> None:
    """Give a person a Role in the project."""
    group = "rbac.authorization.k8s.io"
    metadata = {"name": name, "namespace": project.namespace}
    binding = {
        "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": person, "namespace": PEOPLE}],
    }
    manifests = [
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": metadata, **binding},
    ]
    control_plane.kubectl("apply", "--filename=-", stdin=yaml.safe_dump_all(manifests))


def rule(group: str, resources: list[str], *verbs: str) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


@pytest.fixture
def seers(control_plane: ControlPlane, project: Project) -> None:
    """The editor may list pods and events, too; the deleter, who may read workloads here, pods alone."""
    allow(control_plane, project, "see", "editor", [rule("", ["pods", "events"], "list")])
    of_deleter = [rule("", ["pods"], "list"), rule("runai-nim.io", ["runainimservices"], "get")]
    allow(control_plane, project, "see-pods", "deleter", of_deleter)


@pytest.fixture
def owners_readable(control_plane: ControlPlane, project: Project) -> None:
    """The editor may read what is between a workload and its pods."""
    between = [
        rule("apps.nvidia.com", ["nimservices"], "get"),
        rule("apps", ["deployments"], "get"),
        rule("apps", ["replicasets"], "list"),
        rule("leaderworkerset.x-k8s.io", ["leaderworkersets"], "get"),
    ]
    allow(control_plane, project, "owners", "editor", between)


def names_of(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [pod["name"] for pod in answer.json()["pods"]]


def reasons_of(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["reason"] for one in answer.json()["events"]]


def test_the_pods_of_a_workload(http: Http, workload: Workload, objects: Objects, kubectl: Kubectl) -> None:
    first, second = workload.pods
    started = "2026-01-30T10:00:00Z"
    running = {"name": "llama-ctr", "image": "nim:1", "imageID": "", "ready": True, "restartCount": 2,
               "state": {"running": {"startedAt": started}}}  # fmt: skip
    objects.patch(POD, first["metadata"]["name"], {"status": {"phase": "Running", "podIP": "10.0.0.1",
        "podIPs": [{"ip": "10.0.0.1"}], "containerStatuses": [running]}}, "status")  # fmt: skip

    answer = http("GET", f"{PATH}/{workload.id}/pods").json()

    assert [pod["name"] for pod in answer["pods"]] == [first["metadata"]["name"], second["metadata"]["name"]]
    assert "next" not in answer
    shown = answer["pods"][0]
    assert (shown["k8sPhase"], shown["ip"], shown["restarts"]) == ("Running", "10.0.0.1", 2)
    assert shown["containers"] == [{"name": "llama-ctr", "image": "nim:1", "startedAt": started}]
    assert (shown["id"], shown["workloadId"]) == (first["metadata"]["uid"], workload.id)
    assert shown["requestedResources"] == {
        "gpu": {"request": 2, "limit": 2},
        "cpu": {"request": 0.5},
        "cpuMemory": {"request": "1Gi", "limit": "2Gi"},
    }
    assert "allocatedResources" not in shown  # it has no node
    assert "hf-secret" not in str(answer)


def test_pods_of_others_are_not_shown_where_owners_can_be_read(
    http: Http, workload: Workload, objects: Objects, owners_readable: None
) -> None:
    objects.apply(planted_pod("planted"))
    other = objects.apply(
        {**owned("Deployment", "apps/v1", workload.service), "metadata": {"name": "other", "labels": LABELS},
         "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}},
                  "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod_spec()}}}
    )  # fmt: skip
    objects.apply(planted_pod("of-another", other))

    assert names_of(http("GET", f"{PATH}/{workload.id}/pods")) == [pod["metadata"]["name"] for pod in workload.pods]


def test_the_label_decides_where_owners_can_t_be_read(http: Http, workload: Workload, objects: Objects) -> None:
    objects.apply(planted_pod("planted"))
    own = [pod["metadata"]["name"] for pod in workload.pods]

    assert names_of(http("GET", f"{PATH}/{workload.id}/pods")) == [*own, "planted"]


def test_a_nimservice_of_another_has_no_pods_of_the_workload(
    http: Http, workload: Workload, objects: Objects, owners_readable: None
) -> None:
    objects.patch("apps.nvidia.com/v1alpha1 NIMService", "llama", {"metadata": {"ownerReferences": None}})

    assert names_of(http("GET", f"{PATH}/{workload.id}/pods")) == []


def test_a_group_of_pods_on_several_nodes(
    http: Http, objects: Objects, project: Project, seers: None, owners_readable: None
) -> None:
    workload = Workload(http, objects, project, multi_node=True)
    since = workload.service["metadata"]["creationTimestamp"]
    leaders = {"kind": "StatefulSet", "metadata": {"name": "llama-lws", "namespace": objects.namespace}}
    objects.apply(event("refused", leaders, lastTimestamp=since))

    assert names_of(http("GET", f"{PATH}/{workload.id}/pods")) == ["llama-lws-0"]
    assert "Refused" in reasons_of(http("GET", f"{PATH}/{workload.id}/events"))


def test_what_is_not_read_is_said(
    workload: Workload, objects: Objects, control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workload_children, "MAX_READ", 2)
    token = token_of(control_plane.kubeconfig)

    async def read() -> tuple[list[str], set[str]]:
        cluster = await KubeClient.connect(kubeconfig=str(control_plane.kubeconfig))
        api_server = ApiServer(cluster.for_callers("test"))
        children = WorkloadChildren(api_server, token, workload.service)
        names = [pod["metadata"]["name"] async for pod in children.pods()]
        await api_server.close()
        await cluster.close()
        return names, children.cut_kinds

    own = [pod["metadata"]["name"] for pod in workload.pods]
    assert asyncio.run(read()) == (own, set())
    objects.apply(planted_pod("zz"))
    assert asyncio.run(read()) == (own, {"pods"})


def test_parts_of_the_pods(http: Http, workload: Workload, objects: Objects) -> None:
    for number in range(3):
        objects.apply(planted_pod(f"zz-{number}"))

    def asked(**query: Any) -> tuple[list[str], int | None]:
        answer = http("GET", f"{PATH}/{workload.id}/pods", params=query)
        return names_of(answer), answer.json().get("next")

    assert asked(search="ZZ-", limit=2) == (["zz-0", "zz-1"], 2)
    assert asked(search="zz-", limit=2, offset=2) == (["zz-2"], None)
    assert asked(search="zz-", limit=1, offset=2) == (["zz-2"], None)
    assert asked(offset=100) == ([], None)
    assert asked(deleted="true") == ([], None)
    assert len(asked(deleted="False")[0]) == 5


def test_events_of_all_that_belongs_to_it(
    http: Http, workload: Workload, objects: Objects, owners_readable: None
) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod"} | workload.pods[0]
    objects.apply(event("pulled", pod, minute=1))
    objects.apply(event("scaled", {"kind": "Deployment"} | workload.deployment, minute=2))
    objects.apply(event("ready", {"kind": "NIMService"} | workload.nimservice, minute=3))
    objects.apply(event("made", workload.service, minute=4))
    objects.apply(event("foreign", {"kind": "Pod", "metadata": {**pod["metadata"], "uid": "another"}}, minute=5))
    ours = ("Made", "Ready", "Scaled", "Pulled")

    found = [one for one in reasons_of(http("GET", f"{PATH}/{workload.id}/events")) if one in (*ours, "Foreign")]
    part = http("GET", f"{PATH}/{workload.id}/events", params={"sortOrder": "asc", "limit": 2})
    rest = http("GET", f"{PATH}/{workload.id}/events", params={"sortOrder": "asc", "limit": 500, "offset": 2})

    assert found == list(ours)
    assert reasons_of(part) == ["Pulled", "Scaled"]
    assert part.json()["next"] == 2
    assert reasons_of(rest)[:2] == ["Ready", "Made"]
    assert "next" not in rest.json()
    shown = part.json()["events"][0]
    assert (shown["createdAt"], shown["source"], shown["type"]) == (AN_EVENT.format(minute=1), "kubelet", "Normal")
    assert shown["involvedObject"] == {
        "kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"],
        "namespace": objects.namespace,
    }  # fmt: skip


def test_events_by_name_where_objects_can_t_be_read(http: Http, workload: Workload, objects: Objects) -> None:
    since = workload.service["metadata"]["creationTimestamp"]
    deployment = {"kind": "Deployment"} | workload.deployment
    objects.apply(event("scaled", deployment, lastTimestamp=since))
    objects.apply(event("earlier", deployment, minute=1))  # before the workload was created

    found = reasons_of(http("GET", f"{PATH}/{workload.id}/events"))

    assert "Scaled" in found
    assert "Earlier" not in found
    assert "SuccessfulCreate" in found  # of the ReplicaSet, by its controller


def test_the_history_has_phases_and_events(http: Http, workload: Workload, objects: Objects, kubectl: Kubectl) -> None:
    created = workload.service["metadata"]["creationTimestamp"]
    operator: Any = {"source": {"component": well_known.FIELD_MANAGER}}
    later = str(int(created[:4]) + 1) + created[4:]
    objects.apply(event("running", workload.service, **operator, lastTimestamp=later))

    records = http("GET", f"{PATH}/{workload.id}/history").json()["records"]

    updates = [record for record in records if record["meta"]["type"] == "PhaseUpdate"]
    assert [(record["spec"]["phaseUpdate"]["phase"], record["meta"]["creationTimestamp"]) for record in updates] == [
        ("Running", later),
        ("Creating", created),
    ]
    assert records[1]["spec"]["event"]["reason"] == "Running"
    times = [record["meta"]["creationTimestamp"] for record in records]
    assert times == sorted(times, reverse=True)
    first = http("GET", f"{PATH}/{workload.id}/history", params={"limit": 1}).json()
    assert (first["records"], first["next"]) == (records[:1], 1)


@pytest.mark.parametrize("what", ["pods", "events", "history"])
def test_who_may_see_it(http: Http, workload: Workload, what: str) -> None:
    path = f"{PATH}/{workload.id}/{what}"

    assert http("GET", path).status_code == 200
    unknown = http("GET", f"{PATH}/{'a' * 40}/{what}", who="nobody")
    assert (unknown.status_code, unknown.text) == (404, http("GET", path, who="nobody").text)
    reader = http("GET", path, who="reader")  # of the workload alone
    missing = "you may not list pods in the project's namespace, which this call needs"
    assert (reader.status_code, reader.json()["message"].partition(":")[0]) == (403, missing)
    assert "list on pods" in reader.json()["message"]
    answer = http("GET", path, who="deleter")  # who may list pods
    assert answer.status_code == (200 if what == "pods" else 403)
    assert what == "pods" or "you may not list events" in answer.json()["message"]
    assert http("GET", path, who=None).status_code == 401
    assert http("GET", path, token="x").status_code == 401  # noqa: S106  # no token


@pytest.mark.parametrize(
    ("what", "query", "told"),
    [
        ("pods", "limit=0", 'limit is "0" but must be a whole number from 1 to 500: correct it'),
        ("events", "limit=501", 'limit is "501" but must be'),
        ("history", "offset=-1", 'offset is "-1" but must be a whole number from 0'),
        ("pods", f"offset={10**30}", "offset is "),
        ("pods", "offset=%D9%A3", "offset is "),
        ("events", "sortOrder=up", 'sortOrder is "up" but must be asc or desc'),
        ("pods", "deleted=1", 'deleted is "1" but must be true or false'),
        ("history", "sortOrder=asc", 'unknown parameter "sortOrder": this call has the parameters limit, offset'),
        ("pods", "filterBy=a", 'unknown parameter "filterBy": this call has the parameters deleted, limit, offset'),
    ],
)
def test_a_wrong_query_is_refused(http: Http, project: Project, what: str, query: str, told: str) -> None:
    answer = http("GET", f"{PATH}/{'a' * 40}/{what}?{query}")

    assert (answer.status_code, answer.json()["message"][: len(told)]) == (400, told)
    assert answer.json()["complianceIssues"][0]["field"] == query.partition("=")[0]


def test_any_search_finds_what_it_says(http: Http, workload: Workload) -> None:
    for text in ("%00", "[", "(?:", "💥", "a" * 10_000, ".*"):
        assert names_of(http("GET", f"{PATH}/{workload.id}/pods", params={"search": text})) == []


def test_objects_that_nobody_validated(http: Http, workload: Workload, objects: Objects, kubectl: Kubectl) -> None:
    kubectl("create", "--filename=-", f"--namespace={objects.namespace}", stdin=undecodable(planted_pod("deep")))
    about = {"kind": workload.service["kind"], "uid": workload.service["metadata"]["uid"]}
    odd: dict[str, dict[str, Any]] = {
        "a": {},
        "b": {"lastTimestamp": "0000-01-01T00:00:00Z", "series": {"count": 1, "lastObservedTime": None}},
        "c": {"message": "\x00\u202e" * 40_000, "type": "", "reason": "x" * 5000},
    }
    for name, fields in odd.items():
        namespaced = {**about, "namespace": objects.namespace}
        manifest = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": name}, "involvedObject": namespaced}
        kubectl("create", "--filename=-", f"--namespace={objects.namespace}", stdin=json.dumps(manifest | fields))
    pods = http("GET", f"{PATH}/{workload.id}/pods")
    events = http("GET", f"{PATH}/{workload.id}/events")

    assert names_of(pods) == [pod["metadata"]["name"] for pod in workload.pods]
    about_it = [one for one in events.json()["events"] if one["involvedObject"]["kind"] == workload.service["kind"]]
    assert len(about_it) == 3
    assert max(len(one["message"]) for one in about_it) == 4096
    assert http("GET", f"{PATH}/{workload.id}/history").status_code == 200


def test_one_caller_s_calls_wait_and_then_are_refused(http: Http, workload: Workload) -> None:
    with ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(http, "GET", f"{PATH}/{workload.id}/events") for _ in range(120)]
        codes = [one.result().status_code for one in asked]

    assert set(codes) <= {200, 503}
    assert codes.count(200) >= 8
    assert codes.count(503) > 0
    assert http("GET", f"{PATH}/{workload.id}/events").status_code == 200


@pytest.fixture
def client_apis(runapy: Any) -> tuple[Any, Any]:
    """Run:ai's PodsApi and EventsApi as the editor."""
    api = import_module("runai.api")
    opened = runapy("editor")._api_client
    return api.PodsApi(opened), api.EventsApi(opened)


def test_run_ai_s_client_reads_pods_events_and_history(
    client_apis: tuple[Any, Any], workload: Workload, objects: Objects
) -> None:
    models = import_module("runai.models")
    pods_api, events_api = client_apis
    objects.apply(event("running", workload.service, source={"component": well_known.FIELD_MANAGER}))
    objects.patch(CR, "llama", {"status": {"phase": "Pending", "conditions": [
        {"type": "Ready", "status": "False", "reason": "Unschedulable", "message": "no node",
         "lastTransitionTime": "2099-01-01T00:00:00Z"}]}}, "status")  # fmt: skip

    answer = pods_api.get_workload_pods(workload.id, deleted=False, offset=0, limit=1, search="llama")
    pods = models.ListPods200Response.from_dict(answer.data)
    assert [pod.name for pod in pods.pods] == [workload.pods[0]["metadata"]["name"]]
    assert (pods.next, pods.pods[0].requested_resources.gpu.request) == (1, 2)
    answer = events_api.get_workload_events(workload.id, offset=0, limit=500, sort_order="asc")
    events = models.GetWorkloadEvents200Response.from_dict(answer.data)
    assert "Running" in [one.reason for one in events.events]
    answer = events_api.get_workload_history(workload.id, offset=0, limit=10)
    history = models.GetWorkloadHistory200Response.from_dict(answer.data)
    updates = [record.spec.phase_update for record in history.records if record.spec.phase_update]
    assert [(update.phase.value, update.phase_message) for update in updates] == [
        ("Pending", "no node"),
        ("Creating", "the RunaiNimService was created"),
        ("Running", "about running"),  # the test dated it before
    ]


def test_the_guide_s_example(
    runapy: Any, workload: Workload, objects: Objects, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (CHECKOUT / "docs" / "guide" / "rest.md").read_text(encoding="utf-8")
    example = page.partition("## Pods, events and history\n")[2].partition("```python\n")[2].partition("```")[0]
    api = runapy("editor")
    objects.apply(event("running", workload.service))

    names = {"client": api._api_client, "answer": api.get_nim_service_by_id(workload.id)}
    exec(example, names)  # noqa: S102  # the guide's own text

    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"{pod['metadata']['name']} Pending None 0" for pod in workload.pods]
    assert f"{AN_EVENT.format(minute=0)} Running about running" in lines
    assert "'phase': 'Creating'" in "".join(lines)


def test_the_guide_s_role_shows_pods_of_the_workload_alone(
    http: Http, workload: Workload, objects: Objects, control_plane: ControlPlane, project: Project
) -> None:
    page = (CHECKOUT / "docs" / "guide" / "rest.md").read_text(encoding="utf-8")
    role = page.partition("For [pods, events and history]")[2].partition("```yaml\n")[2].partition("```")[0]
    allow(control_plane, project, "guide", "reader", yaml.safe_load(role)["rules"])
    objects.apply(planted_pod("planted"))

    own = [pod["metadata"]["name"] for pod in workload.pods]
    assert names_of(http("GET", f"{PATH}/{workload.id}/pods", who="reader")) == own
