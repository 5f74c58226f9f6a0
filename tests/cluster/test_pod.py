"""Both processes as a kubelet starts them: any user id, no HOME, nothing to write to, no cluster DNS."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cluster import OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT, LocalCluster
from local.loopback import answers, free_ports
from local.objects import Objects, wait_for
from tests.support.container import obstacle, service_account_files, start_in_pod
from tests.support.external_cluster import external_kubeconfig
from tests.support.services import serve

pytestmark = [
    pytest.mark.skipif(obstacle() != "", reason=f"no process can be started as in a pod: {obstacle()}"),
    pytest.mark.skipif(external_kubeconfig() is not None, reason="starts the operator, which a given cluster has"),
]


@pytest.fixture
def service_account(cluster: LocalCluster, tmp_path: Path) -> Path:
    """The files of the operator's ServiceAccount."""
    control_plane = cluster.control_plane
    kubeconfig = control_plane.service_account_kubeconfig(
        OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT, tmp_path / "operator.kubeconfig"
    )
    return service_account_files(tmp_path / "serviceaccount", control_plane, kubeconfig, OPERATOR_NAMESPACE)


@pytest.fixture(params=[{}, {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}], ids=["plain", "proxy"])
def ready_url(
    request: pytest.FixtureRequest, cluster: LocalCluster, service_account: Path, tmp_path: Path
) -> Iterator[str]:
    """The operator in such a process, and where it answers whether it is ready."""
    (port,) = free_ports(1)
    log = tmp_path / "operator.log"
    process = start_in_pod(
        "runai_nim",
        service_account=service_account,
        control_plane=cluster.control_plane,
        log=log,
        RUNAI_NIM_HEALTHZ_PORT=str(port),
        **request.param,
    )
    url = f"http://127.0.0.1:{port}/readyz"
    try:
        _wait_ready(process, url, log)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=15)


def test_the_operator_serves_a_model(ready_url: str, stand_in: object, objects: Objects) -> None:
    serve(objects)

    assert answers(ready_url)


def test_the_rest_api_is_ready(cluster: LocalCluster, service_account: Path, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    log = tmp_path / "rest.log"
    process = start_in_pod(
        "runai_nim.rest",
        f"--port={port}",
        "--host=127.0.0.1",
        service_account=service_account,
        control_plane=cluster.control_plane,
        log=log,
    )
    try:
        _wait_ready(process, f"http://127.0.0.1:{port}/readyz", log)
    finally:
        process.terminate()
        process.wait(timeout=15)


def _wait_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    """Wait for a 200; fails with the process's own words when it ends or stays unready."""

    def ready_or_ended() -> bool:
        return process.poll() is not None or answers(url)

    wait_for(ready_or_ended, 30)
    assert process.poll() is None, log.read_text(errors="replace")
