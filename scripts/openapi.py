"""The REST API's OpenAPI document, as the process serves it."""

import json

from runai_nim.config.settings_loader import load_settings
from runai_nim.rest.app import make_app
from runai_nim.rest.openapi import make_document
from runai_nim.rest.rest_service import RestService


def openapi_text() -> str:
    """Return the document as JSON."""
    return json.dumps(make_document(make_app(RestService(load_settings(None, {}))).routes), indent=2) + "\n"
