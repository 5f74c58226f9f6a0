"""What only a restart mends ends the operator at once and with an exit code; what mends itself is waited for."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from local.cluster import CHECKOUT, OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT, SOURCES, LocalCluster
from local.loopback import answers, free_ports
from local.objects import Objects, wait_for
from tests.cluster.services import sample, settled

ENDS_WITHIN_SECONDS = 20


def _ended(cluster: LocalCluster, **environment: str) -> tuple[int, list[str]]:
    """Run the operator until it ends: its exit code, and what it said was critical."""
    kubeconfig = cluster.control_plane.directory / "restarted.kubeconfig"
    given = {"KUBECONFIG": str(kubeconfig), "RUNAI_NIM_HEALTHZ_PORT": str(free_ports(1)[0]), "PYTHONPATH": SOURCES}
    run = subprocess.run(
        [sys.executable, "-m", "runai_nim"],
        env=os.environ | given | environment,
        cwd=CHECKOUT,
        stderr=subprocess.PIPE,
        timeout=ENDS_WITHIN_SECONDS,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in run.stderr.splitlines() if line.startswith("{")]  # Python's warnings are not
    return run.returncode, [line["message"] for line in lines if line["level"] == "CRITICAL"]


@pytest.fixture
def kubeconfig(cluster: LocalCluster) -> None:
    cluster.control_plane.service_account_kubeconfig(
        OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT, cluster.control_plane.directory / "restarted.kubeconfig"
    )


@pytest.mark.usefixtures("kubeconfig")
def test_a_port_that_is_taken_ends_it(cluster: LocalCluster) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:  # noqa: S104  # as the operator does
        code, said = _ended(cluster, RUNAI_NIM_HEALTHZ_PORT=str(taken.getsockname()[1]))
    assert (code, said) == (1, ["a task failed, the process ends"])


def test_no_way_to_the_cluster_ends_it(cluster: LocalCluster) -> None:
    assert _ended(cluster, KUBECONFIG="/nowhere") == (1, ["the process ends, to be started anew"])


@pytest.mark.usefixtures("kubeconfig")
def test_credentials_that_are_refused_end_it(cluster: LocalCluster, own_service_account: None) -> None:
    cluster.kubectl("delete", "serviceaccount", OPERATOR_SERVICE_ACCOUNT, f"--namespace={OPERATOR_NAMESPACE}")
    assert _ended(cluster) == (1, ["the process ends, to be started anew"])


@pytest.fixture
def own_service_account(cluster: LocalCluster) -> Iterator[None]:
    """The operator's ServiceAccount and rules are put back afterwards; who runs under the old one is stopped."""
    cluster.operator.stop()
    yield
    cluster.apply_manifests()


@pytest.mark.usefixtures("stand_in")
def test_a_permission_that_comes_late_is_found(
    cluster: LocalCluster, objects: Objects, own_service_account: None
) -> None:
    rules = json.loads(cluster.kubectl("get", "clusterrole", "runai-nim-operator", "--output=json"))["rules"]
    without = [rule for rule in rules if rule["resources"] != ["runainimservices"]]
    assert len(without) == len(rules) - 1
    cluster.kubectl(
        "patch", "clusterrole", "runai-nim-operator", "--type=merge", f"--patch={json.dumps({'rules': without})}"
    )
    cluster.operator.start()
    ready = cluster.healthz_url.replace("/healthz", "/readyz")
    wait_for(lambda: _unready(ready) == ["runainimservices: not listed yet"])
    assert answers(cluster.healthz_url)
    pid = cluster.operator.pid
    cluster.apply_manifests()
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "Running", 60)
    wait_for(lambda: answers(ready))
    assert cluster.operator.pid == pid


def _unready(url: str) -> list[str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as refused:
        opener.open(url, timeout=5)
    with refused.value as answer:
        return answer.read().decode().splitlines()
