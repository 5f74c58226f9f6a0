"""The stand-in with the rights that it has as a pod of a real cluster, where kubelet and controllers do the rest."""

from collections.abc import Iterator

import pytest
import yaml

from local.audit import AuditLog
from local.control_plane import ControlPlane
from tests.nim_operator.api import Api, nim_service, until
from tests.nim_operator.conftest import CHECKOUT, OTHERS, install, stand_in
from tests.nim_operator.test_routes import EVERYTHING

pytestmark = pytest.mark.long

MANIFEST = CHECKOUT / "deploy" / "kind" / "nim-operator" / "stand-in.yaml"
ACCOUNT = "nim-operator"
USER = f"system:serviceaccount:{ACCOUNT}:{ACCOUNT}"
ROUTER = {"hostDomainName": "example.com", "ingress": {"ingressClass": "nginx"}}
GATEWAY = {"hostDomainName": "example.com", "gateway": {"name": "g", "namespace": "g", "httpRoutesEnabled": True}}


@pytest.fixture(scope="module")
def plane(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The control plane with the stand-in on it, as its ServiceAccount."""
    install(control_plane, OTHERS)
    manifests = [found for found in yaml.safe_load_all(MANIFEST.read_text()) if found["kind"] != "Deployment"]
    control_plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))
    path = tmp_path_factory.mktemp("account") / "kubeconfig"
    control_plane.service_account_kubeconfig(ACCOUNT, ACCOUNT, path)
    with stand_in(control_plane, *arguments(), kubeconfig=path):
        yield control_plane


def arguments() -> list[str]:
    """What the image starts it with."""
    text = (MANIFEST.parent / "Dockerfile").read_text()
    (entry,) = (line.removeprefix("ENTRYPOINT ") for line in text.splitlines() if line.startswith("ENTRYPOINT "))
    command: list[str] = yaml.safe_load(entry)
    return command[3:]


@pytest.fixture
def api(plane: ControlPlane, namespace: str) -> Api:
    return Api(plane, namespace)


def test_its_rights_suffice_for_everything_that_it_makes_and_takes_away(api: Api, plane: ControlPlane) -> None:
    everything = {
        **EVERYTHING,
        "storage": {"pvc": {"create": True, "size": "1Gi", "volumeAccessMode": "ReadWriteOnce"}},
    }
    router = {"service": {"port": 8000}}
    wanted = nim_service(**everything, expose={**router, "router": ROUTER})
    del wanted["spec"]["replicas"]  # the autoscaler decides
    api.apply(wanted)
    until(lambda: bool(api.get("deployment")), "a Deployment")
    assert api.get("horizontalpodautoscaler")
    assert api.get("ingress")
    assert api.get("persistentvolumeclaim", "llama-pvc")
    api.apply(nim_service(expose={**router, "router": GATEWAY}))
    until(lambda: bool(api.get("httproute")), "an HTTPRoute")
    until(lambda: not api.get("horizontalpodautoscaler"), "no autoscaler")
    until(lambda: not api.get("ingress"), "no Ingress")
    until(lambda: api.state() == "NotReady", "a status")
    plane.kubectl("delete", "nimservice", "llama", api.namespace, "--timeout=10s")

    refused = [request for request in AuditLog(plane.audit_log).requests(user=USER) if request.code == 403]
    assert refused == []


def test_it_leaves_pods_and_claims_to_the_cluster(api: Api, plane: ControlPlane) -> None:
    api.apply(nim_service())
    until(lambda: bool(api.all("pods")), "a pod")
    until(lambda: api.state() == "NotReady", "NotReady")

    assert api.all("pods")[0]["status"]["phase"] == "Pending"
    probes = api.all("pods")[0]["spec"]["containers"][0]
    assert {probes[probe]["initialDelaySeconds"] for probe in ("livenessProbe", "readinessProbe", "startupProbe")} == {
        5
    }
