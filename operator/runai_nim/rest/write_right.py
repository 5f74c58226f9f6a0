"""Tells who may not write just that, and not what is wrong with what would be written: it may tell a policy's rules."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runai_nim.config.permissions import Access
from runai_nim.rest.api_server import ApiServer
from runai_nim.rest.errors import HttpError


@asynccontextmanager
async def right_before_mistakes(api_server: ApiServer, token: str, access: Access, subject: str) -> AsyncIterator[None]:
    """Context that finds mistakes. HttpError (403) replaces them if the caller lacks the access to do `subject`.

    The API server is asked only if there are mistakes: else the write itself shows whether the caller may.
    """
    try:
        yield
    except HttpError as error:
        if error.issues and not await api_server.may(token, access):
            raise HttpError(403, f"you may not {subject}") from None
        raise
