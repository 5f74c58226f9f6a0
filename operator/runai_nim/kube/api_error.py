"""Errors of the Kubernetes API, as exceptions."""

import re
from typing import Final

import orjson

LONGEST_MESSAGE: Final = 8192
"""Characters that are kept of a refusal: it may repeat a value of any size."""
_TOO_LARGE: Final = ("request is too large", "message larger than max")
"""Of etcd, for more than 1.5 MiB, and of its client, for more than 2 MiB."""
_SECONDS: Final = re.compile("[0-9]{1,9}")
_LONGEST_RETRY_SECONDS: Final = 300
"""Maximum Retry-After that is obeyed and passed on; API servers ask for minutes at most."""


class ApiError(Exception):
    """An error response of the API server, or (status 0) no response.

    `status` is the HTTP status, `reason` the API's own (`Conflict`, `NotFound`, `Invalid`, …), `retry_after` seconds.
    """

    def __init__(self, status: int, reason: str, message: str, retry_after: float = 0.0) -> None:
        super().__init__(f"{status} {reason}: {message}" if status else f"no answer from the API server: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after

    @property
    def is_permanent(self) -> bool:
        """Whether the same request would fail again, so that retries are useless until something changes."""
        return self.status in (400, 403, 405, 413, 415, 422) or self.is_too_large

    @property
    def is_too_large(self) -> bool:
        """Whether the object is too large to be stored. Of etcd's limits the API server makes a 500."""
        return self.status == 413 or (self.status == 500 and any(text in self.message for text in _TOO_LARGE))


def api_error(status: int, body: bytes, retry_after: str | None) -> ApiError:
    """The error for a response with that HTTP status; `body` is a metav1.Status, or anything that a proxy sends."""
    try:
        answer = orjson.loads(body)
        reason = str(answer.get("reason", ""))
        message = str(answer.get("message", ""))
    except (ValueError, AttributeError):
        reason = ""
        message = body[:200].decode(errors="replace")
    return ApiError(status, reason, message[:LONGEST_MESSAGE], retry_after=seconds_in(retry_after))


def seconds_in(retry_after: str | None) -> int:
    """Seconds in a Retry-After, within bounds; 0 for a date or invalid text, which a proxy may send."""
    return min(int(retry_after), _LONGEST_RETRY_SECONDS) if retry_after and _SECONDS.fullmatch(retry_after) else 0
