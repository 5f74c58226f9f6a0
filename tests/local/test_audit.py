"""The audit log is read while the API server writes it."""

import json
from pathlib import Path

import pytest

from local.audit import CHUNK_BYTES, AuditLog
from tests.support.audited_tests import AuditedTests, within


def event(name: str, padding: int = 0) -> bytes:
    """A line of the log about the ConfigMap of this name, longer by as many bytes."""
    moment = "2026-11-28T12:00:00.000000Z"
    body = {
        "verb": "get", "stage": "ResponseComplete", "user": {"username": "somebody"}, "padding": "x" * padding,
        "objectRef": {"resource": "configmaps", "name": name}, "responseStatus": {"code": 200},
        "requestReceivedTimestamp": moment, "stageTimestamp": moment,
    }  # fmt: skip
    return json.dumps(body).encode() + b"\n"


@pytest.mark.parametrize("padding", [0, CHUNK_BYTES, 3 * CHUNK_BYTES])
def test_a_mark_never_lies_within_a_line_that_is_being_written(tmp_path: Path, padding: int) -> None:
    path = tmp_path / "audit.log"
    before = event("before")
    during = event("during", padding)
    after = event("after")
    path.write_bytes(before + during[:-20])
    log = AuditLog(path)
    mark = log.mark()
    path.write_bytes(before + during + after)

    assert mark == len(before)
    assert [request.name for request in log.requests(mark)] == ["during", "after"]
    assert [request.name for request in log.requests(0, until=mark)] == ["before"]


@pytest.mark.parametrize("written", [b"", event("first")[:-1]])
def test_the_mark_of_a_log_without_a_whole_line_is_its_start(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(written)
    assert AuditLog(path).mark() == 0


def test_parts_of_the_audit_log_are_left_out() -> None:
    assert list(within([(0, 10), (20, 30)], [(3, 5), (8, 22)])) == [(0, 3), (5, 8), (22, 30)]


def test_what_ran_in_two_processes_is_gathered(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    lines = [event(f"{number}") for number in range(3)]
    for process in ("first", "second"):
        log = tmp_path / f"{process}.log"
        log.write_bytes(b"".join(lines).replace(b"configmaps", process.encode()))
        end = log.stat().st_size
        audited = AuditedTests(shared, process)
        audited.add(log, ran=(0, end), left_out=[(0, end // len(lines))])
        audited.finish(f"test_{process}")
    (shared / "third.jsonl").write_text('{"finished": "tes')

    gathered = AuditedTests(shared, "third")
    assert gathered.finished() == {"test_first", "test_second"}
    found = sorted((request.resource, request.name) for request in gathered.requests("somebody"))
    assert found == [("first", "1"), ("first", "2"), ("second", "1"), ("second", "2")]
