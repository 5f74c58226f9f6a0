"""What only a restart mends ends the operator at once and with an exit code; what mends itself is waited for."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from local.cluster import CHECKOUT, OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT, SOURCES, LocalCluster
from local.loopback import answers, free_ports
from local.objects import Objects, wait_for
from tests.cluster.conftest import Without
from tests.support.permissions import Permission
from tests.support.services import sample, settled

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


@pytest.mark.long
@pytest.mark.usefixtures("kubeconfig")
def test_a_port_that_is_taken_ends_it(cluster: LocalCluster) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:  # noqa: S104  # as the operator does
        code, said = _ended(cluster, RUNAI_NIM_HEALTHZ_PORT=str(taken.getsockname()[1]))
    assert (code, said) == (1, ["task failed, the process exits"])


def test_no_way_to_the_cluster_ends_it(cluster: LocalCluster) -> None:
    assert _ended(cluster, KUBECONFIG="/nowhere") == (1, ["operator failed, the process exits"])


@pytest.mark.usefixtures("kubeconfig")
@pytest.mark.long
def test_credentials_that_are_refused_end_it(cluster: LocalCluster, own_service_account: None) -> None:
    cluster.kubectl("delete", "serviceaccount", OPERATOR_SERVICE_ACCOUNT, f"--namespace={OPERATOR_NAMESPACE}")
    assert _ended(cluster) == (1, ["operator failed, the process exits"])


@pytest.fixture
def own_service_account(cluster: LocalCluster) -> Iterator[None]:
    """The operator's ServiceAccount and rules are put back afterwards; who runs under the old one is stopped."""
    cluster.operator.stop()
    yield
    cluster.apply_manifests()


@pytest.mark.usefixtures("stand_in")
@pytest.mark.long
def test_a_permission_that_comes_late_is_found(
    cluster: LocalCluster, objects: Objects, own_service_account: None, without: Without
) -> None:
    verbs = ("get", "list", "watch")
    with without(*(Permission(verb, "runai-nim.io", "runainimservices") for verb in verbs)):
        cluster.operator.start()
        missing = [f"may not {verb} runainimservices.runai-nim.io: the permission is missing" for verb in verbs]
        wait_for(lambda: cluster.ask("/readyz") == (503, "\n".join(["runainimservices: not listed yet", *missing])))
        assert answers(cluster.healthz_url)
        pid = cluster.operator.pid
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "Running", 60)
    wait_for(lambda: answers(cluster.readyz_url))
    assert cluster.operator.pid == pid


@pytest.mark.usefixtures("stand_in", "own_service_account")
@pytest.mark.long
def test_our_own_kind_that_goes_ends_it_and_is_waited_for(cluster: LocalCluster, objects: Objects) -> None:
    operator = cluster.operator
    operator.start()
    wait_for(lambda: answers(cluster.readyz_url))
    cluster.kubectl("delete", "crd", "runainimservices.runai-nim.io", "--timeout=60s")
    wait_for(lambda: not operator.alive, ENDS_WITHIN_SECONDS)

    operator.start()  # as a kubelet does; it is alive at once
    wait_for(lambda: cluster.ask("/readyz") == (503, "runainimservices: not listed yet"))
    began = time.monotonic()
    operator.stop()
    assert time.monotonic() - began < 10

    operator.start()
    cluster.apply_manifests()
    wait_for(lambda: answers(cluster.readyz_url))
    objects.apply(sample("gpu-portion"))
    # A kind as new as ours the API server does not let own anything for half a minute.
    settled(objects, "llama-8b", "Running", 90)
