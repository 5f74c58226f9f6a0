"""The process from outside: what it is started with, HTTPS, how it ends."""

import json
import resource
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.control_plane import ControlPlane
from local.rest import Rest, rest_process

COMMAND = [sys.executable, "-m", "runai_nim.rest"]


@pytest.fixture
def https(control_plane: ControlPlane, rest: Rest) -> Iterator[Rest]:
    """Served with the API server's own certificate."""
    found = rest_process(control_plane, "rest-https", control_plane.directory / "rest.kubeconfig", scheme="https")
    found.program.start(
        f"--tls-certificate={control_plane.ca_file}", f"--tls-key={Path(control_plane.ca_file).with_suffix('.key')}"
    )
    yield found
    found.program.stop()


def test_https(https: Rest, control_plane: ControlPlane) -> None:
    tls = ssl.create_default_context(cafile=str(control_plane.ca_file))

    assert httpx.get(f"{https.url}/healthz", verify=tls, trust_env=False).text == "ok"


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "said"),
    [
        (["--prot=1"], {}, 2, "unrecognized arguments: --prot=1"),
        ([], {"RUNAI_NIM_DIALECT": "x"}, 2, "dialect in RUNAI_NIM_DIALECT"),
        (["--port=0", "--host=127.0.0.1"], {"KUBECONFIG": "/nowhere"}, 3, "no usable kubeconfig"),
        (["--tls-certificate=/nowhere"], {}, 2, "--tls-certificate /nowhere"),
    ],
)
def test_what_it_can_t_start_with(arguments: list[str], environment: dict[str, str], code: int, said: str) -> None:
    answer = subprocess.run([*COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False)

    assert (answer.returncode, said in answer.stderr) == (code, True), answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    "content", [b"healthz_port: " + b"9" * 5000, b"a: \xff", b"[" * 5000, b"healthz_port: 0x" + b"f" * 5000]
)
def test_settings_that_can_t_be_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(content)

    answer = subprocess.run(
        COMMAND, env={"RUNAI_NIM_SETTINGS_FILE": str(path)}, capture_output=True, text=True, check=False
    )

    assert (answer.returncode, len(answer.stderr.splitlines()) <= 5) == (2, True), answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_log_says_where_it_listens(control_plane: ControlPlane, rest: Rest) -> None:
    kubeconfig = {"KUBECONFIG": str(control_plane.directory / "rest.kubeconfig"), "RUNAI_NIM_LOG_FORMAT": "json"}
    command = [*COMMAND, "--host=127.0.0.1", "--port=0"]
    with subprocess.Popen(
        command, env=kubeconfig, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stderr is not None
        line = json.loads(process.stderr.readline())
        answer = httpx.get(f"{line['url']}/healthz", trust_env=False).text
        process.terminate()

    assert (line["level"], line["message"], answer) == ("INFO", "REST API started", "ok")
    assert line["docs"] == f"{line['url']}/docs"
    assert line["api_server"] == control_plane.url


def test_a_port_that_is_taken(rest: Rest, control_plane: ControlPlane) -> None:
    kubeconfig = {"KUBECONFIG": str(control_plane.directory / "rest.kubeconfig")}
    command = [*COMMAND, "--host=127.0.0.1", f"--port={httpx.URL(rest.url).port}"]

    answer = subprocess.run(command, env=kubeconfig, capture_output=True, text=True, check=False)

    assert (answer.returncode, "listen failed" in answer.stderr) == (3, True), answer.stderr
    assert "Traceback" not in answer.stderr


def test_it_answers_where_the_system_gives_it_few_files(control_plane: ControlPlane, rest: Rest) -> None:
    found = rest_process(control_plane, "rest-with-few-files", control_plane.directory / "rest.kubeconfig")
    found.program.start()
    resource.prlimit(found.program.pid or 0, resource.RLIMIT_NOFILE, (60, 60))
    address = httpx.URL(found.url)
    silent = [socket.create_connection((address.host, address.port or 0)) for _ in range(200)]

    answers = [httpx.get(f"{found.url}/healthz", timeout=20, trust_env=False).text for _ in range(3)]

    for connection in silent:
        connection.close()
    found.program.stop()
    assert answers == ["ok"] * 3


def test_it_ends_while_somebody_keeps_it_waiting(
    control_plane: ControlPlane, rest: Rest, tokens: dict[str, str]
) -> None:
    found = rest_process(control_plane, "rest-ending", control_plane.directory / "rest.kubeconfig")
    found.program.start()
    address = httpx.URL(found.url)
    head = "POST /api/v2/workloads/nim-services HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with (
        socket.create_connection((address.host, address.port or 0), timeout=10) as sending,
        socket.create_connection((address.host, address.port or 0), timeout=10),
    ):
        sending.sendall(f"{head}Authorization: Bearer {tokens['editor']}\r\nContent-Length: 9\r\n\r\n{{".encode())
        time.sleep(0.5)
        began = time.monotonic()
        found.program.stop()

        assert time.monotonic() - began < 5
        assert sending.recv(1000).startswith(b"HTTP/1.1 503 ")
    assert "Traceback" not in found.program.log.read_text(encoding="utf-8")
