"""The id of a workload: its uid, also right after it was made, and the form of earlier versions."""

import json
import statistics
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from local.control_plane import ControlPlane, token_of
from local.rest import Rest
from runai_nim.rest.model.identifier import Identifier
from tests.rest.conftest import SPEC, Project, body

Http = Callable[..., httpx.Response]
Kubectl = Callable[..., str]
PATH = "/api/v2/workloads/nim-services"


def test_an_id_is_the_uid(http: Http, project: Project, kubectl: Kubectl) -> None:
    metadata = http("POST", PATH, json=body(project)).json()["metadata"]

    stored = json.loads(kubectl("get", "rnim", "llama", f"--namespace={project.namespace}", "--output=json"))

    assert metadata["id"] == str(uuid.UUID(metadata["id"])) == stored["metadata"]["uid"]
    got = http("GET", f"{PATH}/{metadata['id']}")
    assert (got.status_code, got.json()["metadata"]) == (200, metadata)


def test_the_earlier_form_goes_on_working(http: Http, project: Project) -> None:
    id_ = http("POST", PATH, json=body(project)).json()["metadata"]["id"]
    earlier = str(Identifier(project.namespace, "llama", id_))

    assert http("GET", f"{PATH}/{earlier}").json()["metadata"]["id"] == id_
    assert http("PATCH", f"{PATH}/{earlier}", json={"spec": {"category": "a"}}).status_code == 202
    assert http("DELETE", f"/api/v2/workloads/{earlier}").status_code == 202


def test_an_id_that_another_client_has_just_made(http: Http, project: Project, kubectl: Kubectl) -> None:
    """As by another pod of the REST API: the watch may be a moment late."""
    for number in range(5):
        manifest: dict[str, Any] = {
            "apiVersion": "runai-nim.io/v1alpha1",
            "kind": "RunaiNimService",
            "metadata": {"name": f"llama-{number}", "namespace": project.namespace},
            "spec": SPEC,
        }
        made = kubectl("create", "--filename=-", "--output=jsonpath={.metadata.uid}", stdin=json.dumps(manifest))

        assert http("GET", f"{PATH}/{made}").json()["metadata"]["name"] == f"llama-{number}"


def test_a_later_workload_of_that_name_has_another_id(http: Http, project: Project, kubectl: Kubectl) -> None:
    first = http("POST", PATH, json=body(project)).json()["metadata"]["id"]
    kubectl("delete", "rnim", "llama", f"--namespace={project.namespace}")
    second = http("POST", PATH, json=body(project)).json()["metadata"]["id"]

    assert first != second
    assert http("GET", f"{PATH}/{first}").status_code == 404
    assert http("DELETE", f"/api/v2/workloads/{first}").status_code == 404
    assert http("GET", f"{PATH}/{second}").status_code == 200


def test_unknown_ids_delay_nobody(http: Http, project: Project) -> None:
    id_ = http("POST", PATH, json=body(project)).json()["metadata"]["id"]

    def timed(path: str) -> tuple[int, float]:
        began = time.monotonic()
        return http("GET", f"{PATH}/{path}").status_code, time.monotonic() - began

    with ThreadPoolExecutor(100) as pool:
        unknown = pool.map(lambda _: timed(str(uuid.uuid4())), range(100))
        time.sleep(0.2)
        known, seconds = timed(id_)
        answers = list(unknown)

    waits = [took for code, took in answers if code == 404]
    assert known == 200
    assert seconds < statistics.median(waits)  # of who waits a second, as busy as the machine is
    assert {404} <= {code for code, _ in answers} <= {404, 503}


def test_a_process_that_may_not_watch_them_gives_the_earlier_form(
    http: Http, blind: Rest, project: Project, control_plane: ControlPlane
) -> None:
    headers = {"Authorization": f"Bearer {token_of(control_plane.kubeconfig)}"}
    uid = http("POST", PATH, json=body(project)).json()["metadata"]["id"]

    with httpx.Client(base_url=blind.url, headers=headers, timeout=30, trust_env=False) as client:
        id_ = client.post(PATH, json=body(project, "other")).json()["metadata"]["id"]
        assert client.get(f"{PATH}/{id_}").json()["metadata"]["name"] == "other"
        assert client.get(f"{PATH}/{uid}").status_code == 404

    assert http("GET", f"{PATH}/{id_}").json()["metadata"]["name"] == "other"
