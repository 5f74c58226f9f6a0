"""Lines of the log, as the package and other libraries write them."""

import contextvars
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, Literal, Protocol

import pytest
import structlog

from runai_nim.config.log_format import configure_logging, set_log_subject


class Logged(Protocol):
    """The lines that `write` logs in this format and in a context of its own, without date and time."""

    def __call__(self, log_format: Literal["json", "console"], write: Callable[[], object]) -> list[str]: ...


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Logged]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    for name in ("_srcfile", "logThreads", "logProcesses", "logMultiprocessing"):  # restored at the end
        monkeypatch.setattr(logging, name, getattr(logging, name))

    def lines(log_format: Literal["json", "console"], write: Callable[[], object]) -> list[str]:
        root.handlers.clear()
        configure_logging(log_format, "info")
        contextvars.copy_context().run(write)
        return capsys.readouterr().err.splitlines()

    yield lines
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def console(logged: Logged, write: Callable[[], object]) -> list[str]:
    first, *rest = logged("console", write)
    return [first.split(" ", 2)[2], *rest]  # date and time first


def parsed(logged: Logged, write: Callable[[], object]) -> dict[str, Any]:
    (line,) = logged("json", write)
    fields: dict[str, Any] = json.loads(line)
    return fields


def written() -> None:
    set_log_subject(("ns", "a"), 3)
    structlog.get_logger("test").info("NIMService written", child="a", reason="Created")


def test_a_line_of_a_reconciliation_names_its_object(logged: Logged) -> None:
    assert console(logged, written) == ["INFO    NIMService written object=ns/a generation=3 reason=Created child=a"]
    line = parsed(logged, written)
    del line["time"]
    assert line == {
        "level": "INFO",
        "logger": "test",
        "message": "NIMService written",
        "object": "ns/a",
        "generation": 3,
        "reason": "Created",
        "child": "a",
    }


def test_the_next_key_doesn_t_inherit_a_generation(logged: Logged) -> None:
    def write() -> None:
        set_log_subject(("ns", "a"), 3)
        set_log_subject(("ns", "b"))
        structlog.get_logger("test").info("requeued")

    assert console(logged, write) == ["INFO    requeued object=ns/b"]


def test_less_severe_lines_are_left_out(logged: Logged) -> None:
    assert logged("json", lambda: structlog.get_logger("test").debug("seen")) == []


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
def test_a_value_stays_one_word_on_one_line(logged: Logged, value: Any, shown: str) -> None:
    assert console(logged, lambda: structlog.get_logger("test").info("said", value=value)) == [
        f"INFO    said value={shown}"
    ]


@pytest.mark.parametrize(
    ("value", "read"), [("ä", "ä"), (2**70, 2**70), ("\ud800", "\ud800"), (ValueError("no"), "no"), ({1: 2}, {"1": 2})]
)
def test_any_value_is_json(logged: Logged, value: Any, read: Any) -> None:
    assert parsed(logged, lambda: structlog.get_logger("test").info("said", value=value))["value"] == read


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        ({"apiVersion": "v1", "namespace": "ns", "name": "a", "uid": "1"}, "ns/a"),
        ({"namespace": None, "name": "a"}, "a"),
    ],
)
def test_kopf_s_lines_have_our_terms(logged: Logged, reference: Mapping[str, Any], named: str) -> None:
    def write() -> None:
        set_log_subject(("ns", "b"), 3)
        extra = {"k8s_ref": reference, "k8s_skip": True, "settings": SimpleNamespace()}
        logging.getLogger("kopf.objects").warning("Handler %r failed", "seen", extra=extra)

    assert console(logged, write) == [f"WARNING Handler 'seen' failed object={named}"]
    line = parsed(logged, write)
    assert set(line) == {"time", "level", "logger", "message", "object"}
    assert (line["logger"], line["object"]) == ("kopf.objects", named)


def test_further_fields_of_other_libraries_stay(logged: Logged) -> None:
    def write() -> None:
        logging.getLogger("uvicorn.error").warning("said", extra={"color_message": "\x1b[1msaid", "port": 1})

    assert console(logged, write) == ["WARNING said port=1"]


@pytest.mark.parametrize("logger", [structlog.get_logger("test"), logging.getLogger("kopf")])
def test_a_traceback_follows_the_line(logged: Logged, logger: Any) -> None:
    def write() -> None:
        try:
            raise RuntimeError("as asked")
        except RuntimeError:
            logger.exception("unexpected")

    first, second, *_, last = console(logged, write)
    assert (first, second, last) == (
        "ERROR   unexpected",
        "Traceback (most recent call last):",
        "RuntimeError: as asked",
    )
    assert parsed(logged, write)["exc_info"].endswith("RuntimeError: as asked")
