"""Requests to the Kubernetes API server with the caller's token.

Requests of different callers share no state: there are no cookies and no cache. A token appears in one header only.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim.api.resources import CLAIMS, RUNAI_NIM_SERVICES, KubeObject, Resource
from runai_nim.config.permissions import Access
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.bounded_reader import PageSize
from runai_nim.kube.client import log_unreadable
from runai_nim.kube.transport import JSON_CONTENT_TYPE, Query, RequestBody, Transport
from runai_nim.rest.model.authorship import REST_FIELD_MANAGER
from runai_nim.rest.model.identifier import Identifier

logger: FilteringBoundLogger = structlog.get_logger(__name__)

_REVIEWS: Final = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_ACCESS_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_JSON_PATCH: Final = "application/json-patch+json"
_READY: Final = "/readyz"
_OK: Final = 200
_CREATED: Final = 201
_REFUSED: Final = 400
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_SERVER_ERRORS: Final = (500, 502, 503, 504)
_WRITE_QUERY: Final[Query] = {"fieldManager": REST_FIELD_MANAGER, "fieldValidation": "Strict"}
_NO_QUERY: Final[Query] = {}


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

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def get(self, token: str, at: Identifier, *, cached: bool = False) -> ApiResponse:
        """The RunaiNimService with that name. With `cached` the API server answers faster, with a possibly older
        version."""
        query = {"resourceVersion": "0"} if cached else {}
        return await self._send_with_retry("GET", RUNAI_NIM_SERVICES.path(at.namespace, at.name), token, query=query)

    async def read(self, token: str, path: str) -> ApiResponse:
        """The object at a URL path."""
        return await self._send_with_retry("GET", path, token)

    async def peek(self, token: str, path: str) -> ApiResponse:
        """The object at a URL path, which an answer can do without: a 403 is final, even of a starting API server."""
        return await self._exchange("GET", path, token)

    async def pages(
        self,
        token: str,
        resource: Resource,
        namespace: str,
        *,
        query: Query = _NO_QUERY,
        accept: str = JSON_CONTENT_TYPE,
        is_ready: bool = False,
    ) -> AsyncIterator[ApiResponse]:
        """LIST page by page; smaller pages for large objects. A refusal is the last one.

        is_ready: the API server was seen to be ready, so that a 403 is final.
        """
        place = resource, namespace
        size = PageSize()
        more = ""
        while True:
            asked = {**query, **({"continue": more} if more else {})}
            answer = await self._page(token, place, asked, size, accept=accept)
            if answer.status == _FORBIDDEN and not is_ready:
                await self._check_ready(token)
                answer = await self._page(token, place, asked, size, accept=accept)
            yield answer
            more = answer.body.get("metadata", {}).get("continue", "") if answer.status == _OK else ""
            if not more:
                return

    async def write(
        self, token: str, path: str, change: KubeObject | list[dict[str, Any]], *, dry_run: bool
    ) -> ApiResponse:
        """Create an object, or apply a JSON Patch to the one at a URL path."""
        query = {**_WRITE_QUERY, "dryRun": "All"} if dry_run else _WRITE_QUERY
        is_patch = isinstance(change, list)
        return await self._send_with_retry(
            "PATCH" if is_patch else "POST",
            path=path,
            token=token,
            query=query,
            body=change,
            content_type=_JSON_PATCH if is_patch else JSON_CONTENT_TYPE,
        )

    async def remove(self, token: str, path: str, uid: str) -> ApiResponse:
        """Delete the object at a URL path if it still has this uid (else 409)."""
        body = {"preconditions": {"uid": uid}}
        return await self._send_with_retry("DELETE", path=path, token=token, query={}, body=body)

    async def has_claim(self, token: str, namespace: str, name: str) -> bool | None:
        """Whether a PersistentVolumeClaim with that name exists; None if the caller may not know."""
        response = await self.peek(token, CLAIMS.path(namespace, name))
        return {_OK: True, _NOT_FOUND: False}.get(response.status)

    async def create(self, token: str, manifest: KubeObject, *, dry_run: bool) -> ApiResponse:
        """Create a RunaiNimService."""
        path = RUNAI_NIM_SERVICES.path(manifest["metadata"]["namespace"])
        return await self.write(token, path, manifest, dry_run=dry_run)

    async def may(self, token: str, access: Access) -> bool:
        """Whether the caller has the access, from a SelfSubjectAccessReview."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": access._asdict()},
        }
        answer = await self._send_with_retry("POST", path=_ACCESS_REVIEWS, token=token, query={}, body=review)
        return answer.status == _CREATED and answer.body["status"].get("allowed") is True

    async def patch(
        self, token: str, at: Identifier, operations: list[dict[str, Any]], *, dry_run: bool
    ) -> ApiResponse:
        """Apply a JSON Patch to a RunaiNimService."""
        return await self.write(token, RUNAI_NIM_SERVICES.path(at.namespace, at.name), operations, dry_run=dry_run)

    async def delete(self, token: str, at: Identifier) -> ApiResponse:
        """Delete the RunaiNimService if it is still this one (else 409)."""
        return await self.remove(token, RUNAI_NIM_SERVICES.path(at.namespace, at.name), at.uid)

    async def review_token(self, token: str) -> ApiResponse:
        """The token's user, from a SelfSubjectReview, which every authenticated user may create."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        return await self._send_with_retry("POST", path=_REVIEWS, token=token, query={}, body=review)

    async def _send_with_retry(
        self,
        method: str,
        path: str,
        token: str,
        *,
        query: Query = _NO_QUERY,
        body: RequestBody = None,
        content_type: str = JSON_CONTENT_TYPE,
    ) -> ApiResponse:
        """A starting API server answers 403 until RBAC is synced; treat it as retryable unless /readyz is ok."""
        answer = await self._exchange(method, path=path, token=token, query=query, body=body, content_type=content_type)
        if answer.status == _FORBIDDEN:
            await self._check_ready(token)
            answer = await self._exchange(
                method, path=path, token=token, query=query, body=body, content_type=content_type
            )
        if answer.status < _REFUSED and not answer.body:
            logger.warning("unreadable response of the API server", method=method, path=path)
            raise NoAnswerError("not readable")
        return answer

    async def _check_ready(self, token: str) -> None:
        if (await self._exchange("GET", _READY, token)).status != _OK:
            raise NoAnswerError("not ready")

    async def _page(
        self, token: str, place: tuple[Resource, str], query: Query, size: PageSize, *, accept: str
    ) -> ApiResponse:
        try:
            page = await self._transport.page(
                token, *place, query=query, size=size, accept=accept, unreadable=log_unreadable
            )
        except ApiError as error:
            if error.status in (0, *_SERVER_ERRORS):
                raise NoAnswerError(error.message) from error
            refusal = {"reason": error.reason, "message": error.message}
            return ApiResponse(error.status, refusal, int(error.retry_after))
        return ApiResponse(_OK, page, 0)

    async def _exchange(
        self,
        method: str,
        path: str,
        token: str,
        *,
        query: Query = _NO_QUERY,
        body: RequestBody = None,
        content_type: str = JSON_CONTENT_TYPE,
    ) -> ApiResponse:
        try:
            answer = await self._transport.exchange(
                token, method, path, query=query, body=body, content_type=content_type
            )
        except ApiError as error:
            raise NoAnswerError(error.message) from error
        if answer.status in _SERVER_ERRORS:
            logger.warning("API server error", status=answer.status, method=method)
            raise NoAnswerError(str(answer.status))
        return ApiResponse(answer.status, _parse_object(answer.body), answer.retry_after)


def _parse_object(raw: bytes | bytearray) -> dict[str, Any]:
    """The JSON object in the body; empty for other content, which a proxy may send, and for excessive nesting."""
    try:
        value = orjson.loads(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
