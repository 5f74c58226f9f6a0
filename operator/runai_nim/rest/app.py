"""HTTP routes of the REST API and the format of errors. `workload_service` implements the calls."""

import asyncio
import functools
import time
from typing import Any, Final

import orjson
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runai_nim.rest import schemas
from runai_nim.rest.api_server import NoAnswerError
from runai_nim.rest.batch_routes import add_batch
from runai_nim.rest.detail_routes import add_details
from runai_nim.rest.documentation import documentation_page
from runai_nim.rest.errors import HttpError, error_of, unauthorized, unavailable
from runai_nim.rest.listing_routes import add_listing
from runai_nim.rest.metrics import OTHER_ROUTE, RestMetrics
from runai_nim.rest.openapi import (
    BODY_ERRORS,
    ERRORS,
    REQUIRES_TOKEN,
    header_parameter,
    make_document,
    query_parameter,
    request_body,
    response_docs,
)
from runai_nim.rest.policy_routes import add_policies
from runai_nim.rest.request_parsing import (
    MAX_ANONYMOUS_BODY_BYTES,
    MAX_IDEMPOTENCY_KEY,
    Token,
    idempotency_key,
    is_token,
    parse_json_object,
    read_content,
    refuse_trial,
    trial_parameter,
)
from runai_nim.rest.rest_service import RestService, json_response

_API: Final = "/api/"
NIM_SERVICES_PATH: Final = "/api/v2/workloads/nim-services"
MAX_CONCURRENT_CALLS: Final = 256
_DRY_RUN: Final = query_parameter(
    "dryRun", "true: check everything, also at the API server, and write nothing.", {"type": "boolean"}
)
_FOR_WRITES: Final[dict[int | str, dict[str, Any]]] = {
    **response_docs(202, schemas.Workload, *BODY_ERRORS, *ERRORS),
    200: {"model": schemas.Workload, "description": "With dryRun: what would be stored"},
}
_IDEMPOTENCY_KEY: Final = header_parameter(
    "Idempotency-Key",
    "A POST that repeats key and body creates no second workload.",
    {"type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY},
)


def make_app(rest: RestService) -> FastAPI:
    """The ASGI application; `rest` is connected before it starts."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=rest.lifespan)
    _add_creation(app, rest)
    _add_workloads(app, rest)
    _add_deletion(app, rest)
    add_listing(app, rest)
    add_batch(app, rest)
    add_policies(app, rest)
    add_details(app, rest)
    _add_token(app, rest)
    _add_probes(app, rest)
    _add_documentation(app)
    _add_errors(app)
    return app


def _add_creation(app: FastAPI, rest: RestService) -> None:
    @app.post(
        NIM_SERVICES_PATH,
        status_code=202,
        summary="Create a NIM service",
        responses=_FOR_WRITES,
        openapi_extra=request_body(schemas.CreateRequest)
        | {"parameters": [_DRY_RUN, _IDEMPOTENCY_KEY]}
        | REQUIRES_TOKEN,
    )
    async def create(token: Token, request: Request) -> Response:
        async with rest.read_body(request, token) as body:
            dry_run = trial_parameter(request.query_params, "dryRun")
            key = idempotency_key(request)
            answer = await rest.workloads.create(token, body, key=key, dry_run=dry_run)
            return json_response(answer, 200 if dry_run else 202)


def _add_workloads(app: FastAPI, rest: RestService) -> None:
    @app.get(
        NIM_SERVICES_PATH + "/{id}",
        summary="Get a NIM service",
        responses=response_docs(200, schemas.Workload, *ERRORS),
        openapi_extra=REQUIRES_TOKEN,
    )
    async def get(id: str, token: Token) -> Response:  # noqa: A002  # the API's name for it
        return json_response(await rest.workloads.get(token, id))

    @app.patch(
        NIM_SERVICES_PATH + "/{id}",
        status_code=202,
        summary="Replace and remove sections of a NIM service's spec",
        responses=_FOR_WRITES,
        openapi_extra=request_body(schemas.UpdateRequest) | {"parameters": [_DRY_RUN]} | REQUIRES_TOKEN,
    )
    async def update(id: str, token: Token, request: Request) -> Response:  # noqa: A002
        async with rest.read_body(request, token) as body:
            dry_run = trial_parameter(request.query_params, "dryRun")
            answer = await rest.workloads.update(token, id, body, dry_run=dry_run)
            return json_response(answer, 200 if dry_run else 202)


def _add_deletion(app: FastAPI, rest: RestService) -> None:
    @app.delete(
        "/api/v2/workloads/{id}",
        status_code=202,
        summary="Delete a workload",
        responses=response_docs(202, schemas.Message, 400, *ERRORS),
        openapi_extra=REQUIRES_TOKEN,
    )
    async def delete(id: str, token: Token, request: Request) -> Response:  # noqa: A002
        refuse_trial(request.query_params)
        return json_response(await rest.workloads.delete(token, id), 202)


def _add_token(app: FastAPI, rest: RestService) -> None:
    @app.post(
        "/api/v1/token",
        summary="Verify a ServiceAccount's token and return it as access token",
        responses=response_docs(200, schemas.AccessToken, 400, 401, 413, 415, 500, 503),
        openapi_extra=request_body(schemas.TokenRequest),
    )
    async def token(request: Request) -> Response:
        body = parse_json_object(await read_content(request, MAX_ANONYMOUS_BODY_BYTES))
        if body.get("grantType") != "app_token":
            raise HttpError(400, "grantType must be app_token: no other type is supported")
        app_id = body.get("AppId")
        secret = body.get("AppSecret")
        if not isinstance(app_id, str) or not isinstance(secret, str) or not is_token(secret):
            raise unauthorized()
        return json_response({"accessToken": await rest.workloads.access_token(app_id, secret)})


def _add_probes(app: FastAPI, rest: RestService) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return PlainTextResponse("ok")

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        if missing := rest.missing_at_start:
            return PlainTextResponse(missing, 503)
        return PlainTextResponse("ok")

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        body, content_type = rest.metrics.exposition(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})


def _add_documentation(app: FastAPI) -> None:
    is_rendering = asyncio.Lock()

    # Once, because callers without a token may request it; not at the start, which it would make longer by a third.
    @functools.cache
    def render() -> tuple[bytes, bytes]:
        document = make_document(app.routes)
        return orjson.dumps(document), documentation_page(document).encode()

    async def rendered() -> tuple[bytes, bytes]:
        async with is_rendering:
            return await asyncio.to_thread(render)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        text, _ = await rendered()
        return Response(text, media_type="application/json")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        _, page = await rendered()
        return HTMLResponse(page)


def _add_errors(app: FastAPI) -> None:
    async def handle_error(_: Request, error: Exception) -> Response:
        http_error = error_of(error)
        return json_response(http_error.body, http_error.code, http_error.headers)

    for kind in (HttpError, NoAnswerError, ClientDisconnect, HTTPException, Exception):
        app.add_exception_handler(kind, handle_error)


class ConcurrencyLimit:
    """ASGI middleware: limits concurrent calls, not counting those that wait for their client.

    Calls continue after their client has disconnected, so a limit on connections doesn't bound them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, or answer 503."""
        if scope["type"] != "http" or not scope["path"].startswith(_API):
            await self._app(scope, receive, send)
            return
        if self._calls >= MAX_CONCURRENT_CALLS:
            http_error = unavailable("too many concurrent calls")
            await json_response(http_error.body, http_error.code, http_error.headers)(scope, receive, send)
            return

        async def receive_uncounted() -> Message:
            self._calls -= 1
            try:
                return await receive()
            finally:
                self._calls += 1

        self._calls += 1
        try:
            await self._app(scope, receive_uncounted, send)
        finally:
            self._calls -= 1


class RequestMetrics:
    """ASGI middleware: counts and times requests."""

    def __init__(self, app: ASGIApp, metrics: RestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, and record its status."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        code = 500

        async def record_status(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, record_status)
        finally:
            route = getattr(scope.get("route"), "path", OTHER_ROUTE)
            method = scope["method"] if route != OTHER_ROUTE and code != 405 else OTHER_ROUTE
            self._metrics.observe_request(method, route, code, time.perf_counter() - started)
