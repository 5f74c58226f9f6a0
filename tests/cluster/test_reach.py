"""What a tenant can't reach through a RunaiNimService: the cluster's edge, hosts and objects of others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cluster import LocalCluster
from local.objects import Objects, wait_for
from runai_nim.api.resources import Resource
from runai_nim.kube.name_lookup import NAMED_KINDS, PICKER_KINDS
from tests.cluster.conftest import Configured
from tests.support.routes import BY_GATEWAY, BY_INGRESS, HTTP_ROUTE, INGRESS, OWN, exposed, url_of
from tests.support.services import CLAIM, NIMSERVICE, condition, present, reason, sample, settled

pytestmark = pytest.mark.usefixtures("stand_in")

AUTH = "nginx.ingress.kubernetes.io/auth-url"
WITH_AUTH = {**BY_INGRESS, "RUNAI_NIM_EXTERNAL_ANNOTATIONS": f'{{"{AUTH}": "https://sso.example.com"}}'}


def annotated(key: str, value: str) -> dict[str, Any]:
    return {"annotations": [{"name": key, "value": value}]}


@pytest.mark.long
def test_the_administrator_s_authentication_can_t_be_switched_off(objects: Objects, configured: Configured) -> None:
    configured(WITH_AUTH)
    objects.apply(sample("gpu-portion", **annotated(AUTH, "")))
    settled(objects, "llama-8b", "ReservedKey")
    assert "external_annotations" in condition(objects, "llama-8b", "Ready")["message"]
    assert objects.get(NIMSERVICE, "llama-8b") is None

    exposed(objects)
    ingress = wait_for(lambda: objects.get(INGRESS, "llama-8b"))
    assert ingress["metadata"]["annotations"][AUTH] == "https://sso.example.com"

    objects.apply(sample("gpu-portion", **annotated(AUTH, "")))
    settled(objects, "llama-8b", "ReservedKey")
    assert present(objects, INGRESS, "llama-8b")["metadata"]["annotations"][AUTH] == "https://sso.example.com"


@pytest.mark.long
def test_what_an_administrator_allows_reaches_the_service(objects: Objects, configured: Configured) -> None:
    key = "service.beta.kubernetes.io/aws-load-balancer-internal"
    objects.apply(sample("gpu-portion", **annotated(key, "true")))
    settled(objects, "llama-8b", "ReservedKey")
    configured({"RUNAI_NIM_ALLOWED_ANNOTATIONS": '["service.beta.kubernetes.io/*"]'})
    settled(objects, "llama-8b", "Running")
    assert present(objects, "v1 Service", "llama-8b")["metadata"]["annotations"][key] == "true"


SHARED = {"RUNAI_NIM_EXTERNAL_HOSTS": '["*.example.com"]'}
"""Hosts that every namespace may have."""


@pytest.fixture
def elsewhere(cluster: LocalCluster, namespace: str) -> Iterator[Objects]:
    """Objects of another namespace, which is gone when the test is over."""
    name = f"{namespace}-elsewhere"
    cluster.kubectl("create", "namespace", name)
    with Objects(Path(cluster.control_plane.kubeconfig), name) as opened:
        yield opened
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def at(host: str, path: str = "") -> dict[str, Any]:
    return {"servingPort": {"port": 8000, "exposedUrl": f"https://{host}{path}"}}


def an_ingress(host: str) -> dict[str, Any]:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rules = [
        {"host": name, "http": {"paths": [{"path": "/login", "pathType": "Prefix", "backend": backend}]}}
        for name in ("other.example.com", host)
    ]
    metadata = {"name": "web"}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": {"rules": rules}}


def an_http_route(host: str) -> dict[str, Any]:
    spec = {"hostnames": ["other.example.com", host], "rules": [{"backendRefs": [{"name": "web", "port": 80}]}]}
    metadata = {"name": "web"}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata, "spec": spec}


def nothing_is_written(objects: Objects) -> bool:
    return [found for kind in (NIMSERVICE, CLAIM, INGRESS, HTTP_ROUTE) for found in objects.list(kind)] == []


def test_a_host_that_is_not_allowed_is_refused_before_anything_is_written(
    objects: Objects, elsewhere: Objects, configured: Configured
) -> None:
    configured(BY_INGRESS)
    objects.apply(sample("gpu-portion", servingPort={"port": 8000, "exposedUrl": url_of(elsewhere)}))
    settled(objects, "llama-8b", "NotAllowed")
    message = condition(objects, "llama-8b", "Ready")["message"]
    assert f"(*.{objects.namespace}.nim.example.com, *.example.com)" in message
    assert nothing_is_written(objects)


@pytest.mark.parametrize(
    ("route", "kind", "settings"), [(an_ingress, INGRESS, BY_GATEWAY), (an_http_route, HTTP_ROUTE, BY_INGRESS)]
)
def test_a_host_of_another_namespace_is_not_taken(
    route: Any, kind: str, settings: dict[str, str], objects: Objects, elsewhere: Objects, configured: Configured
) -> None:
    host = f"{objects.namespace}.example.com"
    elsewhere.apply(route(host))
    configured(settings | SHARED)
    objects.apply(sample("gpu-portion", **at(host, "/v1")))
    settled(objects, "llama-8b", "HostTaken")
    message = condition(objects, "llama-8b", "Ready")["message"]
    assert f"must not use the host {host}, because an {kind.split()[1]} in another namespace uses it" in message
    assert elsewhere.namespace not in message
    assert nothing_is_written(objects)

    elsewhere.delete(kind, "web")
    settled(objects, "llama-8b", "Running", 40)


@pytest.mark.long
def test_a_host_of_the_same_namespace_may_be_shared(objects: Objects, configured: Configured) -> None:
    host = f"{objects.namespace}.example.com"
    objects.apply(an_ingress(host))
    configured(BY_INGRESS | SHARED)
    exposed(objects, **at(host, "/v1"))
    assert present(objects, INGRESS, OWN)["spec"]["rules"][0]["host"] == host


@pytest.mark.long
def test_of_two_who_ask_for_a_host_at_the_same_time_one_has_it(
    objects: Objects, elsewhere: Objects, configured: Configured
) -> None:
    host = f"{objects.namespace}.example.com"
    configured(BY_INGRESS | SHARED)
    both = (objects, elsewhere)
    for one in both:
        one.apply(sample("gpu-portion", **at(host)))
    wait_for(lambda: sorted(reason(one, "llama-8b") for one in both) == ["HostTaken", "Running"])
    assert sum(one.get(INGRESS, OWN) is not None for one in both) == 1
    (refused,) = [one for one in both if reason(one, "llama-8b") == "HostTaken"]
    assert nothing_is_written(refused)


def test_the_last_good_spec_keeps_running_at_its_host(
    objects: Objects, elsewhere: Objects, configured: Configured
) -> None:
    taken, free = (f"{name}-{objects.namespace}.example.com" for name in ("taken", "free"))
    elsewhere.apply(an_ingress(taken))
    configured(BY_INGRESS | SHARED)
    exposed(objects, **at(free))
    objects.apply(sample("gpu-portion", **at(taken), replicas=2))
    settled(objects, "llama-8b", "HostTaken")
    assert "The last good spec keeps running" in condition(objects, "llama-8b", "Ready")["message"]
    assert present(objects, INGRESS, OWN)["spec"]["rules"][0]["host"] == free
    assert present(objects, NIMSERVICE, "llama-8b")["spec"]["replicas"] == 1


BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
POD = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "web"}]}}
RULES = [{"backendRefs": [{"name": "web", "port": 80}]}]
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
RBAC = "rbac.authorization.k8s.io"
FOREIGN: dict[str, dict[str, Any]] = {
    "v1 ServiceAccount": {"imagePullSecrets": [{"name": "theirs"}]},
    f"{RBAC}/v1 Role": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]},
    f"{RBAC}/v1 RoleBinding": {
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "theirs"},
        "subjects": [{"kind": "ServiceAccount", "name": "theirs"}],
    },
    "v1 Service": {"spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}},
    "apps/v1 Deployment": {"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": POD}},
    "networking.k8s.io/v1 Ingress": {"spec": {"defaultBackend": BACKEND}},
    "gateway.networking.k8s.io/v1 HTTPRoute": {"spec": {"rules": RULES}},
    "gateway.networking.k8s.io/v1 GRPCRoute": {"spec": {"rules": RULES}},
    "autoscaling/v2 HorizontalPodAutoscaler": {"spec": {"maxReplicas": 2, "scaleTargetRef": TARGET}},
}
"""What others made, by its kind."""


def foreign(kind: str, name: str) -> dict[str, Any]:
    api_version, kind_name = kind.split()
    return {"apiVersion": api_version, "kind": kind_name, "metadata": {"name": name}, **FOREIGN[kind]}


def named(name: str) -> dict[str, Any]:
    body = sample("gpu-portion")
    body["metadata"]["name"] = name
    return body


@pytest.mark.parametrize(("suffix", "kinds"), [("", NAMED_KINDS), ("-epp", PICKER_KINDS)])
@pytest.mark.usefixtures("operator_process")
def test_what_others_made_is_not_handed_to_the_nim_operator(
    suffix: str, kinds: tuple[Resource, ...], objects: Objects
) -> None:
    looked_up = {kind.kind for kind in kinds}
    names = {kind: f"n{index}" for index, kind in enumerate(FOREIGN) if kind.split()[1] in looked_up}
    assert len(names) == len(kinds)
    before = {kind: objects.apply(foreign(kind, name + suffix))["metadata"] for kind, name in names.items()}
    for name in names.values():
        objects.apply(named(name))
    for kind, name in names.items():
        settled(objects, name, "NameConflict")
        message = condition(objects, name, "Ready")["message"]
        assert f"conflict with the existing {kind.split()[1]} {name}{suffix}, which the NIM Operator would" in message
    assert objects.list(NIMSERVICE) == objects.list(CLAIM) == []
    for kind, name in names.items():
        assert present(objects, kind, name + suffix)["metadata"]["uid"] == before[kind]["uid"]
        assert present(objects, kind, name + suffix)["metadata"].get("labels") is None


@pytest.mark.usefixtures("operator_process")
def test_a_name_that_is_free_again_is_taken(objects: Objects) -> None:
    kind = "v1 ServiceAccount"
    objects.apply(foreign(kind, "llama-8b"))
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "NameConflict")
    objects.delete(kind, "llama-8b")
    settled(objects, "llama-8b", "Running", 40)
