"""Monitors which required permissions the operator lacks: at start-up, and repeatedly while some are missing.

It sends one SelfSubjectAccessReview, which every user may create, for each permission. SelfSubjectRulesReview would be
incomplete with authorizers other than RBAC.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim.api.resources import KubeObject
from runai_nim.api.untrusted_values import mapping
from runai_nim.config.permissions import Access
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient

logger: FilteringBoundLogger = structlog.get_logger(__name__)

RECHECK_SECONDS: Final = 10.0
"""Minimum interval between checks."""


class PermissionMonitor:
    """Checks permissions. `missing`: those of `required` that the last check denied; empty before the first check."""

    def __init__(self, required: Iterable[Access]) -> None:
        self.required = tuple(required)
        self.missing: frozenset[Access] = frozenset()
        self._recheck_requested = asyncio.Event()

    def recheck(self) -> None:
        """Check all permissions again, after a forbidden request."""
        self._recheck_requested.set()

    def is_missing(self, access: Access) -> bool:
        """Whether the permission is missing in any namespace."""
        return any(missing[:3] == access[:3] for missing in self.missing)

    async def run(self, cluster: KubeClient, on_granted: Callable[[], object]) -> None:
        """Check until cancelled. Calls `on_granted` when a missing permission has been granted."""
        self.recheck()
        while True:
            try:
                await self._check(cluster, on_granted)
            except ApiError as error:
                logger.warning("access review failed, retrying", error=str(error))
                self.recheck()
            await asyncio.sleep(RECHECK_SECONDS)
            if not self.missing:
                await self._recheck_requested.wait()

    async def _check(self, cluster: KubeClient, on_granted: Callable[[], object]) -> None:
        checks = self.required if self._recheck_requested.is_set() else self.missing
        self._recheck_requested.clear()
        before = self.missing
        self.missing = frozenset([one for one in checks if not await is_allowed(cluster, one)])
        for access in sorted(self.missing - before):
            logger.error("permission missing", permission=str(access))
        for access in sorted(before - self.missing):
            logger.warning("permission granted", permission=str(access))
        if before - self.missing:
            on_granted()


async def is_allowed(cluster: KubeClient, access: Access, *, account: str = "") -> bool:
    """Whether the caller may do it, or the ServiceAccount with that user name, about which not everybody may ask.

    account: `system:serviceaccount:<namespace>:<name>`. Raises ApiError.
    """
    resource, _, subresource = access.resource.partition("/")
    target = {"group": access.group, "resource": resource, "subresource": subresource}
    spec: KubeObject = {
        "resourceAttributes": {**target, "verb": access.verb, "namespace": access.namespace, "name": access.name}
    }
    if account:
        namespace = account.split(":")[2]
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
        spec |= {"user": account, "groups": groups}
    kind = "SubjectAccessReview" if account else "SelfSubjectAccessReview"
    answer = await cluster.create_review({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec})
    return bool(mapping(answer.get("status")).get("allowed"))
