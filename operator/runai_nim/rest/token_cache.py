"""Caches the user of a token for as long as the API server caches it.

Used for the name noted with a write, and for answers that need no other request. It never authorizes a read or a write
of a workload.
"""

import asyncio
import hashlib
from typing import Final

from cachetools import LRUCache, TTLCache

from runai_nim.rest.api_server import ApiServer
from runai_nim.rest.errors import from_api_status, unavailable

TOKEN_CACHE_SECONDS: Final = 10.0
_MAX_TOKENS: Final = 4096
_MAX_CONCURRENT_REVIEWS: Final = 4
_WAITING: Final = 128
"""Limits for tokens that were never valid, which anyone can send: concurrent requests, and waiting calls."""


class TokenCache:
    """User names by token; it stores only a digest of the token."""

    def __init__(self, api_server: ApiServer) -> None:
        self._api_server = api_server
        self._users: TTLCache[bytes, str] = TTLCache(_MAX_TOKENS, TOKEN_CACHE_SECONDS)
        self._were_valid: LRUCache[bytes, bool] = LRUCache(_MAX_TOKENS)
        self._strangers = asyncio.Semaphore(_MAX_CONCURRENT_REVIEWS)
        self._waiting = 0

    async def user_of(self, token: str) -> str:
        """The user name. Raises RefusedError (401) for an invalid token, and NoAnswerError.

        A token that was valid before never waits for unknown ones.
        """
        digest = digest_of(token)
        if name := self._users.get(digest):
            return name
        if digest in self._were_valid:
            return await self._review(token, digest)
        if self._waiting >= _WAITING:
            raise unavailable("too many callers that are not known yet")
        self._waiting += 1
        try:
            async with self._strangers:
                return await self._review(token, digest)
        finally:
            self._waiting -= 1

    async def _review(self, token: str, digest: bytes) -> str:
        answer = await self._api_server.review_token(token)
        if answer.status != 201:
            raise from_api_status(answer.status, answer.body, answer.retry_after, "ask who you are")
        self._users[digest] = name = str(answer.body["status"]["userInfo"]["username"])
        self._were_valid[digest] = True
        return name


def digest_of(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()
