"""What the operator may not do, though it needs to: asked for at the start, and again while something is missing.

It asks by SelfSubjectAccessReview, which every user may make, one for each access: the rules of a user as a whole are
not known where other authorizers than RBAC have a say. It decides nothing, and holds nothing up.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

from runai_nim.api.untrusted_values import mapping
from runai_nim.config.permissions import Access
from runai_nim.kube.client import ApiError, Cluster

logger = logging.getLogger(__name__)

SECONDS: Final = 10.0
"""How often is asked again, at most."""


class Permitted:
    """`missing`: what of `needed` is forbidden by the last answers; nothing before the first."""

    def __init__(self, needed: Iterable[Access]) -> None:
        self.needed = tuple(needed)
        self.missing: frozenset[Access] = frozenset()
        self._in_doubt = asyncio.Event()

    def doubt(self) -> None:
        """Something was forbidden: ask for everything again."""
        self._in_doubt.set()

    def lacks(self, access: Access) -> bool:
        """Is it missing, in whatever namespace?"""
        return any(missing[:3] == access[:3] for missing in self.missing)

    async def run(self, cluster: Cluster, granted: Callable[[], object]) -> None:
        """Ask until cancelled; `granted` is called when something is allowed that was missing."""
        self.doubt()
        while True:
            try:
                await self._ask(cluster, granted)
            except ApiError as error:
                logger.warning("permissions can't be asked for, trying again", extra={"error": str(error)})
                self.doubt()
            await asyncio.sleep(SECONDS)
            if not self.missing:
                await self._in_doubt.wait()

    async def _ask(self, cluster: Cluster, granted: Callable[[], object]) -> None:
        asked = self.needed if self._in_doubt.is_set() else self.missing
        self._in_doubt.clear()
        before, self.missing = self.missing, frozenset([one for one in asked if not await _allowed(cluster, one)])
        for access in sorted(self.missing - before):
            logger.error("a permission is missing", extra={"permission": str(access)})
        for access in sorted(before - self.missing):
            logger.warning("a permission was given", extra={"permission": str(access)})
        if before - self.missing:
            granted()


async def _allowed(cluster: Cluster, access: Access) -> bool:
    resource, _, subresource = access.resource.partition("/")
    asked = {"group": access.group, "resource": resource, "subresource": subresource}
    attributes = {**asked, "verb": access.verb, "namespace": access.namespace, "name": access.name}
    kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    answer = await cluster.review({**kind, "spec": {"resourceAttributes": attributes}})
    return bool(mapping(answer.get("status")).get("allowed"))
