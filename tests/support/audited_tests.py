"""What the operator asked for while tests ran, gathered from every process that runs tests.

Each process has a control plane of its own, with an audit log of its own. The processes share a directory; each appends
to one file there, a JSON line for each test.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from local.audit import AuditLog, Request

Spans = list[tuple[int, int]]
"""Parts of an audit log, as marks."""


class AuditedTests:
    """Tests that ran, each with its part of an audit log.

    directory: what all processes of the run share. process: which of them this is.
    """

    def __init__(self, directory: Path, process: str) -> None:
        directory.mkdir(exist_ok=True)
        self._directory = directory
        self._file = directory / f"{process}.jsonl"

    def finish(self, test: str) -> None:
        """Record that a test has ended, in whatever way."""
        self._append({"finished": test})

    def add(self, log: Path, *, ran: tuple[int, int], left_out: Iterable[tuple[int, int]]) -> None:
        """Record the part of a log in which a test ran, and the parts of this log that say nothing of the operator."""
        self._append({"log": str(log), "ran": ran, "left_out": list(left_out)})

    def finished(self) -> set[str]:
        """The tests that have ended, in all processes."""
        return {line["finished"] for line in self._lines() if "finished" in line}

    def requests(self, user: str) -> Iterator[Request]:
        """What this user asked for in the tests that ran, in all processes."""
        lines = [line for line in self._lines() if "log" in line]
        for log in sorted({line["log"] for line in lines}):
            of_log = [line for line in lines if line["log"] == log]
            ran = [_span(line["ran"]) for line in of_log]
            left_out = [_span(span) for line in of_log for span in line["left_out"]]
            for start, end in within(ran, left_out):
                yield from AuditLog(Path(log)).requests(start, user, end)

    def _append(self, line: object) -> None:
        with self._file.open("a") as file:
            file.write(f"{json.dumps(line)}\n")

    def _lines(self) -> Iterator[dict[str, Any]]:
        for path in self._directory.glob("*.jsonl"):
            whole_lines, _, _ = path.read_text().rpartition("\n")  # another process may be writing the last one
            yield from map(json.loads, whole_lines.splitlines())


def _span(marks: list[int]) -> tuple[int, int]:
    start, end = marks
    return start, end


def within(ran: Spans, left_out: Spans) -> Iterator[tuple[int, int]]:
    """Yield the parts of `ran` that lie in none of `left_out`: [(0, 10)], [(3, 5)] → (0, 3), (5, 10)."""
    for start, end in pairwise(sorted({at for span in (*ran, *left_out) for at in span})):
        if _contains(ran, start, end) and not _contains(left_out, start, end):
            yield start, end


def _contains(spans: Spans, start: int, end: int) -> bool:
    return any(first <= start and end <= last for first, last in spans)
