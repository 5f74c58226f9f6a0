"""Looks up, by name, the objects that the NIM Operator would create, overwrite or delete.

It returns only what identifies the owner. One lookup before the first write needs less memory than informers of nine
kinds, and only permission to `get` these objects.
"""

import asyncio
from collections.abc import Collection
from typing import Final

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

NAMED_KINDS: Final = (SERVICE_ACCOUNTS, ROLES, ROLE_BINDINGS, SERVICES, DEPLOYMENTS, *ROUTES, AUTOSCALERS)
"""Kinds that the NIM Operator creates, overwrites or deletes by name."""


async def find_by_name(cluster: KubeClient, namespace: str, names: Collection[str]) -> list[tuple[str, KubeObject]]:
    """Kind and metadata of each existing object with one of `names`, requested concurrently. Raises ApiError.

    Forbidden kinds are left out: PermissionMonitor reports missing permissions, and the operator keeps serving.
    """
    lookups = [(resource, name) for name in names for resource in NAMED_KINDS]
    objects = await asyncio.gather(*(_metadata(cluster, resource, namespace, name) for resource, name in lookups))
    return [(resource.kind, obj) for (resource, _), obj in zip(lookups, objects, strict=True) if obj is not None]


async def _metadata(cluster: KubeClient, resource: Resource, namespace: str, name: str) -> KubeObject | None:
    try:
        return await cluster.get(resource, namespace, name, metadata_alone=True)
    except ApiError as error:
        if error.status == 403:
            return None
        raise
