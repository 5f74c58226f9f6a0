"""The stand-in with nodes, on a real API server: readiness, its knobs, and how it bears trouble."""

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.control_plane import ControlPlane
from tests.nim_operator.api import PREFIX, Api, nim_service, until
from tests.nim_operator.conftest import stand_in

pytestmark = pytest.mark.long

MANY = 60
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "store"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


@pytest.fixture(scope="module")
def plane(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """The control plane with the stand-in on it."""
    with stand_in(control_plane, "--endpoint-pause=0.1"):
        yield control_plane


@pytest.fixture
def api(plane: ControlPlane, namespace: str) -> Api:
    return Api(plane, namespace)


def test_a_nim_becomes_ready_and_its_claim_bound(api: Api) -> None:
    api.apply(CLAIM, nim_service(storage={"pvc": {"name": "store"}}, replicas=2))
    until(lambda: api.state() == "Ready", "Ready")
    status = api.get("nimservice")["status"]
    address = api.get("service")["spec"]["clusterIP"]
    assert status["model"] == {"name": "llama", "clusterEndpoint": f"{address}:8000", "externalEndpoint": ""}
    assert api.get("deployment")["status"]["availableReplicas"] == 2
    assert api.get("persistentvolumeclaim", "store")["status"]["phase"] == "Bound"


def test_a_changed_image_is_rolled_out_and_a_deletion_is_let_through(api: Api, plane: ControlPlane) -> None:
    api.apply(nim_service())
    until(lambda: api.state() == "Ready", "Ready")
    api.apply(nim_service(image={"repository": "r", "tag": "2"}))
    until(lambda: [pod["spec"]["containers"][0]["image"] for pod in api.all("pods")] == ["r:2"], "the new image")
    until(lambda: api.state() == "Ready", "Ready again")
    plane.kubectl("delete", "nimservice", "llama", api.namespace, "--timeout=10s")


def test_scaled_to_zero_it_stops_answering(api: Api) -> None:
    api.apply(nim_service())
    until(lambda: api.state() == "Ready", "Ready")
    api.apply(nim_service(replicas=0))
    until(lambda: api.state() == "NotReady", "NotReady")
    message = api.get("nimservice")["status"]["conditions"][0]["message"]
    assert message == 'deployment "llama" is scaled down'
    api.apply(nim_service(replicas=1))
    until(lambda: api.state() == "Ready", "Ready again")


def test_the_deployment_can_be_delayed_after_the_service(api: Api) -> None:
    api.apply(nim_service(marks={"delay-deployment": "2"}))
    until(lambda: bool(api.get("service")), "the Service")
    assert not api.get("deployment")
    assert api.state() == ""
    assert until(lambda: bool(api.get("deployment")), "the Deployment") > 1


def test_delays_can_stand_in_the_spec(api: Api) -> None:
    api.apply(nim_service(annotations={PREFIX + "delay-service": "2"}))
    until(lambda: bool(api.get("rolebinding")), "the RoleBinding")
    assert not api.get("service")
    assert until(lambda: bool(api.get("service")), "the Service") > 1


def test_readiness_can_be_delayed(api: Api) -> None:
    api.apply(nim_service(marks={"delay-ready": "2"}))
    until(lambda: bool(api.all("pods")), "a pod")
    assert api.all("pods")[0]["status"]["phase"] == "Pending"
    assert until(lambda: api.state() == "Ready", "Ready") > 1


def test_a_change_of_a_deployment_can_be_two_generations(api: Api) -> None:
    marks = {"write-twice": "true"}
    api.apply(nim_service(marks=marks))
    until(lambda: api.state() == "Ready", "Ready")
    first = api.get("deployment")["metadata"]
    api.apply(nim_service(marks=marks, replicas=2))
    until(lambda: api.get("deployment")["spec"]["replicas"] == 2, "the change")
    until(lambda: api.get("deployment")["metadata"]["generation"] >= first["generation"] + 2, "the second generation")
    hashes = {key: value for key, value in first["annotations"].items() if key.endswith("-hash")}
    until(lambda: hashes.keys() <= api.get("deployment")["metadata"]["annotations"].keys(), "the hashes")
    until(lambda: api.state() == "Ready", "Ready again")


def test_it_can_fail_and_recovers_when_the_knob_goes(api: Api) -> None:
    api.apply(nim_service(marks={"fail": "no luck today"}))
    until(lambda: api.state() == "Failed", "Failed")
    failed = api.get("nimservice")["status"]["conditions"][1]
    assert (failed["type"], failed["status"], failed["message"]) == ("Failed", "True", "no luck today")
    assert failed["reason"] in {"DeploymentFailed", "Failed"}
    api.annotate("llama", PREFIX + "fail-")
    until(lambda: api.state() == "Ready", "Ready")


def test_it_can_be_dead_for_one_nim(api: Api) -> None:
    api.apply(nim_service("dead", marks={"never-act": "true"}), nim_service("alive"))
    until(lambda: api.state("alive") == "Ready", "the other one Ready")
    dead = api.get("nimservice", "dead")
    assert "status" not in dead
    assert "finalizers" not in dead["metadata"]
    assert not api.get("service", "dead")
    api.annotate("dead", PREFIX + "never-act-")
    until(lambda: api.state("dead") == "Ready", "acted on after all")


def test_a_deleted_child_is_made_again(api: Api, plane: ControlPlane) -> None:
    api.apply(nim_service())
    until(lambda: api.state() == "Ready", "Ready")
    plane.kubectl("delete", "deployment", "llama", api.namespace)
    until(lambda: bool(api.get("deployment")), "the Deployment again")


BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
FOREIGN: dict[str, dict[str, Any]] = {
    "serviceaccount": {"apiVersion": "v1", "kind": "ServiceAccount", "imagePullSecrets": [{"name": "mine"}]},
    "role": {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}],
    },
    "ingress": {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "spec": {"defaultBackend": BACKEND},
    },
}


def foreign(kind: str, name: str = "llama") -> dict[str, Any]:
    return {**FOREIGN[kind], "metadata": {"name": name, "labels": {"mine": "yes"}}}


def test_what_others_made_of_its_names_is_overwritten_or_deleted(api: Api) -> None:
    """As by the real one: it takes any ServiceAccount and Role of its name for its own, and any Ingress for a rest."""
    api.apply(*(foreign(kind) for kind in FOREIGN), foreign("serviceaccount", "llama-epp"))
    before = api.get("serviceaccount")["metadata"]["uid"]
    api.apply(nim_service())
    until(lambda: api.state() == "Ready", "Ready")
    account = api.get("serviceaccount")
    assert (account["metadata"]["uid"], account.get("imagePullSecrets")) == (before, None)
    assert "mine" not in account["metadata"]["labels"]
    assert "ownerReferences" not in account["metadata"]
    assert [rule["resources"] for rule in api.get("role")["rules"]] == [["securitycontextconstraints"]]
    assert not api.get("ingress")
    assert not api.get("serviceaccount", "llama-epp")


def test_a_failed_cache_is_reported(api: Api, plane: ControlPlane) -> None:
    source = {"ngc": {"modelPuller": "p", "authSecret": "a"}}
    api.apply(
        {
            "apiVersion": "apps.nvidia.com/v1alpha1",
            "kind": "NIMCache",
            "metadata": {"name": "cache"},
            "spec": {"source": source, "storage": {}},
        }
    )
    status = '{"status": {"state": "Failed"}}'
    plane.kubectl(
        "patch", "nimcache", "cache", api.namespace, "--subresource=status", "--type=merge", f"--patch={status}"
    )
    api.apply(nim_service(storage={"nimCache": {"name": "cache"}}))
    until(lambda: api.state() == "Failed", "Failed")
    assert api.get("nimservice")["status"]["conditions"][1]["reason"] == "NIMCacheFailed"


def test_a_struct_that_it_co_owns_cannot_be_dropped(api: Api) -> None:
    """The trap that the first write lays for server-side apply: an apply without the struct is refused."""
    scale = {"enabled": True, "hpa": {"minReplicas": 2, "maxReplicas": 3}}
    fixed = nim_service()
    scaled = nim_service(scale=scale)
    del scaled["spec"]["replicas"]
    api.apply_server_side(fixed)
    until(lambda: api.state() == "Ready", "Ready")
    api.apply_server_side(scaled)
    with pytest.raises(subprocess.CalledProcessError) as refused:
        api.apply_server_side(fixed)
    assert 'spec.scale.hpa in body must be of type object: "null"' in refused.value.stderr
    off = {"enabled": False, "hpa": {"minReplicas": 1, "maxReplicas": 1}}
    api.apply_server_side(nim_service(scale=off))
    assert api.get("nimservice")["spec"]["scale"] == off


def test_many_at_once_are_all_acted_on(api: Api) -> None:
    api.apply(*(nim_service(f"nim-{number}") for number in range(MANY)))
    until(lambda: [api.state(f"nim-{number}") for number in (0, MANY - 1)] == ["Ready"] * 2, "first and last", 60)
    until(lambda: {nim["status"]["state"] for nim in api.all("nimservices")} == {"Ready"}, "all Ready", 60)


def test_a_lost_api_server_is_found_again(api: Api, plane: ControlPlane) -> None:
    api.apply(nim_service("before"))
    until(lambda: api.state("before") == "Ready", "Ready")
    plane.kill_program("kube-apiserver")
    plane.start_program("kube-apiserver")
    api.apply(nim_service("after"))
    until(lambda: api.state("after") == "Ready", "Ready", seconds=30)


def test_it_can_be_dead_for_all(control_plane: ControlPlane, namespace: str) -> None:
    """Beside the other one, which is told to leave this NIMService alone: nobody acts then."""
    api = Api(control_plane, namespace)
    with stand_in(control_plane, "--never-act", "--no-nodes") as process:
        api.apply(nim_service(marks={"never-act": "true"}))
        time.sleep(1)
        assert process.poll() is None
    assert "status" not in api.get("nimservice")
