"""`python -m runai_nim`: the operator as a process. Wiring, and the only reader of the environment."""

import logging
import os
import sys
from pathlib import Path

import kopf
import yaml

from runai_nim.handlers import Operator, make_registry
from runai_nim.logs import ConsoleLines, JsonLines
from runai_nim.settings import FILE_VARIABLE, Settings, SettingsError, settings_from


def read_settings() -> Settings:
    """Settings from the file that RUNAI_NIM_SETTINGS_FILE names, if any, and the environment."""
    path = os.environ.get(FILE_VARIABLE)
    try:
        file = yaml.safe_load(Path(path).read_text(encoding="utf-8")) if path else None
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{FILE_VARIABLE}: {path} can't be read: {error}") from error
    return settings_from(file, os.environ)


def start_logging(settings: Settings) -> None:
    """One line a decision on stderr, as JSON or for people."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if settings.log_format == "json" else ConsoleLines())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    logging.getLogger("kopf").setLevel(max(logging.WARNING, logging.getLogger().level))


def main() -> int:
    """Run until SIGTERM; 2 when the settings can't be used."""
    try:
        settings = read_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    start_logging(settings)
    kopf.run(registry=make_registry(Operator(settings)), standalone=True, clusterwide=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
