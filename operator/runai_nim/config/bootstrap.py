"""Bootstrap of every process in this package: load settings from file and environment, configure logging.

Only this module, the `__main__` modules and the package's check for a home directory read the environment.
"""

import gc
import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import yaml

from runai_nim.config.log_format import configure_logging
from runai_nim.config.settings import Settings
from runai_nim.config.settings_loader import FILE_VARIABLE, SettingsError, load_settings


def bootstrap(quiet_loggers: Iterable[str]) -> Settings:
    """Load settings, configure logging and the garbage collector. `quiet_loggers` log warnings and errors only.

    Raises SystemExit(2) with the reason on stderr for invalid settings.
    """
    try:
        settings = _read_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error
    configure_logging(settings.log_format, settings.log_level)
    for name in quiet_loggers:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    # Decoded JSON has no reference cycles, and Python's default thresholds cost an eighth of the operator's CPU.
    gc.set_threshold(50_000, 20, 20)
    return settings


def _read_settings() -> Settings:
    """Load settings from the environment and the file of RUNAI_NIM_SETTINGS_FILE. Raises SettingsError."""
    path = os.environ.get(FILE_VARIABLE)
    try:
        file = yaml.safe_load(Path(path).read_text(encoding="utf-8")) if path else None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:  # a number of 5,000 digits is a ValueError
        raise SettingsError(f"{FILE_VARIABLE}: {path} can't be read: {error}") from error
    return load_settings(file, os.environ)
