import contextvars
import json
import logging
import sys
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from runai_nim.config import log_format
from runai_nim.config.log_format import ConsoleFormatter, JsonFormatterWithFields


def _record(message: str, **extra: Any) -> logging.LogRecord:
    return logging.getLogger("test").makeRecord("test", logging.INFO, "file", 1, message, (), None, extra=extra)


def _console(record: logging.LogRecord) -> str:
    return ConsoleFormatter().format(record).split(" ", 2)[2]  # date and time first


def _json(record: logging.LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(JsonFormatterWithFields().format(record))
    return line


def test_a_line_of_a_pass_says_what_it_is_about() -> None:
    def lines() -> tuple[str, dict[str, Any]]:
        log_format.set_log_subject(("ns", "a"), 3)
        record = _record("NIMService written", child="a", reason="Created")
        return _console(record), _json(record)

    console, line = contextvars.copy_context().run(lines)
    assert console == "INFO    NIMService written object=ns/a generation=3 reason=Created child=a"
    assert {name: line[name] for name in ("level", "logger", "message")} == {
        "level": "INFO",
        "logger": "test",
        "message": "NIMService written",
    }
    assert {name: line[name] for name in ("object", "generation", "reason", "child")} == {
        "object": "ns/a",
        "generation": 3,
        "reason": "Created",
        "child": "a",
    }
    assert set(line) == {"time", "level", "logger", "message", "object", "generation", "reason", "child"}


def test_the_next_key_doesn_t_inherit_a_generation() -> None:
    def line() -> str:
        log_format.set_log_subject(("ns", "a"), 3)
        log_format.set_log_subject(("ns", "b"))
        return _console(_record("will be tried again"))

    assert contextvars.copy_context().run(line) == "INFO    will be tried again object=ns/b"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ns/a", "ns/a"),
        (3, "3"),
        (0.5, "0.5"),
        ("two words", '"two words"'),
        ("", '""'),
        ("a=b", '"a=b"'),
        ('"', '"\\""'),
        ("line\nERROR forged", '"line\\nERROR forged"'),
        ("\x1b[31m", '"\\u001b[31m"'),
        (["spec.replicas"], '["spec.replicas"]'),
        ({"a": 1}, '{"a": 1}'),
        (None, "null"),
    ],
)
def test_a_value_stays_one_word_on_one_line(value: Any, shown: str) -> None:
    assert _console(_record("said", value=value)) == f"INFO    said value={shown}"


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        ({"apiVersion": "v1", "namespace": "ns", "name": "a", "uid": "1"}, "ns/a"),
        ({"namespace": None, "name": "a"}, "a"),
    ],
)
def test_kopf_s_lines_have_our_terms(reference: Mapping[str, Any], named: str) -> None:
    record = _record("Handler 'seen' failed", k8s_ref=reference, k8s_skip=True, settings=SimpleNamespace())
    assert _console(record) == f"INFO    Handler 'seen' failed object={named}"
    assert set(_json(record)) == {"time", "level", "logger", "message", "object"}
    assert _json(record)["object"] == named


def test_a_traceback_follows_the_line() -> None:
    try:
        raise RuntimeError("as asked")
    except RuntimeError:
        record = _record("unexpected", reason="RuntimeError")
        record.exc_info = sys.exc_info()
    first, *rest = _console(record).splitlines()
    assert first == "INFO    unexpected reason=RuntimeError"
    assert rest[-1] == "RuntimeError: as asked"
    assert "RuntimeError: as asked" in _json(record)["exc_info"]
