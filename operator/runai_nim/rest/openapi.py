"""The OpenAPI document of the REST API."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from runai_nim import __version__
from runai_nim.rest.schemas import (
    CreateRequest,
    Message,
    PolicyChangeRequest,
    PolicyRequest,
    TokenRequest,
    UpdateRequest,
)
from runai_nim.rest.schemas_batch import BatchRequest

TITLE: Final = "NVIDIA NIM services of this cluster"
_DESCRIPTION: Final = (
    'Run:ai\'s "NVIDIA NIM" REST API, backed by RunaiNimServices. The bearer token is a Kubernetes token; every call'
    " has exactly the permissions of its token."
)
_REFERENCE: Final = "#/components/schemas/{model}"
_REQUESTS: Final = (CreateRequest, UpdateRequest, BatchRequest, PolicyRequest, PolicyChangeRequest, TokenRequest)
_UNSENT_RESPONSES: Final = "422"
"""FastAPI's response to an invalid parameter, which these routes never send."""
ERRORS: Final = (401, 403, 404, 500, 503)
"""Status codes of errors of calls with a token."""
BODY_ERRORS: Final = (400, 409, 413, 415)
"""Status codes of errors of calls with a body, beside these."""
REQUIRES_TOKEN: Final[dict[str, Any]] = {"security": [{"token": []}]}


def request_body(model: type) -> dict[str, Any]:
    """Declare a model as the body of a route."""
    schema = {"$ref": _REFERENCE.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def query_parameter(
    name: str, description: str, schema: Mapping[str, Any], *, required: bool = False
) -> dict[str, Any]:
    """Declare a parameter in the query, for the `parameters` of a route."""
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


def header_parameter(name: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Declare an optional header, for the `parameters` of a route."""
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def response_docs(code: int, model: type, *errors: int) -> dict[int | str, dict[str, Any]]:
    """The responses of a route: a model of the answer, and the status codes of errors."""
    return {code: {"model": model}, **{error: {"model": Message} for error in errors}}


def make_document(routes: list[BaseRoute]) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    document = get_openapi(title=TITLE, version=__version__, description=_DESCRIPTION, routes=routes)
    models = [(model, "validation") for model in _REQUESTS]
    _, definitions = models_json_schema(models, ref_template=_REFERENCE)  # type: ignore[arg-type] # a list is invariant
    schemas = document["components"]["schemas"]
    schemas.update(definitions["$defs"])
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for operation in _operations(document):
        operation["responses"].pop(_UNSENT_RESPONSES, None)
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return document


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()
