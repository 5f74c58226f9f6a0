"""How a service is reached from outside the cluster: the NIM Operator's router, and a route of our own."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from local.cluster import CHECKOUT, Program
from local.objects import Objects, wait_for
from tests.cluster.admission import refusing
from tests.cluster.conftest import Configured
from tests.support.routes import BY_GATEWAY, BY_INGRESS, GRPC_ROUTE, HTTP_ROUTE, INGRESS, OWN, PORTS, exposed, url_of
from tests.support.services import CR, NIMSERVICE, condition, gone, present, reason, sample, settled

pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.mark.long
def test_a_router_comes_changes_and_goes(objects: Objects, configured: Configured) -> None:
    configured(BY_GATEWAY)
    host = f"llama-8b.{objects.namespace}.nim.example.com"
    assert exposed(objects)["url"] == f"https://{host}"
    assert present(objects, HTTP_ROUTE, "llama-8b")["spec"]["hostnames"] == [host]

    exposed(objects, servingPort=PORTS)
    assert wait_for(lambda: objects.get(GRPC_ROUTE, "llama-8b"))
    assert gone(objects, HTTP_ROUTE, "llama-8b")

    exposed(objects)
    assert wait_for(lambda: objects.get(HTTP_ROUTE, "llama-8b"))
    assert gone(objects, GRPC_ROUTE, "llama-8b")

    configured(BY_INGRESS)
    assert wait_for(lambda: objects.get(INGRESS, "llama-8b"))
    assert gone(objects, HTTP_ROUTE, "llama-8b")
    settled(objects, "llama-8b", "Running")

    configured(BY_GATEWAY)
    assert wait_for(lambda: objects.get(HTTP_ROUTE, "llama-8b"))
    assert gone(objects, INGRESS, "llama-8b")

    status = exposed(objects, servingPort={"port": 8000, "exposeExternally": False})
    assert "url" not in status
    assert gone(objects, HTTP_ROUTE, "llama-8b")
    assert reason(objects, "llama-8b", "Exposed") == "NotWanted"


def test_a_route_of_our_own_comes_changes_and_goes(objects: Objects, configured: Configured) -> None:
    configured(BY_GATEWAY)
    url = f"{url_of(objects)}/v1"
    host = f"chat.{objects.namespace}.nim.example.com"
    assert exposed(objects, servingPort={"port": 8000, "exposedUrl": url})["url"] == url
    route = present(objects, HTTP_ROUTE, OWN)
    assert route["spec"]["hostnames"] == [host]
    assert (route["spec"]["rules"][0]["backendRefs"][0]["name"], objects.get(HTTP_ROUTE, "llama-8b")) == (
        "llama-8b",
        None,
    )

    objects.patch(HTTP_ROUTE, OWN, {"spec": {"hostnames": ["evil.example.com"]}})
    wait_for(lambda: present(objects, HTTP_ROUTE, OWN)["spec"]["hostnames"] == [host])

    exposed(objects, servingPort={**PORTS, "exposedUrl": url_of(objects)})
    assert wait_for(lambda: objects.get(GRPC_ROUTE, OWN))
    assert gone(objects, HTTP_ROUTE, OWN)

    configured(BY_INGRESS)
    assert wait_for(lambda: objects.get(INGRESS, OWN))
    assert gone(objects, GRPC_ROUTE, OWN)

    exposed(objects)
    assert gone(objects, INGRESS, OWN)
    assert wait_for(lambda: objects.get(INGRESS, "llama-8b"))


@pytest.mark.long
def test_external_access_that_is_not_configured_any_more_is_cleaned_up(
    objects: Objects, configured: Configured
) -> None:
    configured(BY_INGRESS)
    exposed(objects, servingPort={"port": 8000, "exposedUrl": url_of(objects)})
    assert wait_for(lambda: objects.get(INGRESS, OWN))
    configured({})
    assert gone(objects, INGRESS, OWN)
    wait_for(lambda: reason(objects, "llama-8b", "Exposed") == "NotConfigured")
    assert reason(objects, "llama-8b") == "Running"


def test_a_foreign_route_is_never_overwritten(objects: Objects, configured: Configured) -> None:
    configured(BY_INGRESS)
    backend = {"service": {"name": "theirs", "port": {"number": 80}}}
    theirs = {"rules": [{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]}
    labels = {"runai-nim.io/service": "llama-8b"}
    foreign = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": OWN, "labels": labels}}
    objects.apply({**foreign, "spec": theirs})
    before = present(objects, INGRESS, OWN)["metadata"]["resourceVersion"]
    status = exposed(objects, servingPort={"port": 8000, "exposedUrl": url_of(objects)})
    assert "url" not in status
    assert reason(objects, "llama-8b", "Exposed") == "NameConflict"
    assert present(objects, INGRESS, OWN)["metadata"]["resourceVersion"] == before
    objects.delete(INGRESS, OWN)
    wait_for(lambda: reason(objects, "llama-8b", "Exposed") == "RouteWritten")


@pytest.mark.long
def test_a_route_that_is_refused_is_said_and_hinders_nothing_else(
    objects: Objects, configured: Callable[[dict[str, str]], None]
) -> None:
    configured(BY_INGRESS)
    rules = {"this host is not yours": "object.spec.rules.all(rule, rule.host != 'evil.example.com')"}
    probe = partial(objects.apply, an_ingress("probe", "evil.example.com"))
    with refusing(
        objects, resource="ingresses.networking.k8s.io", operations=["CREATE", "UPDATE"], rules=rules, probe=probe
    ):
        status = exposed(objects, servingPort={"port": 8000, "exposedUrl": "https://evil.example.com"})
        assert (status["phase"], "url" in status) == ("Running", False)
        told = condition(objects, "llama-8b", "Exposed")
        assert (told["status"], told["reason"]) == ("False", "RouteRefused")
        assert f"the API server refuses Ingress {OWN}: " in told["message"]
        assert "this host is not yours" in told["message"]

        status = exposed(objects, servingPort={"port": 8000, "exposedUrl": "https://fine.example.com"})
        assert status["url"] == "https://fine.example.com"
        status = exposed(objects, servingPort={"port": 8000, "exposedUrl": "https://evil.example.com"})
        assert "url" not in status
        assert reason(objects, "llama-8b", "Exposed") == "RouteRefused"


@pytest.mark.long
def test_a_route_that_may_not_be_deleted_is_said_and_hinders_nothing_else(
    objects: Objects, configured: Callable[[dict[str, str]], None]
) -> None:
    configured(BY_INGRESS)
    exposed(objects, servingPort={"port": 8000, "exposedUrl": "https://fine.example.com"})
    rules = {"routes stay": "false"}

    def probe() -> None:
        objects.apply(an_ingress("probe", "fine.example.com"))
        objects.delete(INGRESS, "probe")

    with refusing(objects, resource="ingresses.networking.k8s.io", operations=["DELETE"], rules=rules, probe=probe):
        status = exposed(objects, servingPort={"port": 8000, "exposeExternally": False})
        assert (status["phase"], "url" in status) == ("Running", False)
        told = condition(objects, "llama-8b", "Exposed")
        assert (told["status"], told["reason"]) == ("Unknown", "RouteRefused")
        assert f"the API server refuses to delete Ingress {OWN}: " in told["message"]
    objects.apply(sample("gpu-portion", servingPort={"port": 8000, "exposeExternally": False}, replicas=2))
    assert gone(objects, INGRESS, OWN, 60)


def an_ingress(name: str, host: str) -> dict[str, Any]:
    backend = {"service": {"name": "theirs", "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name},
        "spec": {"rules": [rule]},
    }


@pytest.mark.long
def test_what_is_taken_away_from_a_route_is_gone(
    objects: Objects, configured: Callable[[dict[str, str]], None]
) -> None:
    noted = {"RUNAI_NIM_EXTERNAL_ANNOTATIONS": '{"example.com/tier": "gold"}'}
    configured(BY_INGRESS | noted)
    exposed(objects, servingPort={"port": 8000, "exposedUrl": "https://llama.example.com"})
    route = present(objects, INGRESS, OWN)
    assert (route["metadata"]["annotations"]["example.com/tier"], "tls" in route["spec"]) == ("gold", True)
    objects.patch(INGRESS, OWN, {"metadata": {"annotations": {"theirs": "stays"}}})

    exposed(objects, servingPort={"port": 8000, "exposedUrl": "http://llama.example.com"})
    assert "tls" not in present(objects, INGRESS, OWN)["spec"]
    configured(BY_INGRESS)
    wait_for(lambda: "example.com/tier" not in present(objects, INGRESS, OWN)["metadata"]["annotations"])
    assert present(objects, INGRESS, OWN)["metadata"]["annotations"]["theirs"] == "stays"


@pytest.mark.long
def test_routes_wait_for_the_gateway_api(objects: Objects, configured: Configured, kubectl: Callable[..., str]) -> None:
    kubectl("delete", "crd", "httproutes.gateway.networking.k8s.io", "--timeout=60s")
    configured(BY_GATEWAY)
    exposed(objects, servingPort={"port": 8000, "exposedUrl": url_of(objects)})
    assert "install the Gateway API" in condition(objects, "llama-8b", "Exposed")["message"]
    kubectl("apply", "--server-side", f"--filename={CHECKOUT / 'local' / 'crds' / 'httproutes.yaml'}")
    wait_for(lambda: reason(objects, "llama-8b", "Exposed") == "RouteWritten", 30)


def test_a_label_of_ours_on_a_foreign_route_without_our_settings_harms_nobody(
    objects: Objects, operator_process: Program
) -> None:
    labels = {"runai-nim.io/service": "llama-8b"}
    rule = {"backendRefs": [{"name": "theirs", "port": 80}]}
    foreign = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": OWN, "labels": labels},
        "spec": {"rules": [rule]},
    }
    objects.apply(foreign)
    exposed(objects)
    assert present(objects, HTTP_ROUTE, OWN)["spec"]["rules"][0]["backendRefs"][0]["name"] == "theirs"
    assert present(objects, NIMSERVICE, "llama-8b")


@pytest.mark.long
def test_of_two_with_one_url_the_younger_has_a_warning_until_the_older_goes(
    objects: Objects, configured: Configured
) -> None:
    configured(BY_GATEWAY)
    url = url_of(objects)
    exposed(objects, servingPort={"port": 8000, "exposedUrl": url})
    younger = sample("gpu-portion", servingPort={"port": 8000, "exposedUrl": f"{url}/"})
    objects.apply({**younger, "metadata": {"name": "younger"}})
    told = "RunaiNimService llama-8b, which is older, has it too"

    def translated(name: str) -> str:
        return str(condition(objects, name, "Translated").get("message", ""))

    wait_for(lambda: told in translated("younger"))
    assert "which is older" not in translated("llama-8b")

    objects.delete(CR, "llama-8b")
    wait_for(lambda: told not in translated("younger"))
