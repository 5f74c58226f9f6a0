"""Run:ai's own client, unmodified, against the process: its strict models read every answer."""

import json
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cluster import CHECKOUT
from local.rest import Rest
from runai_nim.rest.model.identifier import Identifier
from tests.contract.bodies import NAMES, bodies
from tests.rest.conftest import PEOPLE, SPEC, Project, body, logged_in, spec_of

Kubectl = Callable[..., str]


@pytest.fixture
def models() -> Any:
    return pytest.importorskip("runai.models", reason="runapy, Run:ai's Python client, is not installed")


def test_create_get_update(runapy: Any, models: Any, project: Project, kubectl: Kubectl) -> None:
    client = runapy("editor")

    created = client.create_nim_service(models.NimServiceCreateRequest.from_dict(body(project)))
    workload = models.NimServiceResponse.from_dict(created.data)
    assert (created.status_code, workload.metadata.name) == (202, "llama")
    assert workload.metadata.project_id == workload.metadata.project_name == project.id
    assert workload.metadata.created_by == workload.metadata.updated_by == "system:serviceaccount:people:editor"
    assert workload.desired_phase == "Running"
    assert created.data["spec"] == spec_of(kubectl, project)

    got = client.get_nim_service_by_id(workload.metadata.id)
    assert (got.status_code, got.data) == (200, created.data)

    change = models.NimServiceUpdateRequest(spec=models.NimServiceSpec(replicas=3))
    updated = client.update_nim_service_spec(workload.metadata.id, change)
    assert (updated.status_code, models.NimServiceResponse.from_dict(updated.data).spec.replicas) == (202, 3)
    assert spec_of(kubectl, project) == {**created.data["spec"], "replicas": 3}


@pytest.mark.parametrize("name", NAMES)
def test_every_body_of_the_client_is_taken_or_refused_by_name(
    runapy: Any, models: Any, project: Project, kubectl: Kubectl, name: str
) -> None:
    from runai.exceptions import BadRequestException

    request = {**body(project), "spec": bodies()[name]}
    if name in ("minimal", "cache", "multi-node"):
        answer = runapy("editor").create_nim_service(request)
        assert models.NimServiceResponse.from_dict(answer.data).spec.image == request["spec"]["image"]
        assert spec_of(kubectl, project) == request["spec"]
        return
    with pytest.raises(BadRequestException) as refused:
        runapy("editor").create_nim_service(request)
    issues = models.ComplianceIssuesV2.from_dict(refused.value.data).compliance_issues
    # The default settings name no Secrets for users' credentials.
    assert {issue.var_field for issue in issues} == {
        "imagePullSecrets[1].name",
        "environmentVariables[4].userCredential.name",
    }


def test_what_is_wrong_in_the_client_s_own_example_is_refused_by_name(
    runapy: Any, models: Any, project: Project, kubectl: Kubectl
) -> None:
    example = yaml.safe_load((Path(__file__).parent / "client-example.yaml").read_text(encoding="utf-8"))
    request = {**body(project), "spec": example}  # the client's models refuse a part of it themselves

    with pytest.raises(import_module("runai.exceptions").BadRequestException) as refused:
        runapy("editor").create_nim_service(request)

    issues = models.ComplianceIssuesV2.from_dict(refused.value.data).compliance_issues
    wrong = {
        *("priorityClass", "environmentVariables[0].secret.name", "imagePullSecrets[0].name", "modelStore"),
        *("servingPort.exposedUrl", "servingPort.grpcPort", "servingPort.metricsPort", "nodePools", "replicas"),
        *("compute.gpuMemoryRequest", "compute.gpuMemoryLimit", "compute.gpuRequestType", "autoscaling"),
        *("tolerations[0].seconds", "tolerations[0].key", "tolerations[0].value"),
    }
    assert {issue.var_field for issue in issues} == wrong
    sections = {re.split(r"[.\[]", path)[0] for path in wrong}
    fine = {field: value for field, value in example.items() if field not in sections}
    needed = {name: SPEC[name] for name in ("modelStore", "servingPort")} | {"compute": {"gpuDevicesRequest": 1}}
    runapy("editor").create_nim_service({**request, "spec": fine | needed})
    assert spec_of(kubectl, project) == fine | needed


def test_an_unchanged_workload_sent_back_is_not_written(
    runapy: Any, models: Any, project: Project, kubectl: Kubectl
) -> None:
    client = runapy("editor")
    created = client.create_nim_service(models.NimServiceCreateRequest.from_dict(body(project)))
    workload = models.NimServiceResponse.from_dict(created.data)

    updated = client.update_nim_service_spec(workload.metadata.id, models.NimServiceUpdateRequest(spec=workload.spec))

    assert updated.data == created.data


def test_errors_are_the_client_s(runapy: Any, models: Any, project: Project) -> None:
    from runai.exceptions import ApiException

    editor = runapy("editor")
    id_ = editor.create_nim_service(body(project)).data["metadata"]["id"]
    unknown = str(Identifier(project.namespace, "other", "0" * 8 + "-0000-0000-0000-" + "0" * 12))

    def refused(call: Any, *arguments: Any) -> tuple[int, str]:
        with pytest.raises(ApiException) as error:
            call(*arguments)
        read = models.Error.from_dict(error.value.data)
        assert read.code == error.value.status
        return read.code, read.message

    taken = 'metadata.name is "llama", which already exists: choose another name'
    assert refused(editor.create_nim_service, body(project, category="chat")) == (409, taken)
    assert refused(editor.get_nim_service_by_id, unknown)[0] == 404
    assert refused(runapy("reader").create_nim_service, body(project)) == (
        403,
        "you may not create a workload in this project",
    )
    assert refused(runapy("reader").update_nim_service_spec, id_, {"spec": {"replicas": 2}})[0] == 403
    image = "spec.image must be set: give the NIM's container image"
    code, message = refused(editor.create_nim_service, body(project, "other", image=None))
    assert (code, message.partition(":")[0]) == (400, image.partition(":")[0])


def test_delete(runapy: Any, project: Project) -> None:
    client = runapy("editor")
    workloads = import_module("runai.api").WorkloadsV2Api(client._api_client)
    id_ = client.create_nim_service(body(project)).data["metadata"]["id"]

    answer = workloads.delete_workload_v2(id_)

    assert (answer.status_code, answer.data["code"]) == (202, 202)


def test_list_count_get(runapy: Any, models: Any, project: Project, kubectl: Kubectl) -> None:
    client = runapy("editor")
    specs: dict[str, dict[str, Any]] = {
        "half": {"compute": {"gpuRequestType": "portion", "gpuPortionRequest": 0.5}, "priorityClass": "high"},
        "memory": {"compute": {"gpuRequestType": "memory", "gpuMemoryRequest": "20GB"}, "category": "chat"},
        "scaled": {"autoscaling": {"metric": "concurrency", "metricThreshold": 50, "minReplicas": 1, "maxReplicas": 3}},
        "whole": {"compute": {"gpuDevicesRequest": 2, "cpuCoreRequest": 0.5}, "nodePools": ["a"], "replicas": 0},
    }
    ids = {
        name: client.create_nim_service(body(project, name, **spec)).data["metadata"]["id"]
        for name, spec in specs.items()
    }
    condition = {"type": "Ready", "status": "True", "reason": "Running", "message": "", "observedGeneration": 1}
    status = {
        "phase": "Running",
        "readyReplicas": 1,
        "gpusInUse": "0.5",
        "url": "https://half.example.com",
        "conditions": [{**condition, "lastTransitionTime": "2026-01-01T10:00:00Z"}],
    }
    patch = ("patch", "rnim", "half", f"--namespace={project.namespace}", "--subresource=status", "--type=merge")
    kubectl(*patch, f"--patch={json.dumps({'status': status})}")
    workloads = import_module("runai.api").WorkloadsApi(client._api_client)
    here = [f"projectId=={project.id}", "createdAt>=2021-01-01T00:00:00Z"]

    first = workloads.get_workloads(filter_by=here, limit=3, sort_by="name", sort_order="desc", deleted=False)
    page = models.GetWorkloads200Response.from_dict(first.data)
    rest = workloads.get_workloads(filter_by=here, limit=3, sort_by="name", sort_order="desc", offset=page.next)
    last = models.GetWorkloads200Response.from_dict(rest.data)
    found = {workload.name: workload for workload in (*page.workloads, *last.workloads)}
    count = models.CountResponse.from_dict(workloads.count_workloads(filter_by=[*here, "name!=half"]).data)
    one = workloads.get_workload(ids["half"]).data

    assert (page.next, last.next, [*found]) == (3, None, ["whole", "scaled", "memory", "half"])
    assert {name: workload.id for name, workload in found.items()} == ids
    assert models.Workload.from_dict(one) == found["half"]
    assert found["half"].phase == models.Phase.RUNNING
    assert found["half"].conditions[0].last_transition_time.isoformat() == "2026-01-01T10:00:00+00:00"
    assert found["half"].allocated_resources.gpu == found["half"].pods_requested_resources.gpu.request == 0.5
    assert found["memory"].workload_requested_resources.gpu_memory.request == "20G"
    assert found["scaled"].requested_pods.max == 3
    assert found["whole"].requested_node_pools == ["a"]
    assert count.count == 3
    assert workloads.get_workloads(search="HALF", filter_by=here).data["workloads"] == [one]
    with pytest.raises(import_module("runai.exceptions").BadRequestException) as refused:
        workloads.get_workloads(filter_by=["color==red"])
    assert models.ComplianceIssuesV2.from_dict(refused.value.data).compliance_issues[0].var_field == "filterBy[0]"


def test_the_guide_s_listing(
    rest: Rest, runapy: Any, tokens: dict[str, str], project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    runapy("editor").create_nim_service(body(project))
    page = (CHECKOUT / "docs" / "guide" / "rest.md").read_text(encoding="utf-8").partition("## List workloads\n")[2]
    example = page.partition("```python\n")[2].partition("```")[0].replace("team-a", project.id)

    client = logged_in(rest, f"{PEOPLE}/editor", tokens["editor"])
    exec(example, {"client": client})  # noqa: S102  # the guide's own text
    client.close()

    assert capsys.readouterr().out == "['llama'] None\n1\n"


def test_a_batch(runapy: Any, models: Any, project: Project, kubectl: Kubectl) -> None:
    client = runapy("editor")
    batches = import_module("runai.api").WorkloadsBatchApi(client._api_client)
    ids = [client.create_nim_service(body(project, name)).data["metadata"]["id"] for name in ("a", "b")]
    unknown = "0" * 8 + "-0000-0000-0000-" + "0" * 12

    def batch(action: str) -> Any:
        answer = batches.batch_workloads(models.WorkloadBatch(ids=[ids[0], unknown, ids[1]], action=action))
        assert answer.status_code == 200
        return models.BatchResponse.from_dict(answer.data)

    for action, phase in (("suspend", "Stopped"), ("resume", "Running")):
        read = batch(action)
        assert (read.succeeded, [(one.id, one.code) for one in read.failed]) == (ids, [(unknown, 404)])
        assert [spec_of(kubectl, project, name)["desiredPhase"] for name in ("a", "b")] == [phase] * 2
    assert {models.Action1(action) for action in ("delete", "suspend", "resume")} == set(models.Action1)
    assert batch("delete").succeeded == ids


def test_a_header_and_a_parameter_that_the_client_s_methods_lack(
    runapy: Any, models: Any, project: Project, kubectl: Kubectl
) -> None:
    client = runapy("editor")._api_client
    request = body(project)
    request["metadata"]["useGivenNameAsPrefix"] = True

    def post(**more: Any) -> Any:
        return client.call_api("POST", "/api/v2/workloads/nim-services", body=request, **more)

    answers = [post(header_params={"Idempotency-Key": "one"}) for _ in range(2)]
    tried = post(query_params={"dryRun": True})
    (name,) = kubectl("get", "rnim", f"--namespace={project.namespace}", "--output=name").split()

    ids = {models.NimServiceResponse.from_dict(answer.data).metadata.id for answer in answers}
    assert (len(ids), tried.status_code) == (1, 200)
    assert name.endswith(answers[0].data["metadata"]["name"])
    path = f"/api/v2/workloads/nim-services/{ids.pop()}"
    removed = client.call_api("PATCH", path, body={"fieldsToRemove": ["replicas"]})
    assert (removed.status_code, "replicas" in removed.data["spec"]) == (202, False)


def test_a_secret_of_another_gets_no_token(rest: Rest, tokens: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="AppId must be <namespace>/<serviceaccount>"):
        logged_in(rest, "people/reader", tokens["editor"])
