"""The server that `make e2e` runs in place of a NIM, as a process: what it answers, and how it fails when told to."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.cluster import CHECKOUT
from local.loopback import answers, fetch, free_ports, opened
from local.objects import wait_for

SERVER = CHECKOUT / "deploy" / "kind" / "nim" / "serve.py"
QUESTION = {"model": "llama", "messages": [{"role": "user", "content": "who are you"}]}


class Server:
    """The process, and its port."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process, self._port = process, port

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}{path}"

    def code(self, path: str) -> int:
        """HTTP status of a GET; 0 when nobody answers."""
        try:
            return fetch(self.url(path))[0]
        except OSError:
            return 0

    def get(self, path: str) -> str:
        code, text = fetch(self.url(path))
        assert code == 200, text
        return text

    def post(self, body: Any, path: str = "/v1/chat/completions") -> tuple[int, str]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            with opened(urllib.request.Request(self.url(path), data=data)) as answer:  # noqa: S310 - http, to itself
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    @property
    def memory(self) -> int:
        """Bytes that are resident."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * 4096

    @property
    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def serving(**environment: str) -> Iterator[Server]:
    """The server with this environment, from when it listens."""
    (port,) = free_ports(1)
    given = {"NIM_SERVER_PORT": str(port), "NIM_SERVED_MODEL_NAME": "llama", **environment}
    process = subprocess.Popen(
        [sys.executable, SERVER], env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    server = Server(process, port)
    try:
        wait_for(lambda: process.poll() is not None or answers(server.url("/v1/health/live")))
        yield server
    finally:
        process.kill()
        process.communicate()


def test_it_is_live_and_ready_and_names_its_model() -> None:
    with serving() as server:
        assert (server.code("/v1/health/live"), server.code("/v1/health/ready")) == (200, 200)
        models = json.loads(server.get("/v1/models"))
        assert [model["id"] for model in models["data"]] == ["llama"]
        assert (models["object"], server.code("/v1/nothing")) == ("list", 404)


def test_it_answers_a_chat_as_openai_does() -> None:
    with serving() as server:
        code, text = server.post(QUESTION)
    answer = json.loads(text)

    assert (code, answer["object"], answer["model"]) == (200, "chat.completion", "llama")
    assert answer["choices"][0]["message"]["role"] == "assistant"
    assert answer["choices"][0]["finish_reason"] == "stop"
    usage = answer["usage"]
    assert usage["prompt_tokens"] == 3
    assert usage["total_tokens"] == 3 + usage["completion_tokens"]


def test_a_stream_has_the_same_words_and_ends_with_done() -> None:
    with serving() as server:
        whole = json.loads(server.post(QUESTION)[1])["choices"][0]["message"]["content"]
        code, text = server.post(QUESTION | {"stream": True})
    *events, done = [line.removeprefix("data: ") for line in text.splitlines() if line]
    chunks = [json.loads(event)["choices"][0] for event in events]

    assert (code, done) == (200, "[DONE]")
    assert "".join(chunk["delta"].get("content", "") for chunk in chunks).strip() == whole
    assert [chunk["finish_reason"] for chunk in chunks if chunk["finish_reason"]] == ["stop"]


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"{", 400, "no JSON"),
        ([], 400, "messages must be"),
        ({"model": "llama", "messages": []}, 400, "messages must be"),
        ({"model": "llama", "messages": ["hello"]}, 400, "messages must be"),
        (QUESTION | {"model": "other"}, 404, "'other' does not exist, 'llama' does"),
    ],
)
def test_a_question_that_makes_no_sense_is_an_error_of_the_asker(body: Any, code: int, said: str) -> None:
    with serving() as server:
        found, text = server.post(body)

    error = json.loads(text)
    assert (found, error["object"], error["code"]) == (code, "error", code)
    assert said in error["message"]


def test_what_was_served_is_counted() -> None:
    with serving() as server:
        server.post(QUESTION)
        server.post(b"{")
        metrics = server.get("/v1/metrics")

    assert 'request_success_total{model_name="llama"} 1\n' in metrics
    assert 'request_failure_total{model_name="llama"} 1\n' in metrics
    assert 'prompt_tokens_total{model_name="llama"} 3\n' in metrics
    assert 'num_requests_running{model_name="llama"} 0\n' in metrics


def test_until_the_model_is_loaded_it_is_live_and_not_ready() -> None:
    with serving(NIM_TEST_START_SECONDS="1.5") as server:
        assert (server.code("/v1/health/live"), server.code("/v1/health/ready")) == (200, 503)
        assert (server.code("/v1/models"), server.post(QUESTION)[0]) == (503, 503)
        wait_for(lambda: server.code("/v1/health/ready") == 200, 5)
        assert server.post(QUESTION)[0] == 200


def test_told_so_it_never_is_ready_or_stays_ready_for_a_while() -> None:
    with serving(NIM_TEST_NEVER_READY="1") as never, serving(NIM_TEST_READY_SECONDS="2") as briefly:
        assert (never.code("/v1/health/ready"), briefly.code("/v1/health/ready")) == (503, 200)
        wait_for(lambda: briefly.code("/v1/health/ready") == 503, 5)
        assert (briefly.code("/v1/health/live"), briefly.code("/v1/models")) == (200, 200)
        assert never.code("/v1/health/ready") == 503


def test_told_so_it_crashes_with_a_code_and_says_so() -> None:
    with serving(NIM_TEST_CRASH_AFTER="0.2", NIM_TEST_EXIT_CODE="3") as server:
        _, errors = server.process.communicate(timeout=10)

    assert (server.process.returncode, errors) == (3, "crashed on purpose with exit code 3\n")


def test_told_so_it_takes_memory_and_cpu() -> None:
    with serving() as idle, serving(NIM_TEST_MEMORY_MB="110", NIM_TEST_CPU_BURN="0.2") as busy:
        wait_for(lambda: busy.memory - idle.memory > 100 << 20)
        before = busy.cpu_seconds
        wait_for(lambda: busy.cpu_seconds - before > 0.2, 10)
        time.sleep(0.2)
        assert idle.cpu_seconds < busy.cpu_seconds


def test_it_ends_at_once_by_sigterm_and_well() -> None:
    with serving() as server:
        server.process.terminate()
        assert server.process.wait(timeout=5) == 0


def test_an_environment_that_cannot_be_read_is_named() -> None:
    with serving(NIM_TEST_CRASH_AFTER="soon") as server:
        _, errors = server.process.communicate(timeout=10)

    assert (server.process.returncode, errors) == (2, "NIM_TEST_CRASH_AFTER=soon: a number is needed\n")
