"""Restarts the operator whenever it ends, as a kubelet would but at once: no back-off hides what a restart costs."""

import contextlib
import os
import signal
import threading

from local.cluster import Program
from local.processes import StartError


class Kubelet:
    """Keeps a program running between `start` and `stop`; `restarts` counts how often it had to."""

    def __init__(self) -> None:
        self._program: Program | None = None
        self._environment: dict[str, str] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self.restarts = 0

    def start(self, program: Program, environment: dict[str, str]) -> None:
        """Start the program with this environment, and from then on whenever it ends."""
        self._program, self._environment = program, environment
        self._over.clear()
        program.start(environment=environment)
        self._thread = threading.Thread(target=self._keep, args=(program,), name="kubelet", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let it end."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._program is not None:
            self._program.stop()

    def signal(self, number: signal.Signals) -> None:
        """Send the program a signal, if it runs."""
        if self._program is not None and (pid := self._program.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """End it with SIGKILL, without waiting."""
        self.signal(signal.SIGKILL)

    def _keep(self, program: Program) -> None:
        while not self._over.wait(0.1):
            if not program.alive:
                self.restarts += 1
                with contextlib.suppress(StartError):  # killed before it was ready
                    program.start(environment=self._environment)
