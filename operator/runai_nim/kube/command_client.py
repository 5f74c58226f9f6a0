"""Requests that only commands of a user send."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import aiohttp

from runai_nim.api.resources import PODS, KubeObject, Resource
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.bounded_reader import log_lines
from runai_nim.kube.client import MERGE_PATCH_CONTENT_TYPE, KubeClient
from runai_nim.kube.transport import Query

_LOG_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=10.0)
"""A model that serves nobody may write nothing for days."""


class CommandClient(KubeClient):
    """The client of the command line."""

    async def merge(
        self,
        resource: Resource,
        live_metadata: Mapping[str, Any],
        changes: KubeObject,
        *,
        field_manager: str,
        dry_run: bool = False,
    ) -> KubeObject:
        """Merge `changes` (null removes a field) into the object as a user's command; 409 if the object has changed.

        dry_run: the API server checks the change and doesn't store it.
        """
        version = {field: live_metadata[field] for field in ("uid", "resourceVersion")}
        body = {**changes, "metadata": {**changes.get("metadata", {}), **version}}
        path = resource.path(live_metadata["namespace"], live_metadata["name"])
        query = {"fieldManager": field_manager, "fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}
        return await self._transport.request(
            "PATCH", path, query=query, body=body, content_type=MERGE_PATCH_CONTENT_TYPE
        )

    async def pod_log(self, namespace: str, name: str, query: Query) -> AsyncIterator[bytes]:
        """The lines of a container's log as they arrive; `query`: `container`, `follow`, `previous`, `tailLines`."""
        path = PODS.path(namespace, name) + "/log"
        response = await self._transport.send("GET", path, query=query, accept="*/*", timeout=_LOG_TIMEOUT)
        try:
            async for line in log_lines(response.content):
                yield line
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(0, "", f"{type(error).__name__} while reading the log of {name}") from error
        finally:
            response.close()
