"""The ceiling: a bare client that writes the objects that the operator would write, prepared in advance."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.crowd import RUNAI_NIM_SERVICE, Object, in_parallel
from local.nim_operator import kinds
from local.nim_operator.client import MERGE_PATCH, Client
from local.nim_operator.kinds import Kind
from runai_nim.api import well_known
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.decision_input import make_decision_input
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.translate import translate

APPLY = {"fieldManager": well_known.FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
APPLY_PATCH = "application/apply-patch+yaml"
PAGE = "500"
READ = (RUNAI_NIM_SERVICE, kinds.NIM_SERVICE, kinds.SERVICE, kinds.DEPLOYMENT, kinds.CLAIM, kinds.POD)
"""The kinds that there are thousands of, all of which a started operator has to read."""


def write_all(kubeconfig: Path, namespace: str, status: Mapping[str, Any], at_once: int) -> float:
    """Write claim, NIMService and `status` of every existing RunaiNimService, with a limited concurrency.

    Returns this process's CPU in ms for each. The writes are prepared before the measurement.
    """

    async def write() -> float:
        async with Client(kubeconfig) as client:
            found = (await client.get(RUNAI_NIM_SERVICE.path(namespace)))["items"]
            waiting = [_writes(cr, status) for cr in found]
            began = time.process_time()
            await in_parallel(waiting, lambda writes: _send(client, writes), at_once)
            return (time.process_time() - began) * 1000 / len(found)

    return asyncio.run(write())


def read_all(kubeconfig: Path) -> float:
    """Seconds for reading all that a started operator has to read, page by page, one kind after the other."""

    async def read() -> float:
        async with Client(kubeconfig) as client:
            began = time.perf_counter()
            for kind in READ:
                query = {"limit": PAGE}
                while token := (await client.get(kind.path(), **query))["metadata"].get("continue"):
                    query["continue"] = token
            return time.perf_counter() - began

    return asyncio.run(read())


Write = tuple[str, Object, dict[str, str], str]
"""Path, body, query and content type of a PATCH."""


async def _send(client: Client, writes: Sequence[Write]) -> None:
    for path, body, query, content_type in writes:
        await client.request("PATCH", path=path, body=body, query=query, content_type=content_type)


def _writes(cr: Object, status: Mapping[str, Any]) -> list[Write]:
    """What the operator writes for `cr`, in its order. `status` is that of a RunaiNimService called `first`."""
    metadata = cr["metadata"]
    decision_input = make_decision_input(
        cr,
        settings=load_settings({}, {}),
        namespace_labels={well_known.RUNAI_PROJECT: "team-a"},
        nimservice_schema=NIMServiceSchema(),
    )
    desired = translate(decision_input.with_children(claim_exists=False, nimservice_exists=False))
    if desired.claim is None or desired.nimservice is None:
        raise RuntimeError(f"{metadata['name']} is rejected: {[finding.message for finding in desired.findings]}")
    seen = {field: metadata[field] for field in ("uid", "resourceVersion")}
    told = json.loads(json.dumps(status).replace("first", metadata["name"]))
    path = RUNAI_NIM_SERVICE.path(metadata["namespace"], metadata["name"], "status")
    return [
        _applied(kinds.CLAIM, desired.claim),
        _applied(kinds.NIM_SERVICE, desired.nimservice),
        (path, {"metadata": seen, "status": told}, {"fieldManager": well_known.FIELD_MANAGER}, MERGE_PATCH),
    ]


def _applied(kind: Kind, manifest: Mapping[str, Any]) -> Write:
    """A server-side apply that creates an object: version 1 means absent."""
    metadata = {**manifest["metadata"], "resourceVersion": "1"}
    path = kind.path(metadata["namespace"], metadata["name"])
    return path, {**manifest, "metadata": metadata}, APPLY, APPLY_PATCH
