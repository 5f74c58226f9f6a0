"""Answers that get lost, an API server that is away, a restart: nothing twice, nothing wrong, nothing leaked."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.cluster import OPERATOR_NAMESPACE
from local.control_plane import ControlPlane
from local.objects import wait_for
from local.rest import Rest, rest_process
from tests.rest.conftest import SERVICE_ACCOUNT, Project, body, spec_of
from tests.rest.lossy_proxy import LossyProxy

Http = Callable[..., httpx.Response]
Kubectl = Callable[..., str]
PATH = "/api/v2/workloads/nim-services"


@pytest.fixture(scope="module")
def losing(control_plane: ControlPlane, rest: Rest) -> Iterator[LossyProxy]:
    with LossyProxy(control_plane.url, str(control_plane.ca_file)).running() as proxy:
        yield proxy


@pytest.fixture(scope="module")
def behind(control_plane: ControlPlane, rest: Rest, losing: LossyProxy) -> Iterator[Rest]:
    """A second process, which reaches the API server through `losing`."""
    path = control_plane.directory / "rest-behind.kubeconfig"
    via = losing.url, control_plane.ca_file
    control_plane.service_account_kubeconfig(OPERATOR_NAMESPACE, SERVICE_ACCOUNT, path, via=via)
    found = rest_process(control_plane, "rest-behind", path)
    found.program.start()
    yield found
    found.program.stop()


def names(kubectl: Kubectl, project: Project) -> list[str]:
    found = json.loads(kubectl("get", "rnim", f"--namespace={project.namespace}", "--output=json"))
    return [item["metadata"]["name"] for item in found["items"]]


@pytest.mark.parametrize("prefix", [False, True])
@pytest.mark.parametrize("times", [1, 2])
def test_a_creation_whose_answer_is_lost_is_one_workload(
    behind: Rest,
    losing: LossyProxy,
    project: Project,
    kubectl: Kubectl,
    tokens: dict[str, str],
    times: int,
    prefix: bool,
) -> None:
    request = body(project)
    request["metadata"]["useGivenNameAsPrefix"] = prefix
    headers = {"Authorization": f"Bearer {tokens['editor']}"}
    with httpx.Client(base_url=behind.url, headers=headers, timeout=30, trust_env=False) as client:
        losing.lose("POST", times)
        answer = client.post(PATH, json=request)
        if times == 2:  # as Run:ai's client does
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            answer = client.post(PATH, json=request)
        assert answer.status_code == 202, answer.text
        assert names(kubectl, project) == [answer.json()["metadata"]["name"]]

        again = client.post(PATH, json=request)

    assert again.status_code == 202
    assert len(names(kubectl, project)) == (2 if prefix else 1)


def test_a_dry_run_is_no_repeated_creation(
    behind: Rest, losing: LossyProxy, project: Project, kubectl: Kubectl, tokens: dict[str, str]
) -> None:
    """Without an Idempotency-Key the process itself remembers the name that was tried, for the creation alone."""
    request = body(project)
    request["metadata"]["useGivenNameAsPrefix"] = True
    headers = {"Authorization": f"Bearer {tokens['editor']}"}
    with httpx.Client(base_url=behind.url, headers=headers, timeout=30, trust_env=False) as client:
        losing.lose("POST", 2)
        lost = client.post(PATH, json=request)
        tried = client.post(PATH, json=request, params={"dryRun": "true"})
        again = client.post(PATH, json=request)

    (name,) = names(kubectl, project)
    assert [answer.status_code for answer in (lost, tried, again)] == [503, 200, 202]
    assert tried.json()["metadata"]["name"] != again.json()["metadata"]["name"] == name


@pytest.mark.parametrize(("prefix", "key"), [(False, None), (False, "one"), (True, "one")])
def test_a_process_that_is_killed_after_the_write(
    rest: Rest,
    behind: Rest,
    losing: LossyProxy,
    project: Project,
    kubectl: Kubectl,
    tokens: dict[str, str],
    *,
    prefix: bool,
    key: str | None,
) -> None:
    """The client repeats its POST, and reaches another pod."""
    request = body(project)
    request["metadata"]["useGivenNameAsPrefix"] = prefix
    headers = {"Authorization": f"Bearer {tokens['editor']}", **({"Idempotency-Key": key} if key else {})}

    def post(url: str) -> httpx.Response:
        return httpx.post(f"{url}{PATH}", headers=headers, json=request, timeout=30, trust_env=False)

    losing.hold("POST")
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(post, behind.url)
        assert losing.held.wait(10)
        behind.program.kill()
        with pytest.raises(httpx.TransportError):
            lost.result()
    (name,) = names(kubectl, project)
    try:
        answer = post(rest.url)
    finally:
        behind.program.start()

    assert (answer.status_code, answer.json()["metadata"]["name"]) == (202, name)
    assert names(kubectl, project) == [name]


def test_a_change_whose_answer_is_lost_is_there(
    behind: Rest, losing: LossyProxy, http: Http, project: Project, kubectl: Kubectl, tokens: dict[str, str]
) -> None:
    id_ = http("POST", PATH, json=body(project)).json()["metadata"]["id"]
    losing.lose("PATCH", 1)

    headers = {"Authorization": f"Bearer {tokens['editor']}"}
    answer = httpx.patch(f"{behind.url}{PATH}/{id_}", headers=headers, json={"spec": {"replicas": 3}}, trust_env=False)

    assert (answer.status_code, answer.json()["spec"]["replicas"]) == (202, 3)
    assert spec_of(kubectl, project)["replicas"] == 3


def test_a_deletion_whose_answer_is_lost_is_not_sent_again(
    behind: Rest, losing: LossyProxy, http: Http, project: Project, kubectl: Kubectl, tokens: dict[str, str]
) -> None:
    id_ = http("POST", PATH, json=body(project)).json()["metadata"]["id"]
    losing.lose("DELETE", 1)

    headers = {"Authorization": f"Bearer {tokens['editor']}"}
    answer = httpx.delete(f"{behind.url}/api/v2/workloads/{id_}", headers=headers, trust_env=False)

    assert answer.status_code == 503  # and not 404, which a second request would return
    assert names(kubectl, project) == []


def test_a_cache_that_is_behind_decides_nothing(
    behind: Rest, losing: LossyProxy, http: Http, project: Project, kubectl: Kubectl, tokens: dict[str, str]
) -> None:
    id_ = http("POST", PATH, json=body(project)).json()["metadata"]["id"]
    headers = {"Authorization": f"Bearer {tokens['editor']}"}

    def patched(**spec: Any) -> int:
        body = {"spec": spec}
        return httpx.patch(f"{behind.url}{PATH}/{id_}", headers=headers, json=body, trust_env=False).status_code

    losing.cached = {}
    try:
        found = [patched(replicas=2), patched(replicas=1), patched(category="a"), patched(priorityClass="high")]
        spec = spec_of(kubectl, project)
        kubectl("delete", "rnim", "llama", f"--namespace={project.namespace}")
        gone = patched(category="b")
        known = len(losing.cached)
    finally:
        losing.cached = None

    assert (found, known, gone) == ([202] * 4, 1, 404)
    assert (spec["replicas"], spec["category"], spec["priorityClass"]) == (1, "a", "high")


@pytest.mark.long
def test_an_api_server_that_goes_and_comes_back_under_load(
    rest: Rest, http: Http, project: Project, control_plane: ControlPlane, kubectl: Kubectl, tokens: dict[str, str]
) -> None:
    id_ = http("POST", PATH, json=body(project)).json()["metadata"]["id"]
    headers = {"Authorization": f"Bearer {tokens['editor']}"}
    ended = threading.Event()
    answers: list[httpx.Response] = []
    before = _open_files(rest)

    def load(number: int) -> None:
        with httpx.Client(base_url=rest.url, headers=headers, timeout=60, trust_env=False) as client:
            while not ended.is_set():
                answer = (
                    client.get(f"{PATH}/{id_}")
                    if number % 4
                    else client.patch(f"{PATH}/{id_}", json={"spec": {"category": f"{number}-{len(answers)}"}})
                )
                answers.append(answer)
                time.sleep(0.02)

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(load, number) for number in range(8)]
        try:
            time.sleep(1)
            control_plane.kill_program("kube-apiserver")
            away = [http("GET", f"{PATH}/{id_}"), http("POST", PATH, json=body(project, "new"))]
            time.sleep(1)
            control_plane.start_program("kube-apiserver")
            wait_for(lambda: http("GET", f"{PATH}/{id_}").status_code == 200)
        finally:
            ended.set()
        for one in running:
            one.result()

    for answer in away:
        assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, 503, "1")
    assert {answer.status_code for answer in answers} == {200, 202, 503}
    assert all(answer.json()["metadata"]["id"] == id_ for answer in answers if answer.status_code != 503)
    assert names(kubectl, project) == ["llama"]
    wait_for(lambda: _open_files(rest) <= before + 16)


@pytest.mark.long
def test_a_restart_under_load_gives_no_wrong_answer(
    rest: Rest, http: Http, project: Project, tokens: dict[str, str]
) -> None:
    id_ = http("POST", PATH, json=body(project)).json()["metadata"]["id"]
    headers = {"Authorization": f"Bearer {tokens['editor']}"}
    ended = threading.Event()
    codes = set[Any]()

    def load(_: int) -> None:
        while not ended.is_set():
            try:
                answer = httpx.get(f"{rest.url}{PATH}/{id_}", headers=headers, timeout=30, trust_env=False)
                codes.add((answer.status_code, answer.json()["metadata"]["id"] == id_))
            except httpx.TransportError:
                time.sleep(0.02)

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(load, number) for number in range(4)]
        time.sleep(0.5)
        rest.program.start()
        time.sleep(0.5)
        ended.set()
        for one in running:
            one.result()

    assert codes == {(200, True)}


def _open_files(rest: Rest) -> int:
    return len(os.listdir(Path("/proc", str(rest.program.pid), "fd")))
