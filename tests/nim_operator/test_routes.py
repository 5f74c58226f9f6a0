"""Routes of the stand-in through a gateway, on a real API server that knows HTTPRoute and GRPCRoute."""

from typing import Any

import pytest

from local.control_plane import ControlPlane
from tests.nim_operator.api import POOL, Api, nim_service, until
from tests.nim_operator.conftest import OTHERS, install

pytestmark = pytest.mark.long

DOMAIN = "nim.example.com"
PROBE = {
    "httpGet": {"path": "/", "port": "api", "scheme": "HTTP", "host": "h"},
    "initialDelaySeconds": 1,
    "periodSeconds": 2,
    "timeoutSeconds": 3,
    "successThreshold": 1,
    "failureThreshold": 4,
}
METRICS = [
    {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}},
    {"type": "Pods", "pods": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "5"}}},
]
ABSENT = {"matchExpressions": [{"key": "runai/node-pool", "operator": "DoesNotExist"}]}
# Every field of a NIMService that can be asked for beside the others, but for how it is exposed.
EVERYTHING: dict[str, Any] = {
    "image": {"repository": "r", "tag": "t", "pullPolicy": "Always", "pullSecrets": ["registry"]},
    "env": [
        {"name": "A", "value": "b"},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        {"name": "D", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
    ],
    "storage": {"pvc": {"create": False, "name": "store"}, "readOnly": True},
    "scale": {
        "enabled": True,
        "hpa": {
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": METRICS,
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
        },
    },
    "readinessProbe": {"enabled": True, "probe": PROBE},
    "resources": {"requests": {"cpu": "1", "nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "1"}},
    "schedulerName": "runai-scheduler",
    "priorityClassName": "system-node-critical",
    "tolerations": [{"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute", "tolerationSeconds": 1}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [POOL, ABSENT]},
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": POOL}],
        }
    },
    "userID": 1001,
    "groupID": 2001,
    "labels": {"c": "d"},
    "annotations": {"e": "f"},
}


@pytest.fixture
def api(all_kinds: ControlPlane, namespace: str) -> Api:
    return Api(all_kinds, namespace)


def exposed(*, http: bool, grpc: bool, **service: int) -> dict[str, Any]:
    gateway = {"namespace": "gateways", "name": "public", "httpRoutesEnabled": http, "grpcRoutesEnabled": grpc}
    router = {"hostDomainName": DOMAIN, "annotations": {"of-the": "router"}, "gateway": gateway}
    return nim_service(expose={"service": {"port": 8000, **service}, "router": router})


def test_an_http_route_comes_and_goes(api: Api) -> None:
    api.apply(exposed(http=True, grpc=False))
    until(lambda: api.state() == "Ready", "Ready")
    route = api.get("httproute")
    host = f"llama.{route['metadata']['namespace']}.{DOMAIN}"
    (parent,), (rule,) = route["spec"]["parentRefs"], route["spec"]["rules"]
    assert (parent["name"], parent["namespace"], parent["kind"]) == ("public", "gateways", "Gateway")
    assert route["spec"]["hostnames"] == [host]
    assert [(ref["kind"], ref["name"], ref["port"]) for ref in rule["backendRefs"]] == [("Service", "llama", 8000)]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
    assert route["metadata"]["annotations"]["of-the"] == "router"
    assert route["metadata"]["ownerReferences"][0]["kind"] == "NIMService"
    assert api.get("nimservice")["status"]["model"]["externalEndpoint"] == ""
    assert not api.get("grpcroute")

    api.apply_server_side(exposed(http=False, grpc=False))
    until(lambda: not api.get("httproute"), "no route")


def test_a_grpc_route_leads_to_the_grpc_port(api: Api) -> None:
    api.apply(exposed(http=False, grpc=True, grpcPort=8001))
    until(lambda: bool(api.get("grpcroute")), "the route")
    (rule,) = api.get("grpcroute")["spec"]["rules"]
    assert [(ref["kind"], ref["name"], ref["port"]) for ref in rule["backendRefs"]] == [("Service", "llama", 8001)]


def test_an_http_route_that_is_off_comes_back_with_the_first_write_and_goes_with_the_second_apply(api: Api) -> None:
    off = exposed(http=False, grpc=True, grpcPort=8001)
    api.apply_server_side(off)
    until(lambda: bool(api.get("httproute")), "the route that nobody wanted")
    assert api.get("nimservice")["spec"]["expose"]["router"]["gateway"]["httpRoutesEnabled"] is True
    api.apply_server_side(off)
    until(lambda: not api.get("httproute"), "no HTTPRoute")
    until(lambda: api.state() == "Ready", "Ready")
    assert api.get("nimservice")["spec"]["expose"]["router"]["gateway"]["httpRoutesEnabled"] is False
    assert api.get("grpcroute")


def test_a_deleted_route_is_made_again(api: Api, all_kinds: ControlPlane) -> None:
    api.apply(exposed(http=True, grpc=False))
    until(lambda: api.state() == "Ready", "Ready")
    before = api.get("httproute")["metadata"]["uid"]
    all_kinds.kubectl("delete", "httproute", "llama", api.namespace)
    until(lambda: api.get("httproute").get("metadata", {}).get("uid", before) != before, "the route again")


def test_a_grpc_route_without_a_grpc_port_is_empty(api: Api) -> None:
    api.apply(exposed(http=True, grpc=True))
    until(lambda: bool(api.get("grpcroute")), "the route")
    assert api.get("grpcroute")["spec"] == {}


def test_a_route_of_somebody_else_is_left_alone(api: Api) -> None:
    spec = {"hostnames": ["other.example.com"]}
    api.apply(
        {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "llama"}, "spec": spec}
    )
    api.apply(nim_service())
    until(lambda: api.state() == "Ready", "Ready")
    assert api.get("httproute")["spec"]["hostnames"] == ["other.example.com"]


def test_a_kind_that_comes_later_is_used_then(api: Api, all_kinds: ControlPlane) -> None:
    """Of the two kinds of one group, each counts by itself."""
    all_kinds.kubectl("delete", "crd", "grpcroutes.gateway.networking.k8s.io")
    api.apply(exposed(http=True, grpc=True, grpcPort=8001))
    until(lambda: api.state() == "Failed", "Failed")
    message = api.get("nimservice")["status"]["conditions"][1]["message"]
    assert message == 'no matches for kind "GRPCRoute" in version "gateway.networking.k8s.io/v1"'
    assert api.get("httproute")
    install(all_kinds, OTHERS)
    until(lambda: api.state() == "Ready", "Ready", 30)


def test_all_that_is_asked_of_a_nim_operator_is_known(api: Api) -> None:
    """Server-side apply refuses what a schema lacks, and so would fail here."""
    wanted = exposed(http=True, grpc=True, grpcPort=8001, metricsPort=8002)
    wanted["spec"]["expose"]["service"] |= {"type": "ClusterIP", "annotations": {"a": "b"}}
    wanted["spec"] |= EVERYTHING
    del wanted["spec"]["replicas"]
    api.apply_server_side(wanted)
    until(lambda: bool(api.get("deployment")), "the Deployment")
    assert api.get("hpa")["spec"]["metrics"] == EVERYTHING["scale"]["hpa"]["metrics"]
    pod = api.get("deployment")["spec"]["template"]["spec"]
    assert pod["affinity"] == EVERYTHING["affinity"]
    (container,) = pod["containers"]
    assert container["env"][: len(EVERYTHING["env"])] == EVERYTHING["env"]
    assert container["readinessProbe"] == EVERYTHING["readinessProbe"]["probe"]
