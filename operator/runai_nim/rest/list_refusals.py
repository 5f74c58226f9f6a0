"""Remembers where the API server has refused a LIST, so that the next page of a listing doesn't ask there again.

Only refusals are remembered: what a caller may list is read with the caller's token each time.
"""

from typing import Final

from cachetools import TTLCache

REFUSAL_SECONDS: Final = 10.0
"""A right that is granted later shows after this time at the latest."""
_MAX_REFUSALS: Final = 16_384
"""Of all callers together, some 5 MB. Of more the oldest are forgotten."""


class ListRefusals:
    """Namespaces, and "" for all together, by digest of the token."""

    def __init__(self) -> None:
        self._known: TTLCache[tuple[bytes, str], bool] = TTLCache(_MAX_REFUSALS, REFUSAL_SECONDS)

    def remember(self, token_digest: bytes, namespace: str) -> None:
        """The API server has just refused a LIST there."""
        self._known[token_digest, namespace] = True

    def is_known(self, token_digest: bytes, namespace: str) -> bool:
        """Whether it has refused one within the last REFUSAL_SECONDS."""
        return (token_digest, namespace) in self._known
