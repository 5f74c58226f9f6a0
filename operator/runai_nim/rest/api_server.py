"""Requests to the Kubernetes API server with the caller's token. The only importer of `httpx`.

Requests of different callers share no state: there are no cookies, no default headers and no cache. A token appears in
one header only.
"""

import json
import logging
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import aiohttp
import httpx
import orjson
from httpx_aiohttp import AiohttpTransport

from runai_nim import __version__
from runai_nim.api.resources import CLAIMS, RUNAI_NIM_SERVICES
from runai_nim.kube.transport import ResponseObserver
from runai_nim.rest.model.identifier import Identifier
from runai_nim.rest.model.workload import REST_FIELD_MANAGER

logger = logging.getLogger(__name__)

_REVIEWS: Final = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_JSON: Final = "application/json"
_JSON_PATCH: Final = "application/json-patch+json"
_CONNECTIONS: Final = 64
_TIMEOUT: Final = httpx.Timeout(10.0, connect=3.0)
_READY: Final = "/readyz"
_OK: Final = 200
_REFUSED: Final = 400
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_SERVER_ERRORS: Final = (500, 502, 503, 504)
_SECONDS: Final = re.compile("[0-9]{1,9}")
_LONGEST_RETRY_SECONDS: Final = 300
"""Maximum Retry-After that is passed on; API servers ask for minutes at most."""
_WRITE_METHODS: Final = {"fieldManager": REST_FIELD_MANAGER, "fieldValidation": "Strict"}


class NoAnswerError(Exception):
    """The API server didn't answer, or answered with an internal failure; the outcome of the request is unknown."""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """The API server's answer: HTTP status, JSON body, and seconds to wait before a retry."""

    status: int
    body: dict[str, Any]
    retry_after: int


class ApiServer:
    """Connections to the API server, shared by all callers. Every method raises NoAnswerError."""

    def __init__(self, url: str, ca_file: str | None, observe_response: ResponseObserver) -> None:
        context = ssl.create_default_context(cafile=ca_file)
        self._url, self._host, self._observe_response = url.rstrip("/"), urlsplit(url).netloc, observe_response
        # httpx's own transport needs four times the CPU, half of the total for a response.
        self._transport = AiohttpTransport(verify=context, client=partial(_session, context))

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def get(self, token: str, at: Identifier, *, cached: bool = False) -> ApiResponse:
        """The RunaiNimService with that name. With `cached` the API server answers faster, with a possibly older
        version."""
        query = {"resourceVersion": "0"} if cached else {}
        return await self._send_with_retry("GET", RUNAI_NIM_SERVICES.path(at.namespace, at.name), token, query)

    async def has_claim(self, token: str, namespace: str, name: str) -> bool | None:
        """Whether a PersistentVolumeClaim with that name exists; None if the caller may not know."""
        response = await self._exchange("GET", CLAIMS.path(namespace, name), token, None, None, _JSON)
        return {_OK: True, _NOT_FOUND: False}.get(response.status)

    async def create(self, token: str, manifest: Mapping[str, Any]) -> ApiResponse:
        """Create a RunaiNimService."""
        path = RUNAI_NIM_SERVICES.path(manifest["metadata"]["namespace"])
        return await self._send_with_retry("POST", path, token, _WRITE_METHODS, manifest)

    async def patch(self, token: str, at: Identifier, operations: list[dict[str, Any]]) -> ApiResponse:
        """Apply a JSON Patch."""
        path = RUNAI_NIM_SERVICES.path(at.namespace, at.name)
        return await self._send_with_retry("PATCH", path, token, _WRITE_METHODS, operations, _JSON_PATCH)

    async def delete(self, token: str, at: Identifier) -> ApiResponse:
        """Delete the RunaiNimService if it is still this one (else 409)."""
        path = RUNAI_NIM_SERVICES.path(at.namespace, at.name)
        return await self._send_with_retry("DELETE", path, token, {}, {"preconditions": {"uid": at.uid}})

    async def review_token(self, token: str) -> ApiResponse:
        """The token's user, from a SelfSubjectReview, which every authenticated user may create."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        return await self._send_with_retry("POST", _REVIEWS, token, {}, review)

    async def _send_with_retry(
        self,
        method: str,
        path: str,
        token: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = _JSON,
    ) -> ApiResponse:
        """A starting API server answers 403 until RBAC is synced; treat it as retryable unless /readyz is ok."""
        answer = await self._exchange(method, path, token, query, body, content_type)
        if answer.status == _FORBIDDEN:
            if (await self._exchange("GET", _READY, token, None, None, _JSON)).status != _OK:
                raise NoAnswerError("not ready")
            answer = await self._exchange(method, path, token, query, body, content_type)
        if answer.status < _REFUSED and not answer.body:
            logger.warning("an answer can't be read", extra={"method": method, "path": path})
            raise NoAnswerError("not readable")
        return answer

    async def _exchange(
        self, method: str, path: str, token: str, query: Mapping[str, str] | None, body: Any, content_type: str
    ) -> ApiResponse:
        headers = {
            "Host": self._host,
            "Accept": _JSON,
            "Authorization": f"Bearer {token}",
            "User-Agent": f"{REST_FIELD_MANAGER}/{__version__}",
        }
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["Content-Type"] = content_type
        url = self._url + path + (f"?{urlencode(query)}" if query else "")
        request = httpx.Request(
            method, url, headers=headers, content=content, extensions={"timeout": _TIMEOUT.as_dict()}
        )
        code = "<error>"
        try:
            response = await self._transport.handle_async_request(request)
            try:
                raw = await response.aread()
            finally:
                await response.aclose()
            code = str(response.status_code)
            if response.status_code in _SERVER_ERRORS:
                logger.warning("API server is unwell", extra={"status": code, "method": method})
                raise NoAnswerError(code)
            return ApiResponse(
                response.status_code, _parse_object(raw), seconds_in(response.headers.get("Retry-After"))
            )
        except (httpx.TransportError, aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswerError(type(error).__name__) from error
        finally:
            self._observe_response(method, code, self._host)


def _session(context: ssl.SSLContext) -> aiohttp.ClientSession:
    """A session without cookies and without configuration from the environment."""
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=context)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), middlewares=(_send_once,))


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send once: aiohttp repeats a DELETE whose answer was lost, and after a successful DELETE that returns 404."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method != "DELETE":
            raise
        raise aiohttp.ClientConnectionError(str(error)) from error


def _parse_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in the body; empty for other content, which a proxy may send, and for excessive nesting."""
    try:
        value = orjson.loads(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def seconds_in(retry_after: str | None) -> int:
    """Seconds in a Retry-After, within bounds; 0 for a date or invalid text, which a proxy may send."""
    return min(int(retry_after), _LONGEST_RETRY_SECONDS) if retry_after and _SECONDS.fullmatch(retry_after) else 0
