"""When is a namespace in the state of a fault-free run? Objects are compared without what every run has of its own.

Masked: uid (owners by what they are), resourceVersion, generation, managedFields, times, addresses, the namespace, and
what others note of how it came about.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from local.objects import Object
from runai_nim.api import well_known

_OF_A_RUN = frozenset({"resourceVersion", "generation", "managedFields", "creationTimestamp"})
_HISTORY = frozenset(
    {"deployment.kubernetes.io/revision", "nvidia.com/last-applied-hash", "nvidia.com/parent-spec-hash"}
)
"""Annotations that others count and hash by: how often pods were rolled, the namespace, a spec's writing."""
_ROUTES = frozenset({"ingresses", "httproutes", "grpcroutes"})
"""Their hash is of a host that has the namespace in it."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_ENDS_KOPF = "kopf._cogs.structs.credentials.LoginError"
_KOPFS_WATCH = "closing of asynchronous generator <async_generator object infinite_watch"
"""Logged by asyncio: Kopf's generator yields once more when it is closed while its connection is reset."""
_ADDRESS = re.compile(r"127\.100\.\d+\.\d+")


def masked(objects: Mapping[str, Object], namespace: str) -> dict[str, Object]:
    """The objects of a namespace, as they may be compared with those of another run."""
    uids = {obj["metadata"]["uid"]: key for key, obj in objects.items()}
    return {key: _masked(key, obj, namespace, uids) for key, obj in sorted(objects.items())}


def _masked(key: str, obj: Object, namespace: str, uids: Mapping[str, str]) -> Object:
    metadata = {name: value for name, value in obj["metadata"].items() if name not in _OF_A_RUN}
    if annotations := metadata.get("annotations"):
        metadata["annotations"] = {k: v for k, v in annotations.items() if k not in _HISTORY}
        if annotations.get(well_known.SERVICE_UID) not in (None, *uids):
            metadata["annotations"][well_known.SERVICE_UID] = "uid of one that is gone"
        if key.partition(" ")[0] in _ROUTES:
            metadata["annotations"].pop(well_known.SPEC_HASH, None)
    status = dict(obj.get("status") or {})
    if not key.startswith("runainimservices "):
        status.pop("observedGeneration", None)  # of a generation that counts our writes
    # An item of a LIST lacks apiVersion and kind; the resource is in its key.
    body = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind")}
    text = json.dumps({**body, "metadata": metadata, "status": status}, sort_keys=True)
    for uid, owner in uids.items():
        text = text.replace(uid, f"uid of {owner}")
    text = _ADDRESS.sub("ADDRESS", _TIME.sub("TIME", text.replace(namespace, "NAMESPACE")))
    loaded: Object = json.loads(text)
    return loaded


def unlike(wanted: Any, found: Any, path: str = "") -> list[str]:
    """What differs, a line each."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        keys = sorted(wanted.keys() | found.keys())
        return [line for key in keys for line in unlike(wanted.get(key), found.get(key), f"{path}.{key}".strip("."))]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return [line for index, pair in pairs for line in unlike(*pair, f"{path}[{index}]")]
    return [] if wanted == found else [f"{path} is {_short(found)}, not {_short(wanted)}"]


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 160 else text[:160] + "…"


def tracebacks(log: str) -> list[str]:
    """The last line of each traceback in the operator's log, but for Kopf's own words on why it ends the process."""
    lines = [json.loads(line) if line.startswith("{") else {"exc_info": line} for line in log.splitlines()]
    found = [line for line in lines if "Traceback (most recent call last)" in str(line.get("exc_info"))]
    return [_last_line(line) for line in found if not _is_kopfs_end(line)]


def _is_kopfs_end(line: Mapping[str, Any]) -> bool:
    """Only at what Kopf can't go on from: credentials that are refused, or a watch of its own that it can't close."""
    why = _last_line(line).partition(":")[0]
    logger = str(line.get("logger"))
    is_unclosed_watch = logger == "asyncio" and why == "RuntimeError" and _KOPFS_WATCH in str(line.get("message"))
    return is_unclosed_watch or (why == _ENDS_KOPF and logger.startswith(("kopf.", "asyncio")))


def _last_line(line: Mapping[str, Any]) -> str:
    return str(line["exc_info"]).splitlines()[-1]
