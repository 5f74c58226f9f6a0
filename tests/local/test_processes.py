"""Background programs: found again by a later process, never mistaken for another's, gone with their starter."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.objects import wait_for
from local.processes import Processes, StartError

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]
STARTER = """
import sys, time
from pathlib import Path
from local.processes import Processes
processes = Processes(Path(sys.argv[1]))
def start():
    processes.start("sleeper", {sleep!r})
    print("started", flush=True)
    time.sleep(600)
if sys.argv[2] == "tied":
    with processes.tied_to_this_process():
        start()
start()
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path)
    yield started
    started.stop_all()


def start_elsewhere(directory: Path, mode: str) -> subprocess.Popen[str]:
    """Start a sleeper from another process, and wait until it runs."""
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER.format(sleep=SLEEP), str(directory), mode], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    with starter.stdout:
        assert starter.stdout.readline() == "started\n"
    return starter


def test_a_later_process_finds_and_stops_what_an_earlier_one_started(processes: Processes, tmp_path: Path) -> None:
    processes.start("sleeper", SLEEP)
    later = Processes(tmp_path)
    assert later.alive("sleeper")
    assert later.pid("sleeper") == processes.pid("sleeper")
    later.stop("sleeper")
    assert not processes.alive("sleeper")


def test_left_overs_of_a_killed_starter_are_stopped_by_the_next(processes: Processes, tmp_path: Path) -> None:
    starter = start_elsewhere(tmp_path, "loose")
    starter.kill()
    starter.wait()
    left_over = processes.pid("sleeper")
    assert left_over is not None
    processes.start("sleeper", SLEEP)
    assert processes.pid("sleeper") != left_over
    assert not Path(f"/proc/{left_over}").exists() or state_of(left_over) == "Z"


def test_what_is_tied_to_its_starter_ends_when_that_is_killed(processes: Processes, tmp_path: Path) -> None:
    starter = start_elsewhere(tmp_path, "tied")
    assert processes.alive("sleeper")
    starter.kill()
    starter.wait()
    wait_for(lambda: not processes.alive("sleeper"), seconds=10)


def test_leaving_the_block_stops_everything_that_is_tied(processes: Processes) -> None:
    with processes.tied_to_this_process():
        processes.start("sleeper", SLEEP)
        assert processes.alive("sleeper")
    assert not processes.alive("sleeper")


def test_a_process_id_that_now_belongs_to_another_is_never_signalled(processes: Processes, tmp_path: Path) -> None:
    stranger = subprocess.Popen(SLEEP)
    time.sleep(0.05)  # start times are told in ticks of 10 ms
    processes.start("sleeper", SLEEP)
    processes.stop("sleeper")
    path = tmp_path / "processes" / "sleeper.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": stranger.pid}))
    try:
        assert not processes.alive("sleeper")
        processes.stop("sleeper")
        processes.kill("sleeper")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_program_that_ignores_sigterm_is_killed_after_its_grace(processes: Processes) -> None:
    processes.start("deaf", DEAF, grace=0.3)
    wait_for(lambda: "deaf" in processes.log_tail("deaf"))
    began = time.monotonic()
    processes.stop("deaf")
    assert not processes.alive("deaf")
    assert 0.3 <= time.monotonic() - began < 5


def test_starting_again_repeats_command_and_environment(processes: Processes) -> None:
    processes.start("echo", ["sh", "-c", "echo said $WORD"], {"WORD": "something"})
    wait_for(lambda: processes.log_tail("echo") == "said something")
    processes.start_again("echo")
    wait_for(lambda: processes.log_tail("echo") == "said something\nsaid something")
    assert processes.environment("echo") == {"WORD": "something"}


def test_a_program_that_ends_instead_of_getting_ready_is_reported_with_its_last_words(processes: Processes) -> None:
    processes.start("broken", ["sh", "-c", "echo no such flag; exit 3"])
    with pytest.raises(StartError, match=r"broken ended; the end of .*broken.log:\nno such flag"):
        processes.wait_until("broken", lambda: False, seconds=10)


def test_a_program_that_takes_too_long_is_reported(processes: Processes) -> None:
    processes.start("slow", SLEEP)
    with pytest.raises(StartError, match=r"slow was not ready within 0.1 s"):
        processes.wait_until("slow", lambda: False, seconds=0.1)


def test_what_died_by_itself_is_not_alive(processes: Processes) -> None:
    processes.start("sleeper", SLEEP)
    pid = processes.pid("sleeper")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not processes.alive("sleeper"))


def test_what_was_never_started_is_named(processes: Processes) -> None:
    assert not processes.alive("nothing")
    processes.stop("nothing")
    with pytest.raises(KeyError, match="nothing was never started"):
        processes.start_again("nothing")


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
