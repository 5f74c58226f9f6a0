"""Reads token and JSON body from a request, within limits."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any, Final

from fastapi import Depends
from starlette.datastructures import QueryParams
from starlette.requests import Request

from runai_nim.domain.validate import truncate
from runai_nim.rest.errors import HttpError, invalid, unauthorized
from runai_nim.rest.model.query_parameters import QueryParameters

MAX_BODY_BYTES: Final = 2**20
"""Maximum size of a body, close to the API server's limit."""
MAX_ANONYMOUS_BODY_BYTES: Final = 2**14
"""Maximum size of a body before authentication: of the token call, whose body contains one token."""
MAX_BODY_DEPTH: Final = 100
"""Maximum nesting of a body. The API's types have fewer than 20 levels."""
MAX_BODY_VALUES: Final = 10_000
"""Maximum number of values in a body. A spec with all lists at their maximum has fewer than 8,000."""
MAX_IDEMPOTENCY_KEY: Final = 255
"""Maximum length of the header Idempotency-Key."""
_TRIALS: Final = ("dryRun", "validateOnly")
"""Parameters that ask a call to write nothing. No writing call ignores one: it would write what was to be tried."""
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
# Possessive, and matches everywhere, so that each byte is scanned once.
_NEXT_VALUE: Final = re.compile(rb'(?:[^",\[{]++|"(?:[^"\\]++|\\.)*+"?)*+[,\[{]?', re.DOTALL)


async def _bearer_token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not is_token(token.strip()):
        raise unauthorized()
    return token.strip()


def is_token(text: Any) -> bool:
    """Whether the text is allowed in a header."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


def idempotency_key(request: Request) -> str | None:
    """The header Idempotency-Key; None without one. Raises HttpError (400), which doesn't repeat the key."""
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or len(keys[0]) > MAX_IDEMPOTENCY_KEY or not is_token(keys[0]):
        message = f"the header Idempotency-Key must have 1 to {MAX_IDEMPOTENCY_KEY} visible ASCII characters"
        raise HttpError(400, f"{message}, and be sent once: send a UUID, a new one for each new workload")
    return keys[0]


def boolean_parameter(query: QueryParams, name: str) -> bool:
    """A parameter of the query that is true or false; false without one. Raises HttpError (400)."""
    given = QueryParameters(query.multi_items())
    found = given.flag(name)
    if given.issues:
        raise invalid(given.issues)
    return found


def trial_parameter(query: QueryParams, name: str) -> bool:
    """The parameter by which a call is asked to write nothing. Raises HttpError (400), also for that of other calls."""
    for other in _TRIALS:
        if other != name and boolean_parameter(query, other):
            details = f"{other} must be left out, because this call has {name}: send {name} instead"
            raise invalid([{"field": other, "details": details}])
    return boolean_parameter(query, name)


def refuse_trial(query: QueryParams) -> None:
    """Raise HttpError (400) if a call that can only write is asked to write nothing."""
    for name in _TRIALS:
        if boolean_parameter(query, name):
            details = f"{name} must be left out, because this call can't be tried: remove it if the call shall write"
            raise invalid([{"field": name, "details": details}])


async def read_content(request: Request, largest: int) -> bytes:
    """The body's bytes. Raises HttpError if it is not JSON or has more than `largest` bytes."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise HttpError(415, "the header Content-Type must be application/json: set it")
    content_length = request.headers.get("content-length", "")
    size = int(content_length) if content_length.isdecimal() else 0
    chunks = []
    if size <= largest:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            chunks.append(chunk)
            if size > largest:
                break
    if size > largest:
        raise HttpError(413, f"the body must have at most {largest} bytes: shorten it")
    return b"".join(chunks)


def parse_json_object(content: bytes) -> Mapping[str, Any]:
    """The JSON object in a body. Raises HttpError for other text, and for values that an API server rejects."""
    if _has_too_many_values(content):
        raise HttpError(400, f"the body must contain at most {MAX_BODY_VALUES} values: send only fields of the API")
    try:
        body = json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=_object_without_duplicates, parse_constant=_reject_constant
        )
        if b"\\u" in content:
            json.dumps(body, ensure_ascii=False).encode()  # fails for unpaired surrogates, which can't be forwarded
    except (ValueError, RecursionError) as error:
        text = error.msg if isinstance(error, json.JSONDecodeError) else _reason(error)
        raise HttpError(400, f"the body must be JSON: {text}") from None
    if not isinstance(body, dict):
        raise HttpError(400, "the body must be a JSON object: send {…}")
    if content.count(b"{") + content.count(b"[") > MAX_BODY_DEPTH and _is_deeper(body, MAX_BODY_DEPTH):
        message = f"the body must not be nested deeper than {MAX_BODY_DEPTH} levels: send only fields of the API"
        raise HttpError(400, message)
    return body


def _has_too_many_values(content: bytes) -> bool:
    """Count values by the separators before them. Separators inside strings are excluded only if the count is high."""
    if sum(map(content.count, (b",", b"[", b"{"))) < MAX_BODY_VALUES:
        return False
    # The last two matches are the text after the last separator, and the end.
    return next(islice(_NEXT_VALUE.finditer(content), MAX_BODY_VALUES + 1, None), None) is not None


class _BodyError(ValueError):
    """The message says what is wrong without repeating the body."""


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, _BodyError) else "it can't be parsed"


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) == len(pairs):
        return mapping
    duplicate = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    raise _BodyError(f'duplicate key "{truncate(duplicate)}", remove one')


def _reject_constant(text: str) -> Any:
    raise _BodyError(f"{text} is not a valid number")


def _is_deeper(value: Any, levels: int) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(levels == 0 or _is_deeper(part, levels - 1) for part in parts)


Token = Annotated[str, Depends(_bearer_token)]
