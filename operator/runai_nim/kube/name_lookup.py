"""Objects of the names that the NIM Operator takes, read by name before it is asked to take them. It decides nothing.

Only what says whose an object is comes back. Nothing is watched for it: one look before the first write costs less
than every object of nine kinds in memory, and the operator may read no more than what it names.
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
"""What the NIM Operator makes, overwrites or deletes by its name."""


async def find_by_name(cluster: KubeClient, namespace: str, names: Collection[str]) -> list[tuple[str, KubeObject]]:
    """Kind and metadata of each object there is of one of `names`, asked for all at once. Raises ApiError.

    What may not be read is left out: a permission that is missing is told elsewhere, and is no reason to serve nobody.
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
