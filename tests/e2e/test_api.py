"""The REST API through its Service, over TLS, as a pipeline calls it: a ServiceAccount with the role `edit`."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from local.cluster import OPERATOR_NAMESPACE
from local.e2e.installation import RELEASE, REST_HOST, REST_SECRET
from local.objects import Object
from tests.e2e.cluster import Client, Cluster
from tests.e2e.conftest import NOTE
from tests.e2e.models import Case, Model, Status

Note = Callable[[str, object], None]
URL = f"https://{REST_HOST}:8080/api"
WORKLOADS = f"{URL}/v2/workloads/nim-services"
PIPELINE, STRANGER = "pipeline", "stranger"
OF_THE_API = Case("api")
ATTACKS = ("slow-bodies", "endless-headers", "110,000-fields", "55,000-unknown-fields", "1,000-connections")
"""Those of the fault campaign that filled memory, or kept a pod busy, before there were limits."""


def account(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}


@dataclass(frozen=True)
class Caller:
    """Who calls, with which token, and by which certificate the answer must be signed."""

    client: Client
    authority: str
    token: str

    def call(self, method: str, url: str, body: Any = None) -> tuple[int, Any]:
        """HTTP status and the answer."""
        code, text = self.client.ask(method, url=url, body=body, token=self.token, authority=self.authority)
        return code, json.loads(text)


@pytest.fixture
def callers(model: Model, cluster: Cluster, client: Client) -> dict[str, Caller]:
    """One who may edit the namespace, one who may do nothing, and one without a name."""
    grant = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": PIPELINE},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
        "subjects": [{"kind": "ServiceAccount", "name": PIPELINE, "namespace": model.namespace}],
    }
    for manifest in (account(PIPELINE), account(STRANGER), grant):
        model.objects.apply(manifest)
    secret = cluster.objects(OPERATOR_NAMESPACE).get("v1 Secret", REST_SECRET)
    assert secret is not None
    authority = base64.b64decode(secret["data"]["tls.crt"]).decode()

    def token(name: str) -> str:
        return cluster.kubectl("create", "token", name, f"--namespace={model.namespace}").strip()

    tokens = {name: token(name) for name in (PIPELINE, STRANGER)} | {"": ""}
    return {name: Caller(client, authority, found) for name, found in tokens.items()}


@pytest.mark.parametrize("case", [OF_THE_API], ids=["api"])
def test_the_rest_api_serves_who_may_edit_and_nobody_else(model: Model, callers: dict[str, Caller]) -> None:
    spec = {
        "image": "registry.example.com/nim:1",
        "ngcAuthSecret": "ngc",
        "modelStore": {"pvc": {"claimInfo": {"size": "1Gi"}}},
        "servingPort": {"port": 8000},
        "desiredPhase": "Stopped",
    }
    body = {"metadata": {"name": "by-rest", "projectId": model.namespace}, "spec": spec}

    assert callers[""].call("POST", WORKLOADS, body)[0] == 401
    assert callers[STRANGER].call("POST", WORKLOADS, body)[0] == 403
    code, made = callers[PIPELINE].call("POST", WORKLOADS, body)
    assert (code, made["metadata"]["name"]) == (202, "by-rest")
    address = f"{WORKLOADS}/{made['metadata']['id']}"
    by_rest = Model(model.objects, "by-rest")
    assert by_rest.becomes("Stopped", "Stopped") == Status.of(by_rest.cr)
    assert callers[PIPELINE].call("GET", address)[0] == 200
    assert callers[STRANGER].call("GET", address)[0] == 404
    assert callers[PIPELINE].call("DELETE", f"{URL}/v2/workloads/{made['metadata']['id']}")[0] == 202
    by_rest.wait(lambda: by_rest.is_gone)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("case", [OF_THE_API], ids=["api"])
def test_a_hostile_client_ends_no_pod_of_the_rest_api(
    attack: str, model: Model, callers: dict[str, Caller], cluster: Cluster, record_property: Note
) -> None:
    before = cluster.container_restarts(f"{RELEASE}-rest")
    honest = callers[PIPELINE]
    seconds = []
    with honest.client.attacking(attack, f"https://{REST_HOST}:8080", model.namespace, honest.token) as attacking:
        while attacking.poll() is None:
            begun = time.monotonic()
            assert honest.call("GET", f"{WORKLOADS}/00000000-0000-0000-0000-000000000000")[0] == 404
            seconds.append(time.monotonic() - begun)

    assert cluster.container_restarts(f"{RELEASE}-rest") == before
    assert before.keys()
    record_property(NOTE, f"{len(seconds)} honest calls, {max(seconds):.1f} s at most")
