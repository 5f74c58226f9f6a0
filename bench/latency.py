"""Latency of the operator, from the API server's audit log, whose times have a resolution of microseconds."""

from collections.abc import Iterable

from local.audit import Request
from local.cluster import OPERATOR_USER


def until_written(requests: Iterable[Request]) -> list[float]:
    """Milliseconds from the answer to each RunaiNimService's creation to the answer to its NIMService's.

    Raises RuntimeError where one of them is missing.
    """
    created: dict[str, Request] = {}
    became: dict[str, Request] = {}
    for request in requests:
        if request.code == 201 and request.resource == "runainimservices":
            created[request.name] = request
        elif request.code == 201 and request.resource == "nimservices":
            became[request.name] = request
    return _between(created, became)


def until_told(requests: Iterable[Request]) -> list[float]:
    """Milliseconds from the answer to each NIMService's status to the answer to its RunaiNimService's; the last counts.

    Raises RuntimeError where one of them is missing.
    """
    said: dict[str, Request] = {}
    told: dict[str, Request] = {}
    for request in requests:
        if request.subresource == "status" and request.resource == "nimservices":
            said[request.name] = request
        elif request.subresource == "status" and request.user == OPERATOR_USER:
            told[request.name] = request
    return _between(said, told)


def _between(before: dict[str, Request], after: dict[str, Request]) -> list[float]:
    if before.keys() != after.keys():
        raise RuntimeError(f"{len(before)} were asked for, {len(after)} were answered")
    return [(after[name].answered - request.answered).total_seconds() * 1000 for name, request in before.items()]
