"""HTTP as the API server speaks it: what a request asks for, refusals in its words, and connections that end badly."""

import json
import socket
import struct

from aiohttp import web

from tests.faults.plan import Seen

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_REASONS = {
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
RETRY_AFTER = 1
"""Seconds that a 429 asks for."""


def seen_in(request: web.BaseRequest) -> Seen:
    """The request as the audit log would name it; a path that is no resource's has empty names."""
    parts = request.path.strip("/").split("/")
    rest = parts[3:] if parts[0] == "apis" else parts[2:] if parts[0] == "api" else []
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace = rest[1]
        rest = rest[2:]
    resource, name, subresource = (*rest, "", "", "")[:3]
    verb = _VERBS.get(request.method) or _reading(request, named=bool(name) or not resource)
    if resource == "namespaces":  # the audit log gives a namespace as its own
        namespace = name
    return Seen(verb, f"{resource}/{subresource}" if subresource else resource, namespace, name)


def _reading(request: web.BaseRequest, *, named: bool) -> str:
    if named:
        return "get"
    return "watch" if request.query.get("watch") == "true" else "list"


def status_of(code: int) -> dict[str, object]:
    """A metav1.Status."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"injected by the fault proxy: {_REASONS[code]}",
        "reason": _REASONS[code],
        "code": code,
    }


def refusal(code: int) -> web.Response:
    """An answer with that HTTP status and a metav1.Status."""
    headers = {"Retry-After": str(RETRY_AFTER)} if code == 429 else None
    return web.json_response(status_of(code), status=code, headers=headers)


def line(type_: str, obj: object) -> bytes:
    """An event of a watch."""
    return json.dumps({"type": type_, "object": obj}).encode() + b"\n"


def cut(request: web.BaseRequest, *, hard: bool) -> web.Response:
    """End the connection, hard with RST, else in order with FIN; what is returned never arrives."""
    transport = request.transport
    below = transport and transport.get_extra_info("socket")
    if transport and below:
        if hard:
            below.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # to close is to reset
            transport.abort()
        else:
            transport.close()
            below.shutdown(socket.SHUT_WR)  # now; TLS would wait for the other side's farewell
    return web.Response()
