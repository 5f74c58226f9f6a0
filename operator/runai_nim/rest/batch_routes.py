"""Route of the batch call. `batch_service` implements it."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from runai_nim.rest.batch_service import read_batch
from runai_nim.rest.openapi import ERRORS, REQUIRES_TOKEN, request_body, response_docs
from runai_nim.rest.request_parsing import Token, refuse_trial
from runai_nim.rest.rest_service import RestService, json_response
from runai_nim.rest.schemas_batch import BatchRequest, BatchResult


def add_batch(app: FastAPI, rest: RestService) -> None:
    """Add the route."""

    @app.post(
        "/api/v1/workloads/batch",
        summary="Delete, stop or start workloads",
        responses=response_docs(200, BatchResult, 400, 413, 415, *ERRORS),
        openapi_extra=request_body(BatchRequest) | REQUIRES_TOKEN,
    )
    async def batch(token: Token, request: Request) -> Response:
        async with rest.read_body(request, token) as body:
            refuse_trial(request.query_params)
            wanted = read_batch(body)
        # Afterwards: a batch takes up to half a minute, and large bodies are processed one at a time.
        return json_response(await rest.batches.run(token, wanted))
