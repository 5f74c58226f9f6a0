"""Log formats: JSON for machines and a readable console format, with the same fields.

Kopf's lines use the same fields as the operator's.
"""

import json
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

_LEADING_FIELDS: Final = ("object", "generation", "reason")
_KOPF_FIELDS: Final = ("k8s_ref", "k8s_skip", "settings")
"""Extra fields of Kopf's records about an object: a reference, and internal data."""
_RESERVED: Final = frozenset((*RESERVED_ATTRS, *_KOPF_FIELDS, "taskName"))

_log_subject: ContextVar[Mapping[str, Any]] = ContextVar("_subject")


def set_log_subject(key: tuple[str, str], generation: int | None = None) -> None:
    """Set the RunaiNimService `key` (namespace, name) for all further log lines of this task."""
    known = {} if generation is None else {"generation": generation}
    _log_subject.set({"object": "/".join(key), **known})


def record_fields(record: logging.LogRecord) -> dict[str, Any]:
    """Fields of a record in addition to its message: object, generation and reason first, then its extra fields."""
    reference = record.__dict__.get("k8s_ref")
    subject = _log_subject.get({}) if reference is None else {"object": _format_reference(reference)}
    fields = {**subject, **{name: value for name, value in vars(record).items() if name not in _RESERVED}}
    return {name: fields[name] for name in (*_LEADING_FIELDS, *fields) if name in fields}


def _format_reference(reference: Mapping[str, Any]) -> str:
    return "/".join(part for part in (reference.get("namespace"), reference.get("name")) if part)


class ConsoleFormatter(logging.Formatter):
    """`time level message object=… generation=… reason=…`; values other than plain words are quoted as in JSON."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname:7} {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name for it
        """The line, which a traceback may follow."""
        fields = (f"{name}={_format_value(value)}" for name, value in record_fields(record).items())
        return " ".join((super().formatMessage(record), *fields))


def _format_value(value: Any) -> str:
    text = str(value)
    plain = isinstance(value, str | int | float) and text.isprintable() and not set(text) & set(' "=')
    return text if plain and text else json.dumps(value, ensure_ascii=False, default=str)


class JsonFormatterWithFields(JsonFormatter):
    """One JSON object for each line."""

    def __init__(self) -> None:
        names = {"asctime": "time", "levelname": "level", "name": "logger"}
        super().__init__(
            "{asctime}{levelname}{name}{message}", style="{", rename_fields=names, reserved_attrs=sorted(_RESERVED)
        )

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Add the formatter's fields and those of the record."""
        super().add_fields(log_data, record, message_dict)
        log_data.update(record_fields(record))
