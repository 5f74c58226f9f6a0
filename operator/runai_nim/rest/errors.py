"""What a call is refused with: HTTP status, `{code, message, details?}`, and what a 400 adds. Nothing is sent here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from runai_nim.rest.model.compliance import Issue, issues_of

_RBAC: Final = re.compile(r'is forbidden: User ".*" cannot \w+ resource', re.DOTALL)
"""How the API server says that nothing allows it, in a sentence that names the namespace."""
_BUSY_REASONS: Final = 429
MAX_ISSUES: Final = 100
"""Mistakes that are named one by one."""


class HttpError(Exception):
    """A call that gets no workload. `retry_after` is in whole seconds, for a 503."""

    def __init__(
        self,
        code: int,
        message: str,
        details: str | None = None,
        issues: Iterable[Issue] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details
        self.issues, self.headers = tuple(issues), dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        """The answer; complianceIssues only where there are any."""
        content = {"code": self.code, "message": self.message, "details": self.details}
        return {name: value for name, value in content.items() if value is not None} | (
            {"complianceIssues": list(self.issues)} if self.issues else {}
        )


def unauthorized() -> HttpError:
    """No token that the API server knows."""
    message = "the bearer token must be a valid token of this cluster: get a new one"
    return HttpError(401, message, headers={"WWW-Authenticate": "Bearer"})


def not_found() -> HttpError:
    """The same for a workload that is not there and for one that the caller may not see."""
    return HttpError(404, "there is no such workload, or you may not see it: check the id")


def unavailable(details: str | None = None, retry_after: int = 1) -> HttpError:
    """Later it will do."""
    message = "the cluster can't answer at the moment: try again"
    return HttpError(503, message, details, headers={"Retry-After": str(max(1, retry_after))})


def invalid(issues: Sequence[Issue]) -> HttpError:
    """Something in the body must be otherwise."""
    if len(issues) > MAX_ISSUES:
        message = f"more than {MAX_ISSUES} fields are wrong: see complianceIssues"
        more = {"field": "", "details": "and more: correct these first"}
        return HttpError(400, message, issues=[*issues[:MAX_ISSUES], more])
    message = issues[0]["details"] if len(issues) == 1 else f"{len(issues)} fields are wrong: see complianceIssues"
    return HttpError(400, message, issues=issues)


def from_api_status(status: int, answer: Mapping[str, Any], retry_after: int, subject: str) -> HttpError:
    """What an answer of the API server means for the caller; `subject` is what the caller wanted to do.

    RBAC's own words name the namespace, which the caller need not know of; those of admission (a quota, a policy) are
    for a caller who may write there.
    """
    message = str(answer.get("message", ""))
    if status == 401:
        return unauthorized()
    if status == 403:
        return HttpError(403, f"you may not {subject}", None if _RBAC.search(message) else message)
    if status == _BUSY_REASONS:
        return unavailable(retry_after=retry_after)
    if status == 422 and (issues := issues_of(answer)):
        return invalid(issues)
    return HttpError(status if status in (400, 409, 413) else 500, f"the API server refused to {subject}", message)
