"""The REST API's OpenAPI document, as the process serves it."""

import json

from runai_nim.config.settings import settings_from
from runai_nim.rest.app import Rest, make_app
from runai_nim.rest.openapi import make_document


def openapi_text() -> str:
    """Return the document as JSON."""
    return json.dumps(make_document(make_app(Rest(settings_from(None, {}))).routes), indent=2) + "\n"
