"""Run:ai's own client, unmodified, against the process: its strict models read every answer."""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.rest import Rest
from runai_nim.rest.model.identifier import Identifier
from tests.contract.bodies import NAMES, bodies
from tests.rest.conftest import SPEC, Project, body, logged_in, spec_of

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
    assert refused(editor.create_nim_service, body(project)) == (409, taken)
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


def test_a_secret_of_another_gets_no_token(rest: Rest, tokens: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="AppId must be <namespace>/<serviceaccount>"):
        logged_in(rest, "people/reader", tokens["editor"])
