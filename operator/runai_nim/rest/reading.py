"""Requests → token and JSON body, within limits. Knows no call; what it can't take it refuses."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Depends
from starlette.requests import Request

from runai_nim.rest.refusal import RefusedError, unauthorized

LARGEST: Final = 2**20
"""Bytes of a body. The API server takes little more."""
DEEPEST: Final = 100
"""Levels of a body. The API's own types have fewer than 20."""
_DISCARDED: Final = 16 * LARGEST
"""Bytes that are read for nothing, so that who sends too much hears of it."""
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")


async def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not is_token(token.strip()):
        raise unauthorized()
    return token.strip()


def is_token(text: Any) -> bool:
    """Whether it may stand in a header."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


async def _body(request: Request) -> Mapping[str, Any]:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise RefusedError(415, "the header Content-Type must be application/json: set it")
    return parsed(await _content(request))


async def _content(request: Request) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= LARGEST:
            chunks.append(chunk)
        elif size > _DISCARDED:
            break
    if size > LARGEST:
        raise RefusedError(413, f"the body must have at most {LARGEST} bytes: shorten it")
    return b"".join(chunks)


def parsed(content: bytes) -> Mapping[str, Any]:
    """The JSON object that a body is. Raises RefusedError for any other text, and what an API server wouldn't take."""
    try:
        found = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_no_number)
        if b"\\u" in content:
            json.dumps(found, ensure_ascii=False).encode()  # halves of characters can't be sent on
    except (ValueError, RecursionError) as error:
        text = error.msg if isinstance(error, json.JSONDecodeError) else _reason(error)
        raise RefusedError(400, f"the body must be JSON: {text}") from None
    if not isinstance(found, dict):
        raise RefusedError(400, "the body must be a JSON object: send {…}")
    if _is_deeper(found, DEEPEST):
        raise RefusedError(400, f"the body must not be nested deeper than {DEEPEST} levels: send what the API has")
    return found


class _BodyError(ValueError):
    """Says what is wrong without repeating the body."""


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, _BodyError) else "it can't be read"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _BodyError(f'"{twice[:100]}" is there twice, remove one')
    return found


def _no_number(text: str) -> Any:
    raise _BodyError(f"{text} is no number")


def _is_deeper(value: Any, levels: int) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(levels == 0 or _is_deeper(part, levels - 1) for part in parts)


Token = Annotated[str, Depends(_token)]
Body = Annotated[Mapping[str, Any], Depends(_body)]
