"""The REST API as the chart installs it, on a real control plane: its process may list and watch a few
kinds, and nothing else.

There is no kubelet: the process of this machine has the command line, the ServiceAccount and the settings file that the
chart made.
"""

import json
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from local.audit import Request
from local.cluster import OPERATOR_NAMESPACE, LocalCluster
from local.rest import Rest, rest_process
from runai_nim.config.permissions import REST_PERMISSIONS
from tests.chart.conftest import CHART, RELEASE, Helm
from tests.rest.conftest import PEOPLE, Project, body, make_project

pytestmark = pytest.mark.chart
NAME = f"{RELEASE}-rest"
USER = f"system:serviceaccount:{OPERATOR_NAMESPACE}:{NAME}"
CALLER = f"system:serviceaccount:{PEOPLE}:editor"
PATH = "/api/v2/workloads/nim-services"
VALUES = {
    "image": {"repository": "registry.example.com/runai-nim-operator"},
    "crds": {"keep": False},  # nothing stays for the next module
    "settings": {"project_labels": ["example.com/project"]},
    "rest": {"enabled": True, "tls": {"secretName": "nim-tls"}},
}


@pytest.fixture(scope="module")
def rest(helm: Helm, bare_cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """The release, with the process as its Deployment has it; files stand where they are mounted."""
    kubectl = bare_cluster.kubectl
    folder = tmp_path_factory.mktemp("rest")
    at = (f"--namespace={OPERATOR_NAMESPACE}", f"--kubeconfig={bare_cluster.control_plane.kubeconfig}")
    # A namespace or a kind that an earlier module left is no other release's.
    arguments = ("--create-namespace", "--take-ownership", "--values=-")
    helm("upgrade", "--install", RELEASE, str(CHART), *at, *arguments, stdin=yaml.safe_dump(VALUES))
    kinds = ("runainimservices", "runainimpolicies", "clusterrunainimpolicies")
    kubectl("wait", "--for=condition=Established", "crd", *(f"{plural}.runai-nim.io" for plural in kinds))
    made = json.loads(kubectl("get", f"deployment/{NAME}", f"configmap/{RELEASE}", at[0], "--output=json"))["items"]
    pod = made[0]["spec"]["template"]["spec"]
    (settings := folder / "settings.yaml").write_text(made[1]["data"]["settings.yaml"], encoding="utf-8")
    certificate = Path(bare_cluster.control_plane.ca_file)
    shutil.copy(certificate, folder / "tls.crt")
    shutil.copy(certificate.with_suffix(".key"), folder / "tls.key")
    kubeconfig = bare_cluster.control_plane.service_account_kubeconfig(
        OPERATOR_NAMESPACE, pod["serviceAccountName"], folder / "kubeconfig"
    )
    found = rest_process(bare_cluster.control_plane, "rest", kubeconfig, scheme="https")
    (container,) = pod["containers"]
    given = [argument.replace("/etc/runai-nim-tls", str(folder)) for argument in container["args"]]
    found.program.start(
        *(argument for argument in given if not argument.startswith("--port=")),
        environment={"RUNAI_NIM_SETTINGS_FILE": str(settings)},
    )
    yield found
    found.program.stop()
    helm("uninstall", RELEASE, *at)


@pytest.fixture(scope="module")
def requests(rest: Rest, bare_cluster: LocalCluster) -> list[Request]:
    """What the API server was asked since the process started, while a person made, read, changed and deleted one."""
    control_plane = bare_cluster.control_plane
    control_plane.kubectl("create", "namespace", PEOPLE)
    control_plane.kubectl("create", "serviceaccount", "editor", f"--namespace={PEOPLE}")
    token = control_plane.kubectl("create", "token", "editor", f"--namespace={PEOPLE}").strip()
    make_project(control_plane, "rest-project")
    control_plane.kubectl("label", "namespace", "rest-project", "example.com/project=by-the-settings")

    tls = ssl.create_default_context(cafile=control_plane.ca_file)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=rest.url, verify=tls, trust_env=False, headers=headers) as client:
        made = answered(client.post(PATH, json=body(Project("rest-project", "by-the-settings"))), 202)
        id_ = made["metadata"]["id"]
        answered(client.get(f"{PATH}/{id_}"), 200)
        answered(client.patch(f"{PATH}/{id_}", json={"spec": {"category": "a"}}), 202)
        answered(client.delete(f"/api/v2/workloads/{id_}"), 202)
    return list(bare_cluster.audit_log.requests())


def answered(answer: httpx.Response, code: int) -> dict[str, Any]:
    assert answer.status_code == code, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_its_own_requests_are_its_permissions(requests: list[Request]) -> None:
    own = [request for request in requests if request.user == USER]

    # Without a resource: discovery documents, which every authenticated user may read.
    assert {(request.resource, request.verb) for request in own if request.resource} == {
        (permission.resource, verb) for permission in REST_PERMISSIONS for verb in permission.verbs
    }
    assert {request.code for request in own} == {200}


def test_workloads_are_read_and_written_in_the_caller_s_name(requests: list[Request]) -> None:
    about = [request for request in requests if request.resource == "runainimservices" and request.name == "llama"]
    by_caller = {request.verb for request in about if request.user == CALLER}

    assert {"create", "get", "patch", "delete"} <= by_caller
    assert not [request for request in about if request.user != CALLER]


def test_the_api_server_allows_it_nothing_else(rest: Rest, bare_cluster: LocalCluster) -> None:
    """Beside what Kubernetes allows everybody who is somebody."""

    def may(user: str) -> set[str]:
        listed = bare_cluster.kubectl("auth", "can-i", "--list", f"--as={user}", f"--namespace={OPERATOR_NAMESPACE}")
        return {" ".join(line.split()) for line in listed.splitlines()[1:]}

    everybody = may(f"system:serviceaccount:{OPERATOR_NAMESPACE}:default")
    assert may(USER) - everybody == {
        "namespaces [] [] [list watch]",
        "runainimpolicies.runai-nim.io [] [] [list watch]",
        "runainimservices.runai-nim.io [] [] [list watch]",
        "clusterrunainimpolicies.runai-nim.io [] [] [list watch]",
    }
