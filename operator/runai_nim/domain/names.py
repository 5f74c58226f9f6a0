"""Names of the objects that are created for a RunaiNimService."""

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
    """Name of the NIM container, set by the NIM Operator."""
    return name + well_known.NIM_CONTAINER_SUFFIX


def default_claim_name(name: str) -> str:
    """`<name>-model-store`; if that exceeds 63 characters, the name is cut and a hash appended."""
    if len(name + _CLAIM_SUFFIX) <= _MAX_LENGTH:
        return name + _CLAIM_SUFFIX
    ending = f"-{short_hash(name)[:8]}{_CLAIM_SUFFIX}"
    return name[: _MAX_LENGTH - len(ending)] + ending


def route_name(name: str) -> str:
    """Name of the operator's route to a Service: `llama.external`. No NIMService can have that name."""
    return name + ROUTE_SUFFIX


def policy_revision_name(name: str, data: Mapping[str, Any]) -> str:
    """Name of the ControllerRevision with these data: `llama-policies-3f1c0a9b5d7e2f46`."""
    return f"{name}-policies-{content_hash(data)}"


def internal_url(name: str, namespace: str, port: int) -> str:
    """URL of the NIM inside the cluster: `http://llama.team-a.svc:8000`."""
    return f"http://{name}.{namespace}.svc:{port}"


def short_hash(text: str) -> str:
    """16 hexadecimal digits of a hash of `text`."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def content_hash(content: Mapping[str, Any]) -> str:
    """`short_hash` of a part of a manifest, independent of the order of keys."""
    return short_hash(_ENCODER.encode(content))


def content_digest(content: Mapping[str, Any]) -> str:
    """The whole hash of a part of a manifest: nobody can make two with the same one, unlike `content_hash`."""
    return hashlib.sha256(_ENCODER.encode(content).encode()).hexdigest()
