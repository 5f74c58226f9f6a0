"""Looks up, by name, the objects that the NIM Operator would create, overwrite or delete.

It returns only what identifies the owner. One lookup before the first write needs less memory than informers of nine
kinds, and only permission to `get` these objects.
"""

import asyncio
from collections.abc import Collection
from typing import Final

from runai_nim.api import well_known
from runai_nim.api.resources import (
    AUTOSCALERS,
    DEPLOYMENTS,
    ROLE_BINDINGS,
    ROLES,
    ROUTES,
    SERVICE_ACCOUNTS,
    SERVICES,
    KubeObject,
    Resource,
)
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient

PICKER_KINDS: Final = (SERVICE_ACCOUNTS, ROLES, ROLE_BINDINGS, SERVICES, DEPLOYMENTS)
"""Kinds that the NIM Operator creates for an endpoint picker, and deletes by its name without one."""
NAMED_KINDS: Final = (*PICKER_KINDS, *ROUTES, AUTOSCALERS)
"""Kinds that the NIM Operator creates, overwrites or deletes by the NIMService's name."""


async def find_by_name(cluster: KubeClient, namespace: str, names: Collection[str]) -> list[tuple[str, KubeObject]]:
    """Kind and metadata of each existing object with one of `names`. Raises ApiError.

    The first is requested alone, so that an API server that refuses or doesn't answer gets one request, not all; then
    the others concurrently. Forbidden kinds are left out: PermissionMonitor reports missing permissions, and the
    operator keeps serving.
    """
    lookups = [(resource, name) for name in names for resource in _kinds_with(name)]
    objects: list[KubeObject | None] = []
    for part in (lookups[:1], lookups[1:]):
        objects += await asyncio.gather(*(_metadata(cluster, resource, namespace, name) for resource, name in part))
    return [(resource.kind, obj) for (resource, _), obj in zip(lookups, objects, strict=True) if obj is not None]


def _kinds_with(name: str) -> tuple[Resource, ...]:
    return PICKER_KINDS if name.endswith(well_known.NIM_PICKER_SUFFIX) else NAMED_KINDS


async def _metadata(cluster: KubeClient, resource: Resource, namespace: str, name: str) -> KubeObject | None:
    try:
        return await cluster.get(resource, namespace, name, metadata_alone=True)
    except ApiError as error:
        if error.status == 403:
            return None
        raise
