"""The local control plane behaves as a cluster's, and nothing of it is reachable from outside or left behind."""

import json
import os
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local import control_plane as module
from local.audit import AuditLog
from local.control_plane import ControlPlane
from local.loopback import free_ports
from local.objects import Objects, wait_for
from local.processes import StartError
from local.programs import programs


def config_map(name: str, owner: dict[str, Any] | None = None) -> dict[str, Any]:
    references = []
    if owner:
        references = [{"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"],
                       "uid": owner["metadata"]["uid"], "blockOwnerDeletion": True}]  # fmt: skip
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "ownerReferences": references}}


def test_the_garbage_collector_deletes_what_a_deleted_object_owned(objects: Objects) -> None:
    owner = objects.apply(config_map("owner"))
    objects.apply(config_map("owned", owner))
    objects.delete("v1 ConfigMap", "owner")
    wait_for(lambda: objects.get("v1 ConfigMap", "owned") is None)


def test_a_deleted_namespace_goes(kubectl: Callable[..., str]) -> None:
    kubectl("create", "namespace", "short-lived")
    kubectl("delete", "namespace", "short-lived", "--timeout=30s")
    assert "short-lived" not in kubectl("get", "namespaces")


def test_a_deployment_gets_its_pods_and_a_service_an_address_on_loopback(objects: Objects) -> None:
    labels = {"app": "web"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web"}]}}
    objects.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                   "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod}})  # fmt: skip
    service = objects.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                             "spec": {"selector": labels, "ports": [{"port": 80}]}})  # fmt: skip
    assert service["spec"]["clusterIP"].startswith("127.100.")
    wait_for(lambda: len(objects.list("v1 Pod", "app=web")) == 2)


def test_a_service_account_kubeconfig_authenticates_as_itself_with_no_rights_beyond_its_own(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    control_plane.kubectl("create", "serviceaccount", "somebody", f"--namespace={namespace}")
    path = control_plane.service_account_kubeconfig(namespace, "somebody", tmp_path / "kubeconfig", lifetime=600)
    kubectl = [str(programs() / "kubectl"), f"--kubeconfig={path}", f"--cache-dir={tmp_path}"]
    who = json.loads(subprocess.check_output([*kubectl, "auth", "whoami", "--output=json"]))
    assert who["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:somebody"
    asked = subprocess.run([*kubectl, "get", "secrets"], capture_output=True, text=True)
    assert asked.returncode == 1
    assert "forbidden" in asked.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_audit_log_tells_who_did_what(control_plane: ControlPlane, objects: Objects) -> None:
    log = AuditLog(control_plane.audit_log)
    objects.list("v1 ConfigMap")  # so that discovery is behind us
    mark = log.mark()
    objects.apply(config_map("written"))
    objects.get("v1 ConfigMap", "written")
    objects.get("v1 ConfigMap", "absent")
    space = objects.namespace
    user = "administrator"
    assert log.count(mark, user) == {
        (user, "patch", "configmaps", "", space): 1,
        (user, "get", "configmaps", "", space): 2,
    }
    requests = list(log.requests(mark, user))
    assert [(request.name, request.code) for request in requests] == [
        ("written", 201),
        ("written", 200),
        ("absent", 404),
    ]
    assert all(request.received <= request.answered for request in requests)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads the sockets from Linux's /proc")
def test_nothing_listens_beyond_loopback(control_plane: ControlPlane) -> None:
    addresses = {name: set(listening(control_plane.processes.pid(name))) for name in module.PROGRAMS}
    assert all(addresses.values()), f"each program listens somewhere: {addresses}"
    assert {address for found in addresses.values() for address in found} == {"127.0.0.1"}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ControlPlane]:
    """A control plane that the test may break; not started."""
    plane = ControlPlane(tmp_path)
    with plane.processes.tied_to_this_process():
        yield plane


@pytest.mark.long
def test_each_program_can_be_killed_and_started_again_with_its_data(own: ControlPlane) -> None:
    own.start()
    own.kubectl("create", "configmap", "kept")
    for name in module.PROGRAMS:
        own.kill_program(name)
        assert not own.processes.alive(name)
        own.start_program(name)
    assert "kept" in own.kubectl("get", "configmaps")
    own.kill_program("etcd")
    own.kill_program("kube-controller-manager")
    assert own.resume() == ["etcd", "kube-controller-manager"]
    assert own.resume() == []
    assert "kept" in own.kubectl("get", "configmaps")
    own.start()
    assert "kept" not in own.kubectl("get", "configmaps")
    own.stop()
    own.stop()
    assert not any(own.processes.alive(name) for name in module.PROGRAMS)


@pytest.mark.long
def test_a_port_that_was_taken_meanwhile_is_replaced_by_another(
    own: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        choices = iter([[*free_ports(2), port, *free_ports(1)]])
        monkeypatch.setattr(module, "free_ports", lambda count: next(choices, None) or free_ports(count))
        own.start()
    assert str(port) not in own.url
    assert "default" in own.kubectl("get", "namespaces")


def test_a_failed_start_tells_the_programs_last_words_and_leaves_nothing(
    own: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "loopback_api_server_flags", lambda *_: ["--no-such-flag"])
    with pytest.raises(StartError, match=r"kube-apiserver ended; .*\n.*unknown flag: --no-such-flag"):
        own.start()
    assert not own.processes.alive("etcd")


def listening(pid: int | None) -> Iterator[str]:
    """Yield the local addresses of a process's listening TCP sockets."""
    inodes = {os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()}
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and f"socket:[{inode}]" in inodes:
                raw = bytes.fromhex(local.partition(":")[0])
                # The kernel prints each 32-bit word in the machine's byte order.
                words = [raw[i : i + 4][::-1] for i in range(0, len(raw), 4)]
                yield socket.inet_ntop(family, b"".join(words))
