"""The audit log is read while the API server writes it."""

import json
from pathlib import Path

import pytest

from local.audit import CHUNK_BYTES, AuditLog


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
    before, during, after = event("before"), event("during", padding), event("after")
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
