"""Load the settings from a parsed file and the environment, and report every mistake in them."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from runai_nim.api import syntax
from runai_nim.config.settings import Settings

PREFIX: Final = "RUNAI_NIM_"
"""Environment variable `RUNAI_NIM_<SETTING>` overrides the setting of that name in the file."""
FILE_VARIABLE: Final = "RUNAI_NIM_SETTINGS_FILE"
"""Environment variable with the path of the settings file."""

# For a Service named runai-nim-… the kubelet sets such variables in every pod of its namespace.
_SERVICE_LINK: Final = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_[0-9]+_(TCP|UDP|SCTP).*)?)")
_CREDENTIALS: Final = re.compile(r"//[^/@\s]*@")
_STRUCTURED_SETTINGS: Final = (
    *("namespaces", "project_labels", "priority_classes", "external_annotations", "allowed_annotations"),
    *("external_hosts", "reserved_hosts", "allowed_service_types", "node_selector", "startup_probe", "proxy"),
    *("metrics_service_monitor", "service_annotations", "allowed_scheduler_annotations"),
)


class SettingsError(ValueError):
    """The settings are invalid. The message has one line for each mistake: setting, value, what is allowed, remedy."""


def load_settings(file: Any, environ: Mapping[str, str]) -> Settings:
    """Load settings from the parsed file (a mapping, or None) and the environment, which takes precedence.

    Raises SettingsError with every mistake: unknown names, wrong types, values out of range, duplicate keys.
    """
    if not isinstance(file, Mapping | None):
        raise SettingsError(f"the settings file contains a {type(file).__name__}; write `setting: value` lines")
    values: dict[str, Any] = {str(name): value for name, value in (file or {}).items()}
    sources = dict.fromkeys(values, "in the settings file")
    for variable, text in environ.items():
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and variable != FILE_VARIABLE and not _is_service_link(variable, name):
            values[name] = _parse_structured(variable, text) if name in _STRUCTURED_SETTINGS else text
            sources[name] = f"in {variable}"
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError("\n".join(_error_line(mistake, sources) for mistake in error.errors())) from None


def _is_service_link(variable: str, name: str) -> bool:
    return name not in Settings.model_fields and _SERVICE_LINK.fullmatch(variable) is not None


def _parse_structured(variable: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise SettingsError(f'{variable}: found {text!r}; write JSON, such as ["runai/queue"]') from None


def _error_line(mistake: Any, sources: Mapping[str, str]) -> str:
    name, *rest = (str(part) for part in mistake["loc"] or ("settings",))
    setting = ".".join((name, *rest))
    source = sources.get(name, "")
    if mistake["type"] == "extra_forbidden":
        near = syntax.closest_match(rest[-1] if rest else name, _names_beside(name, rest))
        return f"{setting} {source}: unknown setting; {f'did you mean {near}?' if near else 'remove it'}"
    reason = mistake["msg"].removeprefix("Value error, ")
    if name not in Settings.model_fields:
        return f"{setting}: {reason}"
    about = Settings.model_fields[name].description
    return f"{setting} {source}: found {_display(mistake['input'])}: {reason} ({about}); correct it or leave it out"


def _names_beside(setting: str, below: list[str]) -> Iterable[str]:
    """The settings; for a name below one, the parts of that setting."""
    return type(Settings.model_fields[setting].default).model_fields if below else Settings.model_fields


def _display(value: Any) -> str:
    try:
        return _CREDENTIALS.sub("//…@", repr(value))
    except ValueError:  # Python doesn't print numbers of more than 4300 digits
        return "a number of thousands of digits"
