"""Routes of the calls for pods, events and history of one workload. `workload_details` implements them."""

from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from runai_nim.rest import schemas_details
from runai_nim.rest.model.query_parameters import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, SORT_ORDERS
from runai_nim.rest.openapi import ERRORS, REQUIRES_TOKEN, query_parameter, response_docs
from runai_nim.rest.request_parsing import Token
from runai_nim.rest.rest_service import RestService, json_response
from runai_nim.rest.workload_details import EVENT_PARAMETERS, HISTORY_PARAMETERS, POD_PARAMETERS

WORKLOAD_PATH: Final = "/api/v1/workloads/{id}"
# Declared here and read from the query, as in policy_routes.
_PARAMETERS: Final = {
    "deleted": query_parameter("deleted", "true: only pods that are being deleted.", {"type": "boolean"}),
    "limit": query_parameter(
        "limit",
        f"At most so many items; {DEFAULT_LIMIT} without it.",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
    ),
    "offset": query_parameter(
        "offset", "The first item, counted from 0.", {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET}
    ),
    "search": query_parameter("search", "Text in the name, node or phase of a pod.", {"type": "string"}),
    "sortOrder": query_parameter(
        "sortOrder", "desc, the newest first, without it.", {"type": "string", "enum": [*SORT_ORDERS]}
    ),
}


def _extra(parameters: tuple[str, ...]) -> dict[str, Any]:
    return {"parameters": [_PARAMETERS[name] for name in parameters]} | REQUIRES_TOKEN


def add_details(app: FastAPI, rest: RestService) -> None:
    """Add the routes."""

    @app.get(
        WORKLOAD_PATH + "/pods",
        summary="List the pods of a workload",
        responses=response_docs(200, schemas_details.Pods, 400, *ERRORS),
        openapi_extra=_extra(POD_PARAMETERS),
    )
    async def pods(id: str, token: Token, request: Request) -> Response:  # noqa: A002
        return json_response(await rest.details.pods(token, id, request.query_params.multi_items()))

    @app.get(
        WORKLOAD_PATH + "/events",
        summary="List the events of a workload and of what belongs to it",
        responses=response_docs(200, schemas_details.Events, 400, *ERRORS),
        openapi_extra=_extra(EVENT_PARAMETERS),
    )
    async def events(id: str, token: Token, request: Request) -> Response:  # noqa: A002
        return json_response(await rest.details.events(token, id, request.query_params.multi_items()))

    @app.get(
        WORKLOAD_PATH + "/history",
        summary="List the events of a workload and the known changes of its phase",
        responses=response_docs(200, schemas_details.History, 400, *ERRORS),
        openapi_extra=_extra(HISTORY_PARAMETERS),
    )
    async def history(id: str, token: Token, request: Request) -> Response:  # noqa: A002
        return json_response(await rest.details.history(token, id, request.query_params.multi_items()))
