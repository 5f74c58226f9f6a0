"""Error responses: HTTP status, `{code, message, details?}`, and complianceIssues of a 400."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from structlog.typing import FilteringBoundLogger

from runai_nim.rest.api_server import NoAnswerError
from runai_nim.rest.model.compliance import Issue, issues_of

logger: FilteringBoundLogger = structlog.get_logger(__name__)

_RBAC: Final = re.compile(r'is forbidden: User ".*" cannot \w+ resource', re.DOTALL)
"""RBAC's message for a forbidden request; it contains the namespace."""
_TOO_MANY_REQUESTS: Final = 429
MAX_ISSUES: Final = 100
"""Maximum number of reported mistakes."""


class HttpError(Exception):
    """Error response. `retry_after` is in whole seconds, for a 503."""

    def __init__(
        self,
        code: int,
        message: str,
        details: str | None = None,
        *,
        issues: Iterable[Issue] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.issues = tuple(issues)
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body; complianceIssues only if there are any."""
        content = {"code": self.code, "message": self.message, "details": self.details}
        return {name: value for name, value in content.items() if value is not None} | (
            {"complianceIssues": list(self.issues)} if self.issues else {}
        )


def unauthorized() -> HttpError:
    """401: the API server doesn't accept the token."""
    message = "the bearer token must be a valid token of this cluster: get a new one"
    return HttpError(401, message, headers={"WWW-Authenticate": "Bearer"})


def not_found() -> HttpError:
    """404, both for a missing workload and for one that the caller may not see."""
    return HttpError(404, "the workload doesn't exist, or you may not read it: check the id")


def unavailable(details: str | None = None, retry_after: int = 1) -> HttpError:
    """503: retry later."""
    message = "the cluster is temporarily unavailable: try again"
    return HttpError(503, message, details, headers={"Retry-After": str(max(1, retry_after))})


def invalid(issues: Sequence[Issue]) -> HttpError:
    """400: the body is invalid."""
    if len(issues) > MAX_ISSUES:
        message = f"more than {MAX_ISSUES} fields are wrong: see complianceIssues"
        more = {"field": "", "details": "more fields are wrong: correct these first"}
        return HttpError(400, message, issues=[*issues[:MAX_ISSUES], more])
    message = issues[0]["details"] if len(issues) == 1 else f"{len(issues)} fields are wrong: see complianceIssues"
    return HttpError(400, message, issues=issues)


def from_api_status(status: int, answer: Mapping[str, Any], retry_after: int, subject: str) -> HttpError:
    """Convert an error of the API server; `subject` is what the caller wanted to do.

    RBAC's message contains the namespace, which the caller may not know, so it is replaced. Messages of admission (a
    quota, a policy) are passed on, because the caller may write in the namespace.
    """
    message = str(answer.get("message", ""))
    if status == 401:
        return unauthorized()
    if status == 403:
        return HttpError(403, f"you may not {subject}", None if _RBAC.search(message) else message)
    if status == _TOO_MANY_REQUESTS:
        return unavailable(retry_after=retry_after)
    if status == 422 and (issues := issues_of(answer)):
        return invalid(issues)
    return HttpError(status if status in (400, 409, 413) else 500, f"the API server refused to {subject}", message)


def error_of(error: BaseException) -> HttpError:
    """The error response for an exception of a call, which is logged if the fault isn't the client's."""
    http_error = _response_of(error)
    if http_error.code == 500:
        logger.error("request failed", reason=type(error).__name__)
    return http_error


def _response_of(error: BaseException) -> HttpError:
    if isinstance(error, HttpError):
        return error
    if isinstance(error, NoAnswerError):
        return unavailable()
    if isinstance(error, ClientDisconnect):
        return HttpError(408, "the body is incomplete: the client disconnected")
    if isinstance(error, HTTPException) and error.status_code == 405:
        return HttpError(405, "the path doesn't support this method: see the header Allow", headers=error.headers)
    if isinstance(error, HTTPException):
        return HttpError(error.status_code, "unknown path: see /docs", headers=error.headers)
    return HttpError(500, "internal error: see the log of the REST API")
