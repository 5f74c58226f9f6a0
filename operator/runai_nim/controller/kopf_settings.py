"""Configuration of Kopf: settings, sessions with the API server, and no diff base."""

from dataclasses import replace
from typing import Any

import aiohttp
import kopf

from runai_nim.controller.health import KOPF_WATCH_SECONDS
from runai_nim.controller.own_kind import KopfResponse, OwnKind
from runai_nim.kube.bounded_reader import LIST_PAGE_SIZE
from runai_nim.kube.client import KubeClient


def configure_kopf(settings: kopf.OperatorSettings) -> None:
    """Set what differs from Kopf's defaults."""
    settings.watching.server_timeout = KOPF_WATCH_SECONDS
    settings.watching.client_timeout = KOPF_WATCH_SECONDS + 10
    settings.watching.connect_timeout = 10
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = [1, 2, 5, 10, 20, *[30] * 10_000]
    settings.watching.chunk_size = LIST_PAGE_SIZE
    settings.queueing.idle_timeout = 0.1  # how long Kopf keeps an object and its task after each event
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.persistence.diffbase_storage = NoDiffBase()


class NoDiffBase(kopf.DiffBaseStorage):
    """An empty diff base for every object.

    Kopf would copy each object at each event and compare it with the previous one, for kinds of handlers that the
    operator doesn't have. That takes a sixth of the process's CPU.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:
        """An empty essence, so that there is nothing to compare."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """An empty essence, the same as `build` returns."""
        return None

    def store(self, **_: Any) -> None:
        """Store nothing."""


class SessionCache:
    """Creates Kopf's sessions with the API server, with a trace of its requests and the OwnKind middleware."""

    def __init__(self, trace: aiohttp.TraceConfig, guard: OwnKind) -> None:
        self._trace = trace
        self._guard = guard
        self._sessions: dict[kopf.ConnectionInfo, kopf.AiohttpSession] = {}

    def login(self, client: KubeClient, **kwargs: Any) -> kopf.AiohttpSession | None:
        """Kopf's session with the same API server as all other requests of the process.

        In a Pod, Kopf itself would resolve kubernetes.default.svc, which requires cluster DNS.
        """
        login = kopf.login_with_service_account if client.in_pod else kopf.login_with_kubeconfig
        credentials = login(**kwargs)
        return self.get(replace(credentials, server=client.url)) if credentials else None

    def get(self, credentials: kopf.ConnectionInfo) -> kopf.AiohttpSession:
        """The same session for the same credentials, so that Kopf ends if the API server rejects the only ones."""
        if credentials not in self._sessions:
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=credentials.as_ssl_context()),
                headers=credentials.as_http_headers(),
                proxy=credentials.proxy_url,
                trust_env=credentials.trust_env,
                trace_configs=[self._trace],
                middlewares=(self._guard,),
                response_class=KopfResponse,
            )
            kopf_session = kopf.AiohttpSession(
                server=credentials.server, default_namespace=credentials.default_namespace, aiohttp_session=session
            )
            self._sessions = {credentials: kopf_session}
        return self._sessions[credentials]
