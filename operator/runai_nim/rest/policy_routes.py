"""Routes of the policy calls. `policy_service` implements them."""

from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from runai_nim.rest import schemas
from runai_nim.rest.model.policy_target import SCOPES
from runai_nim.rest.openapi import BODY_ERRORS, ERRORS, REQUIRES_TOKEN, query_parameter, request_body, response_docs
from runai_nim.rest.request_parsing import Token, refuse_trial, trial_parameter
from runai_nim.rest.rest_service import RestService, json_response

POLICY_PATH: Final = "/api/v2/policy/nim-services"
_TEXT: Final = {"type": "string"}
# Declared here and read from the query: FastAPI's own answer to a wrong parameter is none of this API.
_PLACE: Final = {
    "parameters": [
        query_parameter(
            "scope", "system and tenant are cluster.", {"type": "string", "enum": [*SCOPES]}, required=True
        ),
        query_parameter("projectId", "The project, with scope project.", _TEXT),
        query_parameter("departmentId", "The department, with scope department.", _TEXT),
        query_parameter("clusterId", "If given, the id of this cluster.", _TEXT),
    ]
}
_VALIDATE_ONLY: Final = {
    "parameters": [query_parameter("validateOnly", "true: check the policy, and write nothing.", {"type": "boolean"})]
}


def add_policies(app: FastAPI, rest: RestService) -> None:
    """Add the routes."""
    _add_reading(app, rest)
    _add_writing(app, rest)


def _add_reading(app: FastAPI, rest: RestService) -> None:
    @app.get(
        POLICY_PATH,
        summary="Get the policy of a scope, and the effective one",
        responses=response_docs(200, schemas.PolicyAnswer, 400, *ERRORS),
        openapi_extra=_PLACE | REQUIRES_TOKEN,
    )
    async def get_policy(token: Token, request: Request) -> Response:
        return json_response(await rest.policies.get(token, request.query_params))

    @app.delete(
        POLICY_PATH,
        status_code=204,
        summary="Delete the policy of a scope",
        responses={code: {"model": schemas.Message} for code in (400, 409, *ERRORS)},
        openapi_extra=_PLACE | REQUIRES_TOKEN,
    )
    async def delete_policy(token: Token, request: Request) -> Response:
        refuse_trial(request.query_params)
        await rest.policies.delete(token, request.query_params)
        return Response(status_code=204)


def _add_writing(app: FastAPI, rest: RestService) -> None:
    for_writes = {
        **response_docs(202, schemas.PolicyAnswer, *BODY_ERRORS, *ERRORS),
        200: {"model": schemas.PolicyAnswer},
    }

    @app.put(
        POLICY_PATH,
        status_code=202,
        summary="Create or replace the policy of a scope",
        responses=for_writes,
        openapi_extra=request_body(schemas.PolicyRequest) | _VALIDATE_ONLY | REQUIRES_TOKEN,
    )
    async def put_policy(token: Token, request: Request) -> Response:
        async with rest.read_body(request, token) as body:
            validate_only = trial_parameter(request.query_params, "validateOnly")
            answer = await rest.policies.put(token, body, validate_only=validate_only)
            return json_response(answer, 200 if validate_only else 202)

    @app.patch(
        POLICY_PATH,
        status_code=202,
        summary="Change defaults and rules of the policy of a scope",
        responses=for_writes,
        openapi_extra=request_body(schemas.PolicyChangeRequest) | _VALIDATE_ONLY | REQUIRES_TOKEN,
    )
    async def patch_policy(token: Token, request: Request) -> Response:
        async with rest.read_body(request, token) as body:
            validate_only = trial_parameter(request.query_params, "validateOnly")
            answer = await rest.policies.patch(token, body, validate_only=validate_only)
            return json_response(answer, 200 if validate_only else 202)
