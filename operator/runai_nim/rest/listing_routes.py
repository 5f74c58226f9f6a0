"""Routes of the calls that list, count and get workloads. `workload_listing` implements them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from runai_nim.rest import schemas_listing as schemas
from runai_nim.rest.errors import invalid
from runai_nim.rest.model.listing_fields import FIELDS
from runai_nim.rest.model.listing_query import (
    DEFAULT_SORT,
    MAX_FILTERS,
    ListingQuery,
    read_query,
)
from runai_nim.rest.model.query_parameters import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, SORT_ORDERS
from runai_nim.rest.openapi import ERRORS, REQUIRES_TOKEN, query_parameter, response_docs
from runai_nim.rest.request_parsing import Token
from runai_nim.rest.rest_service import RestService, json_response

WORKLOADS_PATH: Final = "/api/v1/workloads"
_LISTING_ERRORS: Final = (400, 401, 500, 503)
_FILTERS: Final = {"type": "array", "items": {"type": "string"}, "maxItems": MAX_FILTERS}
_WHICH: Final = (
    query_parameter("deleted", "true: only workloads whose deletion has begun.", {"type": "boolean"}),
    query_parameter(
        "filterBy",
        "Filters that must all hold: a field, an operator and a value, such as phase==Running. Text fields:"
        " ==, !=, =@ (contains), !@ (doesn't contain), =^ (starts with) and =$ (ends with); phase: == and !=; numbers"
        " and times: ==, !=, <= and >=.",
        _FILTERS,
    )
    | {"style": "form", "explode": False},
    query_parameter("search", "Text that a field contains, in any case.", {"type": "string"}),
)
_PART: Final = (
    query_parameter(
        "offset",
        "Number of workloads to skip: next of the page before.",
        {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0},
    ),
    query_parameter(
        "limit",
        "Number of workloads on the page.",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    ),
    query_parameter("sortBy", "Field to sort by.", {"type": "string", "enum": [*FIELDS], "default": DEFAULT_SORT}),
    query_parameter("sortOrder", "Direction.", {"type": "string", "enum": [*SORT_ORDERS], "default": "asc"}),
)


def add_listing(app: FastAPI, rest: RestService) -> None:
    """Add the routes. The one with an id comes last: it would match `count`."""
    _add_collection(app, rest)

    @app.get(
        WORKLOADS_PATH + "/{id}",
        summary="Get a workload",
        responses=response_docs(200, schemas.ListedWorkload, *ERRORS),
        openapi_extra=REQUIRES_TOKEN,
    )
    async def get_workload(id: str, token: Token) -> Response:  # noqa: A002  # the API's name for it
        return _json(await rest.listing.get(token, id))


def _add_collection(app: FastAPI, rest: RestService) -> None:
    @app.get(
        WORKLOADS_PATH,
        summary="List workloads",
        responses=response_docs(200, schemas.WorkloadPage, *_LISTING_ERRORS),
        openapi_extra={"parameters": [*_WHICH, *_PART]} | REQUIRES_TOKEN,
    )
    async def list_workloads(token: Token, request: Request) -> Response:
        page = await rest.listing.page(token, _query(request, (*_WHICH, *_PART)))
        following = b"" if page.next_offset is None else b'"next":%d,' % page.next_offset
        return _json(b'{%b"workloads":[%b]}' % (following, b",".join(page.rows)))

    @app.get(
        WORKLOADS_PATH + "/count",
        summary="Count workloads",
        responses=response_docs(200, schemas.WorkloadCount, *_LISTING_ERRORS),
        openapi_extra={"parameters": [*_WHICH]} | REQUIRES_TOKEN,
    )
    async def count_workloads(token: Token, request: Request) -> Response:
        return json_response({"count": await rest.listing.count(token, _query(request, _WHICH))})


def _query(request: Request, parameters: Iterable[Mapping[str, Any]]) -> ListingQuery:
    known = {parameter["name"] for parameter in parameters}
    query, issues = read_query(request.query_params.multi_items(), known)
    if issues:
        raise invalid(issues)
    return query


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")
