"""Serializes the processing of large bodies, so that they don't delay calls with small ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from runai_nim.rest.call_queue import CallPlaces

SMALL_BODY_BYTES: Final = 2**14
"""Maximum size of a body that is processed immediately. Usual bodies have some hundred to a few thousand bytes."""
_INTERVAL_SECONDS: Final = 0.5
"""Minimum interval between large bodies: the largest one takes 30 ms."""
_MAX_WAITING: Final = 8
_MAX_PER_CALLER: Final = 2
"""Calls that may be processed or wait: in total, and for one caller."""
_BUSY: Final = f"bodies of more than {SMALL_BODY_BYTES} bytes are processed one at a time, and too many are waiting"


class BodyQueue:
    """Processes one large body at a time, and at most two per second."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._next = 0.0
        self._places = CallPlaces(_MAX_WAITING, _MAX_PER_CALLER, _BUSY)

    @asynccontextmanager
    async def turn(self, caller: str, size: int) -> AsyncIterator[None]:
        """Context for processing a body of `size` bytes. Raises HttpError (503) if too many calls wait."""
        if size <= SMALL_BODY_BYTES:
            yield
            return
        with self._places.taken_by(caller):
            async with self._lock:
                loop = asyncio.get_running_loop()
                await asyncio.sleep(self._next - loop.time())
                self._next = loop.time() + _INTERVAL_SECONDS
                yield
