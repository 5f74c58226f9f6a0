"""What a terminal shows, and what somebody who presses the tab key waits for."""

import os
import pty
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

BIN = Path(sys.executable).parent / "runai-nim"


@pytest.fixture
def silent_cluster(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of an API server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        config = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
        }
        (path := tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
        yield path


def on_a_terminal(seconds: float, *arguments: str, until: str = "", **environment: str) -> str:
    """What a terminal got until the command has ended, the text `until` is there, or that long."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [str(BIN), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env={"TERM": "xterm-256color", "PATH": os.environ["PATH"], **environment},
    )
    os.close(terminal)
    shown = b""
    end = time.monotonic() + seconds
    try:
        while (left := end - time.monotonic()) > 0 and not (until and until in shown.decode(errors="replace")):
            if select.select([controller], [], [], left)[0]:
                try:
                    shown += os.read(controller, 4096)
                except OSError:  # it has ended
                    break
    finally:
        process.kill()
        process.wait()
        os.close(controller)
    return shown.decode()


def test_a_terminal_shows_progress(silent_cluster: Path) -> None:
    told = "reading the cluster"
    assert told in on_a_terminal(30, "doctor", f"--kubeconfig={silent_cluster}", until=told)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_escapes_where_they_are_not_wanted(silent_cluster: Path, environment: dict[str, str]) -> None:
    assert "\x1b" not in on_a_terminal(4, "doctor", f"--kubeconfig={silent_cluster}", **environment)
    shown = on_a_terminal(20, "validate", "-f", "deploy/samples/mistake.yaml", **environment)
    assert "error: " in shown
    assert "\x1b" not in shown


def test_a_terminal_has_colours() -> None:
    assert "\x1b[" in on_a_terminal(20, "validate", "-f", "deploy/samples/mistake.yaml")


def completed(line: str, **environment: str) -> tuple[str, str, float]:
    """What the shell's completion prints for a line, on stdout and stderr, and its seconds."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_RUNAI_NIM_COMPLETE": "complete_bash"}
    began = time.monotonic()
    answer = subprocess.run(
        [str(BIN)],
        env={"PATH": os.environ["PATH"], **words, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout, answer.stderr, time.monotonic() - began


def test_completion_of_a_name_waits_for_no_cluster(silent_cluster: Path) -> None:
    out, err, seconds = completed("runai-nim status ll", KUBECONFIG=str(silent_cluster))

    assert (out.strip(), err) == ("", "")
    assert seconds < 10


@pytest.mark.parametrize("kubeconfig", ["/nonexistent", "/dev/null", "/proc/self/mem"])
def test_completion_of_a_name_says_nothing_of_errors(kubeconfig: str) -> None:
    out, err, _ = completed("runai-nim stop ll", KUBECONFIG=kubeconfig)

    assert (out.strip(), err) == ("", "")
