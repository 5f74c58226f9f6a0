"""Which errors of the API server a repetition can't help."""

import pytest

from runai_nim.kube.api_error import ApiError


@pytest.mark.parametrize(
    ("status", "message", "is_permanent"),
    [
        (500, "etcdserver: request is too large", True),
        (
            500,
            "rpc error: code = ResourceExhausted desc = trying to send message larger than max (2884025 vs. 2097152)",
            True,
        ),
        (413, "Request entity too large: limit is 3145728", True),
        (500, "etcdserver: leader changed", False),
        (422, "invalid", True),
        (429, "the request is too large for now", False),
    ],
)
def test_what_is_too_large_stays_too_large(status: int, message: str, is_permanent: bool) -> None:
    error = ApiError(status, "", message)
    assert error.is_permanent == is_permanent
    assert error.is_too_large == (is_permanent and status != 422)
