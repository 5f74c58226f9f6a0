"""Names of what is made from a RunaiNimService, each made in one place. Texts only."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from runai_nim.api import well_known

_MAX_LENGTH: Final = 63
_CLAIM_SUFFIX: Final = "-model-store"
ROUTE_SUFFIX: Final = ".external"
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def container_name(name: str) -> str:
    """The container that the NIM Operator runs the NIM in."""
    return name + well_known.NIM_CONTAINER_SUFFIX


def default_claim_name(name: str) -> str:
    """`<name>-model-store`; where that is longer than 63 characters, the name is cut and a hash of it added."""
    if len(name + _CLAIM_SUFFIX) <= _MAX_LENGTH:
        return name + _CLAIM_SUFFIX
    ending = f"-{short_hash(name)[:8]}{_CLAIM_SUFFIX}"
    return name[: _MAX_LENGTH - len(ending)] + ending


def route_name(name: str) -> str:
    """The route of our own to a Service; no NIMService can have that name."""
    return name + ROUTE_SUFFIX


def internal_url(name: str, namespace: str, port: int) -> str:
    """Where the NIM answers inside the cluster."""
    return f"http://{name}.{namespace}.svc:{port}"


def short_hash(text: str) -> str:
    """16 hexadecimal digits that stand for `text`."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def content_hash(content: Mapping[str, Any]) -> str:
    """`short_hash` of a part of a manifest, whatever order its keys are in."""
    return short_hash(_ENCODER.encode(content))
