"""`python -m runai_nim`: entry point of the operator process."""

import os
import socket
import sys
import warnings
from typing import Any

import kopf
import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim.config.bootstrap import bootstrap
from runai_nim.controller.handlers import make_registry
from runai_nim.controller.operator import Operator

logger: FilteringBoundLogger = structlog.get_logger(__name__)


def main() -> int:
    """Run until SIGTERM. Return 1 after a failure that only a restart can fix."""
    settings = bootstrap(quiet_loggers=("kopf",))
    name = os.environ.get("POD_ID") or socket.gethostname()
    operator = Operator(settings, name)
    # Kopf's, after a failed start: it is about no fault of the user's, who reads the log.
    warnings.filterwarnings("ignore", message="coroutine 'authenticator' was never awaited", category=RuntimeWarning)
    try:
        where: dict[str, Any] = {"namespaces": settings.namespaces} if settings.namespaces else {"clusterwide": True}
        kopf.run(
            registry=make_registry(operator),
            # The default identity contains the user's name, and /etc/passwd has no entry for the user id of most Pods.
            identity=name,  # type: ignore[arg-type]  # Kopf exports no Identity
            stop_flag=operator.stop_requested,
            standalone=True,
            **where,
        )
    except Exception as error:  # Kopf has logged the failure with its traceback
        logger.critical("operator failed, the process exits", error=str(error))
        return 1
    return 1 if operator.has_failed else 0


if __name__ == "__main__":
    sys.exit(main())
