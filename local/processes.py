"""Background programs of one directory: started, found again by any later process, and stopped.

Each has a record `processes/<name>.json` and a log `logs/<name>.log`. A record names its process by id and start time,
so that a reused process id is never signalled.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


class StartError(Exception):
    """A program ended or didn't become ready; the message holds the end of its log."""


def failed_command(error: subprocess.CalledProcessError) -> str:
    """The failed command, and its stderr if that was captured."""
    return f"{' '.join(map(str, error.cmd))}\n{error.stderr or ''}"


class Processes:
    """The programs that were started in `directory`, by this process or an earlier one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self._records = self.directory / "processes"
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        grace: float = 10,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """Start `command` in a new session, with its output appended to its log; a running `name` is stopped first.

        environment: added to that of this process. grace: seconds that it gets to end by itself when stopped.
        pass_fds: file descriptors that it inherits, at this start only.
        """
        self.stop(name)
        self._records.mkdir(parents=True, exist_ok=True)
        self.log(name).parent.mkdir(exist_ok=True)
        with self.log(name).open("ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | dict(environment or {}),
                pass_fds=pass_fds,
            )
        self._children[name] = child
        record = {
            "pid": child.pid,
            "started": _started(child.pid),
            "command": list(command),
            "environment": dict(environment or {}),
            "grace": grace,
        }
        unfinished = self._records / f"{name}.unfinished"
        unfinished.write_text(json.dumps(record))
        unfinished.rename(self._record(name))

    def start_again(self, name: str) -> None:
        """Start `name` as it was started the last time; KeyError if it never was."""
        record = self._read(name)
        self.start(name, record["command"], record["environment"], grace=record["grace"])

    def environment(self, name: str) -> dict[str, str]:
        """Return what the last start of `name` added to the environment; KeyError if it never was started."""
        environment: dict[str, str] = self._read(name)["environment"]
        return environment

    def alive(self, name: str) -> bool:
        """Tell whether the recorded process runs."""
        return self.pid(name) is not None

    def pid(self, name: str) -> int | None:
        """Return the process id, or None when it doesn't run."""
        if name in self._children:
            self._children[name].poll()  # reaps it when it has died by itself
        try:
            record = self._read(name)
        except KeyError:
            return None
        return int(record["pid"]) if record["started"] and _started(record["pid"]) == record["started"] else None

    def wait_until(self, name: str, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `name` is ready; raises StartError with the end of its log when it ends first or takes longer."""
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline or not self.alive(name):
                what = f"was not ready within {seconds:g} s" if self.alive(name) else "ended"
                raise StartError(f"{name} {what}; the end of {self.log(name)}:\n{self.log_tail(name)}")
            time.sleep(0.05)

    def stop(self, name: str, grace: float | None = None) -> None:
        """Send SIGTERM, after `grace` seconds (left out: as said at the start) SIGKILL, and wait for the end.

        Nothing running is fine.
        """
        if self._ended(name, 0):  # and one that died by itself is reaped
            return
        seconds = self._read(name)["grace"] if grace is None else grace
        if seconds > 0:
            self._signal(name, signal.SIGTERM)
        if not self._ended(name, seconds):
            self.kill(name)

    def kill(self, name: str) -> None:
        """Send SIGKILL and wait for the end, as a crash would end it. Nothing running is fine."""
        self._signal(name, signal.SIGKILL)
        if not self._ended(name, 15):
            raise TimeoutError(f"{name} (process {self.pid(name)}) still exists 15 s after SIGKILL")

    def stop_all(self) -> None:
        """Stop everything in the reverse order of its start."""
        for name in reversed(self.names()):
            self.stop(name)

    def names(self) -> list[str]:
        """Names of everything started here, running or not, oldest start first."""
        return [path.stem for path in sorted(self._records.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)]

    @property
    def logs(self) -> Path:
        """Folder of the logs."""
        return self.directory / "logs"

    def log(self, name: str) -> Path:
        """Path of the file with all output of `name`, of each start."""
        return self.logs / f"{name}.log"

    def log_tail(self, name: str, lines: int = 20) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-lines:])

    @contextlib.contextmanager
    def tied_to_this_process(self) -> Iterator[None]:
        """Inside the block everything here also ends when this process ends without a chance to clean up (SIGKILL).

        A small process holds the other end of a pipe; it stops all when the pipe closes, for whatever reason.
        """
        read_end, write_end = os.pipe()
        try:
            guard = subprocess.Popen(
                [sys.executable, "-m", __name__, str(self.directory)],
                cwd=Path(__file__).parents[1],
                stdin=read_end,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(read_end)
        try:
            yield
        finally:
            self.stop_all()
            os.close(write_end)
            guard.wait(timeout=15)

    def _record(self, name: str) -> Path:
        return self._records / f"{name}.json"

    def _read(self, name: str) -> dict[str, Any]:
        try:
            record: dict[str, Any] = json.loads(self._record(name).read_text())
        except FileNotFoundError:
            raise KeyError(f"{name} was never started in {self.directory}") from None
        return record

    def _signal(self, name: str, number: signal.Signals) -> None:
        pid = self.pid(name)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _ended(self, name: str, seconds: float) -> bool:
        child = self._children.get(name)
        deadline = time.monotonic() + seconds
        while self.alive(name):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        if child is not None:
            child.wait()  # its first thread may be gone while others still hold a port
        return True


def _started(pid: int) -> str | None:
    """Start time of a running process, in whatever form the system gives it; None when it doesn't run (any more)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return None
        said = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True).stdout
        state, _, started = said.strip().partition(" ")
    else:
        # The command's name comes second, in brackets, and may hold spaces: count fields from behind it.
        fields = stat.rpartition(")")[2].split()
        state, started = fields[0], fields[19]
    return None if state.startswith("Z") or not started else started.strip()


def _guard(directory: Path) -> None:
    """Wait until the starter has closed the pipe or died, then stop what is left."""
    sys.stdin.buffer.read()
    Processes(directory).stop_all()


if __name__ == "__main__":
    _guard(Path(sys.argv[1]))
