"""The Kubernetes API: what is asked of it and how, one method for each sort of request."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Self

import aiohttp
import orjson

from runai_nim.api import well_known
from runai_nim.api.apply_patch import APPLY_CONTENT_TYPE, apply_body
from runai_nim.api.resources import EVENTS, KubeObject, Resource
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.bounded_reader import PageSize, Unreadable, lines, name_in
from runai_nim.kube.transport import JSON_CONTENT_TYPE, Query, ResponseObserver, Transport, WriteGate

logger = logging.getLogger(__name__)

WATCH_TIMEOUT_SECONDS = 300
"""How long a watch lasts before the server ends it and it is opened anew."""
WATCH_SILENCE_SECONDS = 90.0
"""A watch that says nothing for so long is dead: bookmarks come about once a minute."""
MERGE_PATCH_CONTENT_TYPE: Final = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH_CONTENT_TYPE: Final = "application/strategic-merge-patch+json"
METADATA_ONLY: Final = f"{JSON_CONTENT_TYPE};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST: Final = f"{JSON_CONTENT_TYPE};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""What an answer is to be: the whole object, or nothing of it but its metadata."""

_PAGE_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=30.0)
"""A large page waits for others, with the rest of it in the network."""
_WATCH_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=WATCH_SILENCE_SECONDS)


def log_unreadable(kind: str, name: str, error: Exception) -> None:
    """Say which object is left out. Its tenant may have meant it so: nothing of its content is repeated."""
    logger.warning("object left out", extra={"kind": kind, "object": name, "reason": type(error).__name__})


class KubeClient:
    """The API server's objects, for all requests of the process. `unreadable` is told of objects left out."""

    def __init__(self, transport: Transport, unreadable: Unreadable = log_unreadable) -> None:
        self._transport = transport
        self.permit = transport.permit
        self.unreadable = unreadable

    @classmethod
    async def connect(
        cls,
        observe_response: ResponseObserver = lambda method, code, host: None,
        permit: WriteGate = lambda: None,
        unreadable: Unreadable = log_unreadable,
    ) -> Self:
        """Connect as `Transport.connect` says. Raises ApiError where there is nobody to connect as."""
        return cls(await Transport.connect(observe_response, permit), unreadable)

    @property
    def in_pod(self) -> bool:
        """Whether the Pod's ServiceAccount authenticates it, and not a kubeconfig."""
        return self._transport.in_pod

    @property
    def url(self) -> str:
        """URL of the API server."""
        return self._transport.url

    def for_callers(self, user_agent: str) -> Transport:
        """Connections to the same API server for requests with callers' tokens, to be closed separately."""
        return self._transport.for_callers(user_agent)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def apply(
        self, resource: Resource, manifest: Mapping[str, Any], *, resource_version: str | None, status: bool = False
    ) -> KubeObject:
        """Server-side apply as `keys.FIELD_MANAGER`, with force: the fields of `manifest` become ours.

        `resource_version` None creates: an apply that carries version "1" is a create when the object is absent and
        409 when it is present, so nothing that exists is ever taken over. Otherwise it is the version that the
        decision was made on, and any other gives 409.
        """
        metadata = {**manifest["metadata"], "resourceVersion": resource_version or "1"}
        path = resource.path(metadata.get("namespace"), metadata["name"]) + ("/status" if status else "")
        query = {"fieldManager": well_known.FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
        body = apply_body({**manifest, "metadata": metadata})
        return await self._transport.request("PATCH", path, query=query, body=body, content_type=APPLY_CONTENT_TYPE)

    async def merge_status(self, resource: Resource, metadata: Mapping[str, Any], status: KubeObject) -> KubeObject:
        """Merge `status` (null removes a field) into that of the object that was seen; 409 when it changed since."""
        path = resource.path(metadata["namespace"], metadata["name"]) + "/status"
        body = {"metadata": {field: metadata[field] for field in ("uid", "resourceVersion")}, "status": status}
        return await self._merge(path, body)

    async def remove_owner(
        self, resource: Resource, namespace: str, name: str, *, uid: str, owner_uid: str
    ) -> KubeObject:
        """Take one owner reference out of the object of that uid; 409 when it is another object by now."""
        metadata = {"uid": uid, "ownerReferences": [{"$patch": "delete", "uid": owner_uid}]}
        path = resource.path(namespace, name)
        return await self._merge(path, {"metadata": metadata}, STRATEGIC_MERGE_PATCH_CONTENT_TYPE)

    async def set_managed_fields(
        self, resource: Resource, live_metadata: Mapping[str, Any], managed_fields: Sequence[Mapping[str, Any]]
    ) -> KubeObject:
        """Say who owns which fields of the object that was seen; 409 when it changed since."""
        metadata = {field: live_metadata[field] for field in ("uid", "resourceVersion")} | {
            "managedFields": managed_fields
        }
        path = resource.path(live_metadata["namespace"], live_metadata["name"])
        return await self._merge(path, {"metadata": metadata})

    async def _merge(self, path: str, body: KubeObject, content_type: str = MERGE_PATCH_CONTENT_TYPE) -> KubeObject:
        query = {"fieldManager": well_known.FIELD_MANAGER}
        return await self._transport.request("PATCH", path, query=query, body=body, content_type=content_type)

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str, resource_version: str) -> None:
        """Delete the object that was seen at that version; 409 when it is another one by now."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        path = resource.path(namespace, name)
        body = {"preconditions": preconditions}
        await self._transport.request("DELETE", path, body=body, content_type=JSON_CONTENT_TYPE)

    async def get(
        self, resource: Resource, namespace: str, name: str, *, metadata_alone: bool = False
    ) -> KubeObject | None:
        """The object, or nothing of it but `metadata`; None when it or its kind is not there."""
        accept = METADATA_ONLY if metadata_alone else JSON_CONTENT_TYPE
        try:
            return await self._transport.request("GET", resource.path(namespace, name), accept=accept)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def write_event(self, event: KubeObject) -> None:
        """Create or replace an Event by server-side apply."""
        path = EVENTS.path(event["metadata"]["namespace"], event["metadata"]["name"])
        query = {"fieldManager": well_known.FIELD_MANAGER, "force": "true"}
        body = apply_body(event)
        await self._transport.request("PATCH", path, query=query, body=body, content_type=APPLY_CONTENT_TYPE)

    async def create_review(self, review: KubeObject) -> KubeObject:
        """The API server's answer to a review of authorization.k8s.io, which it stores nowhere."""
        path = f"/apis/{review['apiVersion']}/{review['kind'].lower()}s"
        return await self._transport.request("POST", path, body=review, content_type=JSON_CONTENT_TYPE)

    async def get_document(self, path: str) -> KubeObject:
        """A document of the API server that is no object, such as its discovery."""
        return await self._transport.request("GET", path)

    async def pages(
        self,
        resource: Resource,
        selector: str = "",
        namespace: str = "",
        *,
        metadata_only: bool = False,
        size: PageSize | None = None,
        unreadable: Callable[[str, Exception], object] = lambda name, error: None,
    ) -> AsyncIterator[KubeObject]:
        """LIST page by page; each page is the API's list object (`metadata.resourceVersion`, `items`).

        Pages are as small as large objects need it, so what is of use in one is to be taken before the next.
        metadata_only: the items have `metadata` alone. size: what is known of the size of these objects. unreadable:
        is told, too, of each that is left out.
        """
        query = {"labelSelector": selector} if selector else {}
        size = size or PageSize()

        def left_out(name: str, error: Exception) -> None:
            self.unreadable(resource.plural, name, error)
            unreadable(name, error)

        while True:
            page = await self._page(
                resource, namespace, query, size=size, metadata_only=metadata_only, left_out=left_out
            )
            yield page
            if not (token := page["metadata"].get("continue")):
                return
            query["continue"] = token

    async def version_of(self, resource: Resource, selector: str = "", namespace: str = "") -> str:
        """The resourceVersion of a collection: after it a watch can begin where nothing has to be listed."""
        query = {"labelSelector": selector} if selector else {}
        left_out = partial(self.unreadable, resource.plural)
        page = await self._page(
            resource, namespace, query, size=PageSize(limit=1), metadata_only=True, left_out=left_out
        )
        return str(page["metadata"]["resourceVersion"])

    async def _page(
        self,
        resource: Resource,
        namespace: str,
        query: Query,
        *,
        size: PageSize,
        metadata_only: bool,
        left_out: Callable[[str, Exception], object],
    ) -> KubeObject:
        def ask(limit: int) -> Awaitable[aiohttp.ClientResponse]:
            accept = METADATA_LIST if metadata_only else JSON_CONTENT_TYPE
            asked = {**query, "limit": str(limit)}
            return self._transport.send(
                "GET", resource.path(namespace), query=asked, accept=accept, timeout=_PAGE_TIMEOUT
            )

        try:
            return await self._transport.reader.page(ask, size, left_out)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(0, "", f"{type(error).__name__} while listing {resource.plural}") from error

    async def watch(
        self, resource: Resource, version: str, selector: str = "", namespace: str = "", metadata_only: bool = False
    ) -> AsyncIterator[KubeObject]:
        """Open a watch: its events (`type`, `object`) after `version`, bookmarks among them, until the server ends it.

        It also ends after SILENCE_SECONDS without a word: what may have been lost comes with the next watch after the
        same version. An event that can't be decoded is left out, and `unreadable` told of it.
        """
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_TIMEOUT_SECONDS),
            **({"labelSelector": selector} if selector else {}),
        }
        accept = METADATA_ONLY if metadata_only else JSON_CONTENT_TYPE
        response = await self._transport.send(
            "GET", resource.path(namespace), query=query, accept=accept, timeout=_WATCH_TIMEOUT
        )
        return self._events(resource, response)

    async def _events(self, resource: Resource, response: aiohttp.ClientResponse) -> AsyncIterator[KubeObject]:
        try:
            async for line in lines(response.content):
                try:
                    event = orjson.loads(line)
                except ValueError as error:
                    self.unreadable(resource.plural, name_in(line), error)
                    continue
                del line  # it may be long, and the next one may be minutes away
                yield event
                del event
        except aiohttp.SocketTimeoutError:
            return
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(0, "", f"{type(error).__name__} while watching {resource.plural}") from error
        finally:
            response.close()
