"""Index of the RunaiNimServices by uid, which is the `id` of a workload.

The process watches their metadata with its own identity; every read and write of a workload uses the caller's token.
"""

import asyncio
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final, Self

from runai_nim.api.resources import RUNAI_NIM_SERVICES, KubeObject, ObjectKey
from runai_nim.kube.client import KubeClient
from runai_nim.kube.informer import Informer
from runai_nim.rest.errors import unavailable
from runai_nim.rest.model.identifier import Identifier

_WAIT_SECONDS: Final = 1.0
"""How long a call waits for the watch, which may not have reported a new workload yet."""
_MAX_WAITING: Final = 64
"""Calls that may wait."""


@dataclass(frozen=True, slots=True)
class _Workload:
    """Projection of a RunaiNimService."""

    resource_version: str
    uid: str

    @classmethod
    def from_object(cls, obj: Mapping[str, Any]) -> Self:
        """From an object, or its metadata alone."""
        return cls(obj["metadata"]["resourceVersion"], obj["metadata"]["uid"])


class WorkloadIndex:
    """Namespaces and names of RunaiNimServices as cached by an informer."""

    def __init__(self, cluster: KubeClient) -> None:
        self._keys: dict[str, ObjectKey] = {}
        self._changed = asyncio.Event()
        self._waiting = 0
        self._informer = Informer(
            cluster,
            RUNAI_NIM_SERVICES,
            project=_Workload.from_object,
            on_change=self._on_change,
            on_kind_change=lambda: None,
            metadata_only=True,
            optional=True,
        )

    async def run(self) -> None:
        """Run the informer until cancelled."""
        await self._informer.run()

    @property
    def is_synced(self) -> bool:
        """Whether the first LIST is complete, or not allowed."""
        return self._informer.synced.is_set()

    @property
    def namespaces(self) -> set[str] | None:
        """The namespaces with RunaiNimServices; None if the process may not watch these."""
        return None if self._informer.is_forbidden else {namespace for namespace, _ in self._keys.values()}

    def id_of(self, at: Identifier) -> str:
        """The id in answers: the uid, or the form of earlier versions if the process may not watch RunaiNimServices."""
        return str(at) if self._informer.is_forbidden else at.uid

    async def find(self, uid: str) -> Identifier | None:
        """The RunaiNimService with this uid; None if there is none. Raises HttpError (503) if too many calls wait."""
        await self.known((uid,))
        key = self._keys.get(uid)
        return None if key is None else Identifier(*key, uid)

    async def known(self, uids: Collection[str]) -> frozenset[str]:
        """Those of `uids` that a RunaiNimService has, after one wait for all. Raises HttpError (503), as `find`."""
        if not self._keys.keys() >= set(uids) and not self._informer.is_forbidden:
            await self._wait_for(set(uids))
        return frozenset(self._keys.keys() & set(uids))

    def store_own_write(self, obj: KubeObject) -> None:
        """Store a created object before the watch event arrives."""
        self._informer.store_own_write(obj)

    async def _wait_for(self, uids: AbstractSet[str]) -> None:
        if self._waiting >= _MAX_WAITING:
            raise unavailable("too many calls wait for unknown workloads")
        self._waiting += 1
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                while not self._keys.keys() >= uids:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return
        finally:
            self._waiting -= 1

    def _on_change(self, key: ObjectKey, old: _Workload | None, new: _Workload | None) -> None:
        if old is not None and (new is None or new.uid != old.uid):
            self._keys.pop(old.uid, None)
        if new is not None:
            self._keys[new.uid] = key
        self._changed.set()
