"""Log formats: JSON for machines and a readable console format, with the same fields.

The package logs with structlog. Records of other libraries (Kopf, uvicorn) go through the same processors, so that
their lines have the same fields.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, Final, Literal

import orjson
import structlog
from structlog.stdlib import ExtraAdder, ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

_LEADING_FIELDS: Final = ("object", "generation", "reason")
_INTERNAL_FIELDS: Final = ("_from_structlog", "k8s_skip", "settings", "color_message")
"""Fields of structlog, Kopf and uvicorn that no line has."""


def set_log_subject(key: tuple[str, str], generation: int | None = None) -> None:
    """Set the RunaiNimService `key` (namespace, name) for all further log lines of this task."""
    if generation is None:
        structlog.contextvars.unbind_contextvars("generation")
        structlog.contextvars.bind_contextvars(object="/".join(key))
    else:
        structlog.contextvars.bind_contextvars(object="/".join(key), generation=generation)


def configure_logging(log_format: Literal["json", "console"], level: str) -> None:
    """Log to stderr lines of that level (`info`) and above."""
    handler = logging.StreamHandler()
    handler.setFormatter(make_formatter(log_format))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    # No format has these; looking for them took a quarter of a line's CPU.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def make_formatter(log_format: Literal["json", "console"]) -> ProcessorFormatter:
    """A formatter for records of structlog and of other loggers."""
    return ProcessorFormatter(
        foreign_pre_chain=[structlog.contextvars.merge_contextvars, ExtraAdder()],
        processors=[_arrange, _format_exception, _RENDERERS[log_format]],
    )


def _arrange(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The fields of a line in their order: time, level, logger, message, object, generation, reason, further ones."""
    record: logging.LogRecord = event.pop("_record")
    for name in _INTERNAL_FIELDS:
        event.pop(name, None)
    if reference := event.pop("k8s_ref", None):  # of Kopf's lines about an object, whoever's turn it is
        event["object"] = _format_reference(reference)
        event.pop("generation", None)
    head = {
        "time": _TIME.formatTime(record),
        "level": record.levelname,
        "logger": record.name,
        "message": event.pop("event"),
    }
    leading = {name: event.pop(name) for name in _LEADING_FIELDS if name in event}
    return {**head, **leading, **event}


def _format_reference(reference: Mapping[str, Any]) -> str:
    return "/".join(part for part in (reference.get("namespace"), reference.get("name")) if part)


def _format_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace exc_info by the text of the traceback."""
    event = structlog.processors.format_exc_info(_, __, event)
    if (traceback := event.pop("exception", None)) is not None:
        event["exc_info"] = traceback
    return event


def _render_console(_: WrappedLogger, __: str, event: EventDict) -> str:
    """`time level message object=… generation=… reason=…`; values other than plain words are quoted as in JSON."""
    event.pop("logger")
    traceback = event.pop("exc_info", None)
    head = f"{event.pop('time')} {event.pop('level'):7} {event.pop('message')}"
    line = " ".join((head, *(f"{name}={_format_value(value)}" for name, value in event.items())))
    return f"{line}\n{traceback}" if traceback else line


def _format_value(value: Any) -> str:
    text = str(value)
    plain = isinstance(value, str | int | float) and text.isprintable() and not set(text) & set(' "=')
    return text if plain and text else json.dumps(value, ensure_ascii=False, default=str)


def _dump(fields: EventDict, **_: Any) -> str:
    try:
        return orjson.dumps(fields, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a number of more than 64 bits, or half of a surrogate pair
        return json.dumps(fields, default=str)


_TIME: Final = logging.Formatter()
_RENDERERS: Final[Mapping[str, Processor]] = {
    "json": structlog.processors.JSONRenderer(serializer=_dump),
    "console": _render_console,
}
