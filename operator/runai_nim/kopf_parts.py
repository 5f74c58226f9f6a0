"""What Kopf is given to run with: its settings, its connection to the API server, and nothing to compare."""

from typing import Any

import aiohttp
import kopf

from runai_nim.cluster import PAGE
from runai_nim.health import OWN_WATCH_SECONDS


def set_up(settings: kopf.OperatorSettings) -> None:
    """Set what differs from Kopf's defaults."""
    settings.watching.server_timeout = OWN_WATCH_SECONDS
    settings.watching.client_timeout = OWN_WATCH_SECONDS + 10
    settings.watching.connect_timeout = 10
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = [1, 2, 5, 10, 20, *[30] * 10_000]
    settings.watching.chunk_size = PAGE
    settings.queueing.idle_timeout = 0.1  # so long Kopf keeps an object, and a task for it, after each event
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.persistence.diffbase_storage = NoDifferences()


class NoDifferences(kopf.DiffBaseStorage):
    """The essence of every object is the same.

    Kopf would copy each object at each event and compare it with an earlier one, for kinds of handlers that we have
    none of: a sixth of the process's CPU.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:
        """What is compared: nothing."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """What was compared last: nothing."""
        return None

    def store(self, **_: Any) -> None:
        """Keep nothing."""


class Sessions:
    """Kopf's connection to the API server, as Kopf would make it itself, and a trace of its requests."""

    def __init__(self, trace: aiohttp.TraceConfig) -> None:
        self._trace = trace
        self._made: dict[kopf.ConnectionInfo, kopf.AiohttpSession] = {}

    def of(self, found: kopf.ConnectionInfo) -> kopf.AiohttpSession:
        """The same session for the same credentials: Kopf sees that what was refused is all that there is, and ends."""
        if found not in self._made:
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=found.as_ssl_context()),
                headers=found.as_http_headers(),
                proxy=found.proxy_url,
                trust_env=found.trust_env,
                trace_configs=[self._trace],
            )
            made = kopf.AiohttpSession(
                server=found.server, default_namespace=found.default_namespace, aiohttp_session=session
            )
            self._made = {found: made}
        return self._made[found]
