"""`python -m runai_nim.rest`: runs the REST API as a process."""

import argparse
import asyncio
import sys

import structlog
import uvicorn
from structlog.typing import FilteringBoundLogger

from runai_nim import __version__
from runai_nim.config.bootstrap import bootstrap
from runai_nim.kube.api_error import ApiError
from runai_nim.rest.app import ConcurrencyLimit, RequestMetrics, make_app
from runai_nim.rest.listener import Server, bind
from runai_nim.rest.rest_service import RestService

logger: FilteringBoundLogger = structlog.get_logger(__name__)

_RENEWAL_SECONDS = 60.0
_GRACE_SECONDS = 20
"""Seconds for calls in progress at SIGTERM; a PATCH may take half of it."""


def arguments() -> argparse.Namespace:
    """Parse the command line; argparse reports mistakes and exits with 2."""
    parser = argparse.ArgumentParser(prog="python -m runai_nim.rest", description=__doc__, allow_abbrev=False)
    parser.add_argument("--host", default="", help="address to listen on; default: all")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on; default: 8080")
    parser.add_argument("--tls-certificate", metavar="FILE", help="PEM file with the certificate for HTTPS")
    parser.add_argument("--tls-key", metavar="FILE", help="PEM file with the certificate's private key")
    return parser.parse_args()


def main() -> int:
    """Serve until SIGTERM. Return 2 for invalid arguments or settings, 3 without a usable API server."""
    given = arguments()
    settings = bootstrap(quiet_loggers=("uvicorn",))
    rest = RestService(settings)
    config = uvicorn.Config(
        RequestMetrics(ConcurrencyLimit(make_app(rest)), rest.metrics),
        ws="none",
        ssl_certfile=given.tls_certificate,
        ssl_keyfile=given.tls_key,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        certificate = f"--tls-certificate {given.tls_certificate}"
        print(f"{certificate} and its --tls-key can't be used: {error}", file=sys.stderr)
        return 2
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        return runner.run(_serve(config, rest, given.host, given.port))


async def _serve(config: uvicorn.Config, rest: RestService, host: str, port: int) -> int:
    try:
        await rest.connect()
    except ApiError as error:
        logger.critical("no API server configured", error=str(error))
        return 3
    try:
        listener = bind(host, port)
    except OSError as error:
        logger.critical("listen failed", host=host, port=port, error=str(error))
        await rest.cluster.close()
        return 3
    scheme = "https" if config.ssl else "http"
    url = f"{scheme}://{_shown(host)}:{listener.getsockname()[1]}"
    logger.info("REST API started", url=url, docs=f"{url}/docs", api_server=rest.cluster.url, version=__version__)
    server = Server(config, listener, rest.metrics.count_ended_connection)
    renewal = asyncio.create_task(_renew(config))
    try:
        # SIGTERM ends the process inside this call, by the signal itself, so the application closes its resources.
        await server.serve()
    finally:
        renewal.cancel()
    return 0 if server.started else 3


def _shown(host: str) -> str:
    """The host of a URL: localhost where it listens on all addresses."""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104  # compared, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host


async def _renew(config: uvicorn.Config) -> None:
    """Load a renewed certificate for new connections."""
    while config.ssl is not None and config.ssl_certfile is not None:
        await asyncio.sleep(_RENEWAL_SECONDS)
        try:
            config.ssl.load_cert_chain(config.ssl_certfile, config.ssl_keyfile)
        except OSError as error:  # ssl.SSLError is one; the files are replaced one after the other
            logger.warning("certificate not reloaded, the previous one stays in use", error=str(error))


if __name__ == "__main__":
    sys.exit(main())
