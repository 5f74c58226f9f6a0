"""The REST API behind the proxy: whatever becomes of a write, the answer is the truth or 503, and nothing is twice."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from local.cluster import OPERATOR_NAMESPACE
from local.control_plane import token_of
from local.objects import Objects, wait_for
from local.rest import rest_process
from tests.faults.plan import Fault, When
from tests.faults.rig import Rig
from tests.rest.conftest import OWN_RIGHTS, SERVICE_ACCOUNT, Project, body
from tests.support.services import CR, present

ANY_PATH = "/api/v2/workloads"
PATH = f"{ANY_PATH}/nim-services"
NAME = "llama"
MET: tuple[tuple[When, str], ...] = (
    *(("before", action) for action in ("409", "429", "500", "503", "reset", "close")),
    *(("after", action) for action in ("reset", "close", "500", "504")),
)
Call = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def url(rig: Rig) -> Iterator[str]:
    """Where a REST process answers that reaches the API server through the proxy alone."""
    plane = rig.cluster.control_plane
    plane.kubectl("apply", "--filename=-", stdin=OWN_RIGHTS)
    path = plane.directory / "rest-behind-proxy.kubeconfig"
    via = rig.proxy.url, rig.proxy.ca_file
    plane.service_account_kubeconfig(OPERATOR_NAMESPACE, SERVICE_ACCOUNT, path, via=via)
    found = rest_process(plane, "rest-behind-proxy", path)
    found.program.start()
    yield found.url
    found.program.stop()


@pytest.fixture
def call(rig: Rig, url: str) -> Iterator[Call]:
    """Call it as the administrator."""
    headers = {"Authorization": f"Bearer {token_of(rig.cluster.control_plane.kubeconfig)}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
        yield client.request


@pytest.fixture
def project(rig: Rig, namespace: str) -> Project:
    """The test's namespace as a project."""
    made = Project(namespace, f"team-{namespace}")
    rig.cluster.kubectl("label", "namespace", namespace, f"runai/queue={made.id}")
    return made


@pytest.mark.parametrize(("when", "action"), MET)
def test_an_answer_is_the_truth_or_503(
    rig: Rig, call: Call, project: Project, objects: Objects, when: When, action: str
) -> None:
    def met(verb: str, method: str, path: str, expected: int, **more: Any) -> httpx.Response:
        """Met by the fault once; after a 503 repeated, as Run:ai's client does."""
        armed = rig.proxy.plan.arm(Fault(action, verb, "runainimservices", when=when), project.namespace)
        answer = call(method, path, **more)
        rig.proxy.plan.disarm()
        assert armed.met, answer.text
        if answer.status_code == 503:
            assert answer.headers["Retry-After"] == "1"
            answer = call(method, path, **more)
            if verb == "delete" and when == "after":
                expected = 404  # it did what it could not tell of
        assert answer.status_code == expected, answer.text
        return answer

    made = met("create", "POST", PATH, 202, json=body(project, NAME)).json()
    stored = present(objects, CR, NAME)
    assert (made["metadata"]["name"], stored["spec"]["replicas"]) == (NAME, 1)

    id_ = made["metadata"]["id"]
    changed = met("patch", "PATCH", f"{PATH}/{id_}", 202, json={"spec": {"replicas": 3}}).json()
    assert (changed["spec"]["replicas"], present(objects, CR, NAME)["spec"]["replicas"]) == (3, 3)

    met("delete", "DELETE", f"{ANY_PATH}/{id_}", 202)
    assert objects.list(CR) == []
    key = ("runainimservices", project.namespace, NAME)
    wait_for(lambda: rig.ledger.went[key])
    assert (rig.ledger.came[key], rig.ledger.went[key]) == (1, 1)
