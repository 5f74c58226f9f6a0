"""API discovery: the schema of NIMService, refreshed when it changes, and whether RunaiNimService is served.

Every authenticated user may read the discovery documents, so this needs no permission.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim.api import well_known
from runai_nim.api.resources import NIM_SERVICES, Resource
from runai_nim.api.untrusted_values import mapping, mappings
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient

logger: FilteringBoundLogger = structlog.get_logger(__name__)

REFRESH_SECONDS = 10.0
"""Interval between checks for changes."""
_INDEX = "/openapi/v3"


class Discovery:
    """Schema of NIMService. `nimservice`: as last read. `on_change`: called after a change. `synced`: set after the
    first read."""

    def __init__(self, cluster: KubeClient, on_change: Callable[[], None] = lambda: None) -> None:
        self.nimservice = NIMServiceSchema()
        self.synced = asyncio.Event()
        self._cluster = cluster
        self._on_change = on_change
        self._read = ""

    async def run(self) -> None:
        """Refresh until cancelled."""
        while True:
            try:
                await self._refresh()
            except ApiError as error:
                logger.warning("discovery failed, retrying", error=str(error))
            await asyncio.sleep(REFRESH_SECONDS)

    async def _refresh(self) -> None:
        index = await self._cluster.get_document(_INDEX)
        group = mapping(mapping(index.get("paths")).get(f"apis/{well_known.NIM_API_VERSION}"))
        address = str(group.get("serverRelativeURL", ""))  # names a hash of what is there
        if address != self._read:
            schema = schema_of(await self._cluster.get_document(address)) if address else None
            self.nimservice = NIMServiceSchema() if schema is None else NIMServiceSchema.of_schema(schema)
            self._read = address
            self._on_change()
        self.synced.set()


async def is_served(cluster: KubeClient, resource: Resource) -> bool:
    """Whether the discovery documents that Kopf reads have the kind. Leaves reporting rejected credentials to Kopf."""
    try:
        groups = await cluster.get_document("/apis")
        if resource.group not in (group.get("name") for group in mappings(groups.get("groups"))):
            return False
        kinds = await cluster.get_document(f"/apis/{resource.api_version}")
    except ApiError as error:
        return error.status == 401
    return resource.plural in (kind.get("name") for kind in mappings(kinds.get("resources")))


def schema_of(document: Mapping[str, Any], resource: Resource = NIM_SERVICES) -> Mapping[str, Any] | None:
    """The schema of a kind in an OpenAPI v3 document; None if absent."""
    wanted = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    schemas = map(mapping, mapping(mapping(document.get("components")).get("schemas")).values())
    kinds = "x-kubernetes-group-version-kind"
    return next((schema for schema in schemas if wanted in mappings(schema.get(kinds))), None)
