"""Implements the batch call: one action on many workloads, each as its own call does it, with the caller's token."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from runai_nim.api.resources import KubeObject
from runai_nim.rest.call_queue import CallPlaces
from runai_nim.rest.errors import error_of, not_found, unavailable
from runai_nim.rest.model.batch_body import Batch, BatchAction, check_batch
from runai_nim.rest.spec_validation import refuse_errors
from runai_nim.rest.workload_service import WorkloadService

MAX_BATCHES: Final = 16
MAX_PER_CALLER: Final = 4
"""Batches at a time: in total, and of one caller."""
_CONCURRENT: Final = 4
"""Workloads of one batch at a time."""
BATCH_SECONDS: Final = 30.0
"""After this time a batch begins no further workload, so that its answer arrives before clients and proxies give up."""
_WARNINGS: Final = ("details", "complianceIssues")
"""Fields of a workload's answer that warn."""


def read_batch(body: Mapping[str, Any]) -> Batch:
    """The batch in a body. Raises HttpError (400) with all mistakes."""
    refuse_errors(check_batch(body))
    return Batch.from_body(body)


class BatchService:
    """The call. It raises HttpError for the batch as a whole, never for one workload."""

    def __init__(self, workloads: WorkloadService) -> None:
        self._workloads = workloads
        self._places = CallPlaces(MAX_BATCHES, MAX_PER_CALLER, "too many batches are running")

    async def run(self, token: str, batch: Batch) -> KubeObject:
        """Do what the batch says, and return the outcome for each workload. Raises HttpError (503) if many run."""
        caller = await self._workloads.caller(token)
        with self._places.taken_by(caller):
            return await self._run(token, batch)

    async def _run(self, token: str, batch: Batch) -> KubeObject:
        until = time.monotonic() + BATCH_SECONDS
        turns = asyncio.Semaphore(_CONCURRENT)
        known = await self._workloads.known_ids(batch.ids)

        async def act(id_: str) -> KubeObject:
            async with turns:
                if id_ not in known:
                    raise not_found()
                if time.monotonic() > until:
                    raise unavailable("not tried, because the batch takes too long")
                return await self._act(token, batch.action, id_)

        outcomes = await asyncio.gather(*map(act, batch.ids), return_exceptions=True)
        return _answer(dict(zip(batch.ids, outcomes, strict=True)))

    async def _act(self, token: str, action: BatchAction, id_: str) -> KubeObject:
        """The answer of the workload's own call."""
        match action:
            case BatchAction.DELETE:
                return await self._workloads.delete(token, id_)
            case BatchAction.STOP:
                return await self._workloads.stop(token, id_)
            case BatchAction.START:
                return await self._workloads.start(token, id_)


def _answer(outcomes: Mapping[str, KubeObject | BaseException]) -> KubeObject:
    """Both lists in the order of the body. Run:ai's client ignores `warnings`."""
    done = {id_: outcome for id_, outcome in outcomes.items() if not isinstance(outcome, BaseException)}
    failed = {id_: outcome for id_, outcome in outcomes.items() if isinstance(outcome, BaseException)}
    found = {id_: {name: one[name] for name in _WARNINGS if name in one} for id_, one in done.items()}
    warnings = [{"id": id_, **fields} for id_, fields in found.items() if fields]
    return {
        "id": str(uuid.uuid4()),
        "succeeded": list(done),
        "failed": [{"id": id_, **error_of(error).body} for id_, error in failed.items()],
        **({"warnings": warnings} if warnings else {}),
    }
