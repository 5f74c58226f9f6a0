"""Many at a time: no change is lost, and a PATCH that can't win says so."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from local.rest import Rest
from tests.rest.conftest import SPEC, Project, body, spec_of

Http = Callable[..., httpx.Response]
Kubectl = Callable[..., str]
PATH = "/api/v2/workloads/nim-services"
# 16 sections, each written by two clients: disjoint sections, and equal ones for the same.
SECTIONS: dict[str, Any] = {
    "image": "nvcr.io/nim/meta/llama-3.1-8b-instruct:1.9.0",
    "imagePullPolicy": "Always",
    "imagePullSecrets": [{"name": "ngc"}],
    "ngcAuthSecret": "another",
    "modelStore": {"nimCache": {"name": "other"}},
    "servingPort": {"port": 9000},
    "compute": {"gpuDevicesRequest": 1},
    "priorityClass": "high",
    "preemptibility": "preemptible",
    "nodePools": ["a", "b"],
    "tolerations": [{"name": "a", "operator": "Exists", "key": "a"}],
    "category": "chat",
    "environmentVariables": [{"name": "A", "value": "b"}],
    "labels": [{"name": "a", "value": "b"}],
    "annotations": [{"name": "c", "value": "d"}],
    "security": {"runAsUid": 1000},
}


def test_32_clients_change_disjoint_sections(
    rest: Rest, http: Http, project: Project, kubectl: Kubectl, tokens: dict[str, str]
) -> None:
    id_ = http("POST", PATH, json=body(project)).json()["metadata"]["id"]
    start = threading.Barrier(32)

    def patch(section: str) -> int:
        with httpx.Client(base_url=rest.url, timeout=30, trust_env=False) as client:
            start.wait()
            headers = {"Authorization": f"Bearer {tokens['editor']}"}
            spec = {"spec": {section: SECTIONS[section]}}
            return client.patch(f"{PATH}/{id_}", headers=headers, json=spec).status_code

    with ThreadPoolExecutor(32) as pool:
        codes = list(pool.map(patch, [*SECTIONS, *SECTIONS]))

    assert codes == [202] * 32
    assert spec_of(kubectl, project) == {**SPEC, **SECTIONS}


def test_of_equal_names_one_wins(http: Http, project: Project) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: http("POST", PATH, json=body(project, category=f"c{number}")), range(8)))

    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 7


def test_equal_bodies_are_one_workload(http: Http, project: Project) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: http("POST", PATH, json=body(project)), range(8)))

    assert [answer.status_code for answer in answers] == [202] * 8
    assert len({answer.json()["metadata"]["id"] for answer in answers}) == 1
