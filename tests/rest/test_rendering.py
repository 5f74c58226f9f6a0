"""The document of the API and its page: when they are rendered, and how often."""

import asyncio
from collections.abc import Iterable

import httpx
import pytest
from starlette.routing import BaseRoute

from runai_nim.config.settings_loader import load_settings
from runai_nim.rest import app, openapi
from runai_nim.rest.rest_service import RestService


def test_they_are_rendered_once_and_not_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = []

    def make_document(routes: list[BaseRoute]) -> dict[str, object]:
        rendered.append(len(routes))
        return openapi.make_document(routes)

    async def ask(paths: Iterable[str]) -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://test") as client:
            return await asyncio.gather(*(client.get(path) for path in paths))

    monkeypatch.setattr(app, "make_document", make_document)
    made = app.make_app(RestService(load_settings(None, {})))
    at_the_start = len(rendered)
    answers = asyncio.run(ask(["/openapi.json", "/docs", "/openapi.json"]))

    assert (at_the_start, len(rendered)) == (0, 1)
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].content == answers[2].content
