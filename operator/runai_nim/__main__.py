"""`python -m runai_nim`: the operator as a process. Wiring alone."""

import logging
import sys

import kopf

from runai_nim.handlers import Operator, make_registry
from runai_nim.settings import SettingsError
from runai_nim.start import read_settings, start_logging

logger = logging.getLogger(__name__)


def main() -> int:
    """Run until SIGTERM; 2 when the settings can't be used, 1 when something failed that only a restart mends."""
    try:
        settings = read_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    start_logging(settings)
    logging.getLogger("kopf").setLevel(max(logging.WARNING, logging.getLogger().level))
    operator = Operator(settings)
    try:
        kopf.run(registry=make_registry(operator), stop_flag=operator.end, standalone=True, clusterwide=True)
    except Exception as error:  # Kopf has said what failed, with its traceback
        logger.critical("the process ends, to be started anew", extra={"error": str(error)})
        return 1
    return 1 if operator.failed else 0


if __name__ == "__main__":
    sys.exit(main())
