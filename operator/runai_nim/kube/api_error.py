"""Errors of the Kubernetes API, as exceptions."""

from typing import Final

import orjson

LONGEST_MESSAGE: Final = 8192
"""Characters that are kept of a refusal: it may repeat a value of any size."""
LONGEST_RETRY_SECONDS: Final = 300.0
"""The most that a Retry-After is obeyed."""


class ApiError(Exception):
    """The API server's refusal, or (status 0) no answer from it.

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
        """Would the same request be refused again? Then waiting does not help, only another request or another rule."""
        return self.status in (400, 403, 405, 413, 415, 422)


def api_error(status: int, body: bytes, retry_after: str | None) -> ApiError:
    """The error that an answer of that HTTP status means; `body` is a metav1.Status, or anything a proxy may send."""
    try:
        answer = orjson.loads(body)
        reason = str(answer.get("reason", ""))
        message = str(answer.get("message", ""))
    except (ValueError, AttributeError):
        reason = ""
        message = body[:200].decode(errors="replace")
    # A proxy may write anything there; no API server asks for more than minutes.
    asked = retry_after if retry_after and retry_after.isascii() and retry_after.isdigit() else "0"
    seconds = min(float(asked), LONGEST_RETRY_SECONDS)
    return ApiError(status, reason, message[:LONGEST_MESSAGE], retry_after=seconds)
