"""A small OpenAI-compatible server that stands in for a NIM, on CPU and with Python's standard library alone.

    GET  /v1/health/live, /v1/health/ready    200, or 503 while the model "loads"
    GET  /v1/models                           the one model, or 503 while it "loads"
    GET  /v1/metrics                          Prometheus' text, with the names of a NIM for language models
    POST /v1/chat/completions                 a canned answer, as one JSON document or as a stream of events

It listens on NIM_SERVER_PORT (8000) and names its model NIM_SERVED_MODEL_NAME (stand-in). How it fails is told by
environment variables, each off when it is absent:

    NIM_TEST_START_SECONDS=20    seconds until the model is loaded
    NIM_TEST_NEVER_READY=1       the model never is
    NIM_TEST_READY_SECONDS=30    seconds that it stays ready, once it is
    NIM_TEST_CRASH_AFTER=2       seconds until the process ends, with
    NIM_TEST_EXIT_CODE=3         this exit code (1)
    NIM_TEST_MEMORY_MB=512       megabytes that it allocates at its start, and touches
    NIM_TEST_CPU_BURN=0.5        part of a core that it keeps busy
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "This is a stand-in for a NIM: it serves no model, and says the same to everybody."
LARGEST_BODY = 1 << 20
SLICE = 0.1
"""Seconds in which the part of a core is kept busy once."""


@dataclass(frozen=True)
class Behaviour:
    """What the environment asks for; times in seconds from the start of the process."""

    port: int = 8000
    model: str = "stand-in"
    start_seconds: float = 0
    never_ready: bool = False
    ready_seconds: float = float("inf")
    crash_after: float = float("inf")
    exit_code: int = 1
    memory_mb: int = 0
    cpu_burn: float = 0
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Behaviour":
        """Read the environment; raises ValueError."""

        def number(name: str, default: float) -> float:
            text = environment.get(f"NIM_TEST_{name}", "")
            try:
                return float(text) if text else default
            except ValueError:
                raise ValueError(f"NIM_TEST_{name}={text}: a number is needed") from None

        return cls(
            port=int(environment.get("NIM_SERVER_PORT") or cls.port),
            model=environment.get("NIM_SERVED_MODEL_NAME") or cls.model,
            start_seconds=number("START_SECONDS", cls.start_seconds),
            never_ready=number("NEVER_READY", 0) > 0,
            ready_seconds=number("READY_SECONDS", cls.ready_seconds),
            crash_after=number("CRASH_AFTER", cls.crash_after),
            exit_code=int(number("EXIT_CODE", cls.exit_code)),
            memory_mb=int(number("MEMORY_MB", cls.memory_mb)),
            cpu_burn=number("CPU_BURN", cls.cpu_burn),
        )

    @property
    def loaded(self) -> bool:
        """Whether the model answers."""
        return not self.never_ready and self._seconds >= self.start_seconds

    @property
    def ready(self) -> bool:
        """Whether the readiness probe succeeds."""
        return self.loaded and self._seconds < self.start_seconds + self.ready_seconds

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self.started


class Counters:
    """What was served so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values = {"running": 0, "success": 0, "failure": 0, "prompt": 0, "generation": 0}

    def add(self, **amounts: int) -> None:
        """Add to some of them."""
        with self._lock:
            for name, amount in amounts.items():
                self._values[name] += amount

    def text(self, model: str) -> str:
        """All of them, as Prometheus reads them."""
        metrics = (
            ("num_requests_running", "gauge", "Requests that are being answered.", "running"),
            ("request_success_total", "counter", "Requests that were answered.", "success"),
            ("request_failure_total", "counter", "Requests that were refused.", "failure"),
            ("prompt_tokens_total", "counter", "Words of the questions.", "prompt"),
            ("generation_tokens_total", "counter", "Words of the answers.", "generation"),
        )
        label = json.dumps(model)
        with self._lock:
            return "".join(
                f"# HELP {name} {about}\n# TYPE {name} {kind}\n{name}{{model_name={label}}} {self._values[key]}\n"
                for name, kind, about, key in metrics
            )


class RefusedError(Exception):
    """A request that is answered by an error, with this HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Nim(BaseHTTPRequestHandler):
    """Answers one connection. A subclass has the behaviour and the counters."""

    protocol_version = "HTTP/1.1"
    behaviour: Behaviour
    counters: Counters

    def do_GET(self) -> None:
        """Health, model and metrics."""
        path = self.path.partition("?")[0]
        if path == "/v1/health/live":
            self._send_json(200, {"object": "health.response", "message": "live"})
        elif path == "/v1/health/ready":
            code, message = (200, "ready") if self.behaviour.ready else (503, "not ready")
            self._send_json(code, {"object": "health.response", "message": message})
        elif path == "/v1/metrics":
            self._send(200, "text/plain; version=0.0.4", self.counters.text(self.behaviour.model))
        elif path == "/v1/models":
            self._answer(self._models)
        else:
            self._answer(self._nothing)

    def do_POST(self) -> None:
        """Chat."""
        self._answer(self._chat if self.path.partition("?")[0] == "/v1/chat/completions" else self._nothing)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class names it so)
        """Log what is asked, but for the probes, which would be most of it."""
        if "/v1/health/" not in self.path:
            print(f"{self.address_string()} {format % args}", flush=True)

    def _answer(self, answer: Any) -> None:
        try:
            answer()
        except RefusedError as error:
            self.close_connection = True  # its body may be unread
            self.counters.add(failure=1)
            kind = "invalid_request_error" if error.code < 500 else "internal_server_error"
            self._send_json(error.code, {"object": "error", "message": str(error), "type": kind, "code": error.code})

    def _nothing(self) -> None:
        raise RefusedError(404, f"there is no {self.command} {self.path} here")

    def _models(self) -> None:
        self._require_loaded()
        model = self.behaviour.model
        self._send_json(200, {"object": "list", "data": [{"id": model, "object": "model", "root": model}]})

    def _chat(self) -> None:
        self._require_loaded()
        asked = self._body()
        words = sum(len(str(message.get("content", "")).split()) for message in asked["messages"])
        self.counters.add(running=1)
        try:
            if asked.get("stream"):
                self._stream()
            else:
                self._send_json(200, self._completion(words))
        finally:
            self.counters.add(running=-1)
        self.counters.add(success=1, prompt=words, generation=len(ANSWER.split()))

    def _require_loaded(self) -> None:
        if not self.behaviour.loaded:
            raise RefusedError(503, "the model is not loaded yet")

    def _body(self) -> Any:
        """The request; raises RefusedError where it can't be answered."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            raise RefusedError(400, f"Content-Length must be a number of at most {LARGEST_BODY}")
        try:
            asked = json.loads(self.rfile.read(int(length)))
        except ValueError as error:
            raise RefusedError(400, f"the body is no JSON: {error}") from error
        messages = asked.get("messages") if isinstance(asked, dict) else None
        if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
            raise RefusedError(400, "messages must be a list of objects with role and content")
        if asked.get("model") != self.behaviour.model:
            raise RefusedError(404, f"the model {asked.get('model')!r} does not exist, {self.behaviour.model!r} does")
        return asked

    def _completion(self, words: int) -> dict[str, Any]:
        spoken = len(ANSWER.split())
        return {
            **self._about("chat.completion"),
            "choices": [{"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": words, "completion_tokens": spoken, "total_tokens": words + spoken},
        }

    def _about(self, kind: str) -> dict[str, Any]:
        return {"id": "chat-stand-in", "object": kind, "created": int(time.time()), "model": self.behaviour.model}

    def _stream(self) -> None:
        """The answer as server-sent events, a word each, in a chunked body."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in self._events():
            data = f"data: {event}\n\n".encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def _events(self) -> Iterator[str]:
        deltas: list[dict[str, str]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": f"{word} "} for word in ANSWER.split()]
        for delta in deltas:
            yield json.dumps(self._chunk(delta, None))
        yield json.dumps(self._chunk({}, "stop"))
        yield "[DONE]"

    def _chunk(self, delta: Mapping[str, str], finish: str | None) -> dict[str, Any]:
        choices = [{"index": 0, "delta": dict(delta), "finish_reason": finish}]
        return {**self._about("chat.completion.chunk"), "choices": choices}

    def _send_json(self, code: int, document: Mapping[str, Any]) -> None:
        self._send(code, "application/json", json.dumps(document))

    def _send(self, code: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def allocate(megabytes: int) -> bytearray:
    """Return so much memory, every page of it written to."""
    return bytearray(b"x") * (megabytes << 20)


def burn(part: float) -> None:
    """Keep a part of a core busy, for ever."""
    while True:
        until = time.monotonic() + SLICE * part
        while time.monotonic() < until:
            pass
        time.sleep(SLICE * max(0.0, 1 - part))


def crash(seconds: float, code: int) -> None:
    """End the process as a crash would: no cleaning up."""
    time.sleep(seconds)
    print(f"crashed on purpose with exit code {code}", file=sys.stderr, flush=True)
    os._exit(code)


def main() -> int:
    """Serve until SIGTERM."""
    try:
        behaviour = Behaviour.of(os.environ)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    # As the first process of a container it would outlive a SIGTERM that it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    nim = type("ThisNim", (Nim,), {"behaviour": behaviour, "counters": Counters()})
    with ThreadingHTTPServer(("", behaviour.port), nim) as server:
        print(f"STAND-IN for a NIM: model {behaviour.model} on port {server.server_port}", flush=True)
        if behaviour.crash_after != float("inf"):
            threading.Thread(target=crash, args=(behaviour.crash_after, behaviour.exit_code), daemon=True).start()
        if behaviour.cpu_burn:
            threading.Thread(target=burn, args=(behaviour.cpu_burn,), daemon=True).start()
        kept = allocate(behaviour.memory_mb)
        server.serve_forever()
    del kept
    return 0


if __name__ == "__main__":
    sys.exit(main())
