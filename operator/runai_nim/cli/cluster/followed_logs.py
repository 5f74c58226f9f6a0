"""Follows the logs of a service's containers, also of those that start later."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from runai_nim.cli import terminal
from runai_nim.cli.cluster.pod_logs import ContainerLog
from runai_nim.cli.diagnostic import EXIT_FINDINGS

PAUSE_SECONDS: Final = 3.0
"""Between two looks for new pods. Their logs are read from the beginning, so none of it is lost."""


class LogFollower:
    """Writes the log of each run of a container once, all at the same time, and why a pod has none.

    `read` returns the logs that there are now; None once the service is gone. `write` writes a log until it ends, and
    returns an exit code; `is_late` says that the run began after the first look.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[Sequence[ContainerLog] | None]],
        write: Callable[[ContainerLog, bool], Awaitable[int]],
        pause: float = PAUSE_SECONDS,
    ) -> None:
        self._read = read
        self._write = write
        self._pause = pause
        self._runs: dict[str, asyncio.Task[int]] = {}
        self._told: dict[str, str] = {}
        self._pods: set[str] = set()

    def prefix(self, log: ContainerLog) -> str:
        """What stands before a line: the pod, as soon as there has been another one."""
        return f"[{log.pod}] " if len(self._pods) > 1 else ""

    async def follow(self) -> int:
        """Go on until the service is gone and its logs have ended; return the largest exit code of `write`."""
        is_late = False
        try:
            while (logs := await self._read()) is not None:
                self._take(logs, is_late=is_late)
                is_late = True
                await self._wait()
            return max(await asyncio.gather(*self._runs.values()), default=EXIT_FINDINGS)
        finally:
            for task in self._runs.values():
                task.cancel()
            await asyncio.gather(*self._runs.values(), return_exceptions=True)

    def _take(self, logs: Sequence[ContainerLog], *, is_late: bool) -> None:
        self._pods |= {log.pod for log in logs}
        for log in logs:
            if log.absence:
                if self._told.get(log.pod) != log.absence:
                    terminal.write_styled(f"{log.pod} {log.absence}")
                self._told[log.pod] = log.absence
            elif log.run not in self._runs:
                self._runs[log.run] = asyncio.ensure_future(self._write(log, is_late))

    async def _wait(self) -> None:
        """Wait for the next look. Raises what a `write` has raised."""
        running = [task for task in self._runs.values() if not task.done()]
        if not running:
            await asyncio.sleep(self._pause)
            return
        done, _ = await asyncio.wait(running, timeout=self._pause, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
