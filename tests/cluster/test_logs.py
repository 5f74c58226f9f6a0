"""`runai-nim logs` on a real API server, which reads the logs from a kubelet that this test plays."""

import json
import signal
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from local.control_plane import ControlPlane
from local.objects import Objects, wait_for
from tests.cluster.conftest import INTERRUPTIBLE, Command
from tests.support.services import sample, serve, settled

Follow = Callable[..., subprocess.Popen[str]]

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")


class Kubelet(ThreadingHTTPServer):
    """The logs of containers, over TLS; a log that is followed stays open until the kubelet ends."""

    daemon_threads = True

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Logs)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, certificate.with_suffix(".key"))
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.log = b"first\n\x1b[2Jsecond\tcolumn\nno end"
        self.asked: list[dict[str, list[str]]] = []
        self.ends = threading.Event()


class _Logs(BaseHTTPRequestHandler):
    server: Kubelet

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        self.server.asked.append(query | {"path": [url.path]})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.log)
        self.wfile.flush()
        if "follow" in query:
            self.server.ends.wait(30)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the test looks at `asked`."""


@pytest.fixture
def kubelet(control_plane: ControlPlane) -> Iterator[Kubelet]:
    with Kubelet(Path(control_plane.ca_file)) as kubelet:
        threading.Thread(target=kubelet.serve_forever, daemon=True).start()
        yield kubelet
        kubelet.ends.set()
        kubelet.shutdown()


@pytest.fixture
def on_the_node(kubelet: Kubelet, namespace: str, kubectl: Callable[..., str]) -> Iterator[Callable[[], list[str]]]:
    """Bind the namespace's pods to a node of this kubelet, with running containers; returns their names, sorted."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": namespace}}
    kubectl("create", "--filename=-", stdin=json.dumps(node))
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.server_port}},
    }
    kubectl(
        "patch", "node", namespace, "--subresource=status", "--type=merge", f"--patch={json.dumps({'status': status})}"
    )
    where = f"--namespace={namespace}"

    def bind() -> list[str]:
        pods = json.loads(kubectl("get", "pods", where, "--output=json"))["items"]
        for pod in pods:
            name = pod["metadata"]["name"]
            if "nodeName" in pod["spec"]:
                continue
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
                       "target": {"apiVersion": "v1", "kind": "Node", "name": namespace}}  # fmt: skip
            kubectl("create", where, "--filename=-", stdin=json.dumps(binding))
            containers = [
                {
                    "name": one["name"],
                    "state": {"running": {}},
                    "ready": True,
                    "restartCount": 0,
                    "image": "x",
                    "imageID": "",
                }
                for one in pod["spec"]["containers"]
            ]
            patch = json.dumps({"status": {"phase": "Running", "containerStatuses": containers}})
            kubectl("patch", "pod", name, where, "--subresource=status", "--type=merge", f"--patch={patch}")
        return sorted(pod["metadata"]["name"] for pod in pods)

    yield bind
    kubectl("delete", "pods", "--all", where, "--grace-period=0", "--force")
    kubectl("delete", "node", namespace)


@pytest.fixture
def follow(administrator: dict[str, str], namespace: str) -> Follow:
    """Start to follow the logs of llama-8b."""
    program = (*INTERRUPTIBLE, "logs", "llama-8b", "-f", "-n", namespace)
    pipe = subprocess.PIPE
    return lambda *more: subprocess.Popen([*program, *more], env=administrator, stdout=pipe, stderr=pipe, text=True)


def test_the_log_of_one_pod_is_plain(
    objects: Objects, namespace: str, command: Command, kubelet: Kubelet, on_the_node: Callable[[], list[str]]
) -> None:
    serve(objects)
    (pod,) = on_the_node()

    assert command("logs", "llama-8b", "-n", namespace, "--tail", "7") == (
        0,
        "first\n\\x1b[2Jsecond\tcolumn\nno end\n",
        "",
    )
    (asked,) = kubelet.asked
    assert asked == {"path": [f"/containerLogs/{namespace}/{pod}/llama-8b-ctr"], "tailLines": ["7"]}
    code, out, err = command("logs", "llama-8b", "-n", namespace, "--previous")
    assert (code, out) == (1, "")
    assert err == f"{pod} has no earlier log: container llama-8b-ctr has not been restarted\n"


@pytest.mark.long
def test_the_logs_of_several_pods_name_them(
    objects: Objects, namespace: str, command: Command, on_the_node: Callable[[], list[str]]
) -> None:
    serve(objects, replicas=2)
    pods = on_the_node()

    code, out, err = command("logs", "llama-8b", "-n", namespace)

    assert (code, err, len(pods)) == (0, "", 2)
    assert [line for line in out.splitlines() if line.endswith("first")] == [f"[{pod}] first" for pod in pods]


@pytest.mark.long
@pytest.mark.parametrize("how", ["interrupted", "the pipe is closed"])
def test_a_followed_log_ends_quietly(
    how: str,
    objects: Objects,
    follow: Follow,
    kubelet: Kubelet,
    on_the_node: Callable[[], list[str]],
) -> None:
    serve(objects)
    on_the_node()
    with follow() as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == "first\n"
        if how == "interrupted":
            running.send_signal(signal.SIGINT)
            expected = (130, "")
        else:
            running.stdout.close()
            kubelet.ends.set()  # the rest of the log arrives
            expected = (2, "")

        assert (running.wait(30), running.stderr.read()) == expected


@pytest.mark.long
def test_a_pod_that_starts_later_is_followed_too(
    objects: Objects,
    follow: Follow,
    kubelet: Kubelet,
    on_the_node: Callable[[], list[str]],
) -> None:
    serve(objects)
    (first,) = on_the_node()
    with follow("--tail", "1") as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "first\n"

        objects.apply(sample("gpu-portion", replicas=2))
        wait_for(lambda: len(on_the_node()) == 2, 30)
        (second,) = set(on_the_node()) - {first}
        while (line := running.stdout.readline()) != f"[{second}] first\n":
            assert line
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 130

    tails = {asked["path"][0].split("/")[3]: asked.get("tailLines") for asked in kubelet.asked}
    assert tails == {first: ["1"], second: None}


@pytest.mark.long
def test_what_has_no_log_is_one_line(objects: Objects, namespace: str, command: Command) -> None:
    serve(objects)

    code, out, err = command("logs", "llama-8b", "-n", namespace)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "has no log, it has no node" in err
    code, out, err = command("logs", "lama-8b", "-n", namespace)
    assert (code, out) == (1, "")
    assert err == f'no RunaiNimService "lama-8b" in namespace {namespace}; did you mean llama-8b?\n'
    objects.apply(sample("gpu-portion", desiredPhase="Stopped"))
    settled(objects, "llama-8b", "Stopped")
    wait_for(lambda: command("logs", "llama-8b", "-n", namespace)[2].startswith(f"{namespace}/llama-8b has no pods: "))
