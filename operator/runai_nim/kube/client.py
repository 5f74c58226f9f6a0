"""Client of the Kubernetes API, with one method for each kind of request that the operator sends."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Self

import aiohttp
import orjson
import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim.api import well_known
from runai_nim.api.apply_patch import APPLY_CONTENT_TYPE, apply_body
from runai_nim.api.resources import EVENTS, KubeObject, Resource
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.bounded_reader import PageSize, Unreadable, lines, name_in
from runai_nim.kube.transport import JSON_CONTENT_TYPE, Query, ResponseObserver, Transport, WriteGate

logger: FilteringBoundLogger = structlog.get_logger(__name__)

WATCH_TIMEOUT_SECONDS = 300
"""How long a watch lasts before the API server ends it and the informer reopens it."""
WATCH_SILENCE_SECONDS = 90.0
"""A watch that is silent this long is dead, because bookmarks arrive about once a minute."""
MAX_EVENTS: Final = 50
"""How many Events of one object are read; repeated ones count as one."""
MERGE_PATCH_CONTENT_TYPE: Final = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH_CONTENT_TYPE: Final = "application/strategic-merge-patch+json"
METADATA_ONLY: Final = f"{JSON_CONTENT_TYPE};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST: Final = f"{JSON_CONTENT_TYPE};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Accept headers that request only the metadata of objects."""

_PAGE_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=30.0)
"""No total timeout: a large page waits for others while its rest stays in the network buffers."""
_WATCH_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=WATCH_SILENCE_SECONDS)


def log_unreadable(kind: str, name: str, error: Exception) -> None:
    """Log a skipped object. Its content is not logged, because a tenant may have crafted it."""
    logger.warning("object skipped", kind=kind, object=name, reason=type(error).__name__)


class KubeClient:
    """Client for all requests of the process. `unreadable` is called for each object that can't be parsed."""

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
        *,
        kubeconfig: str | None = None,
        context: str | None = None,
    ) -> Self:
        """Connect like `Transport.connect`. Raises ApiError without a ServiceAccount and a usable kubeconfig."""
        transport = await Transport.connect(observe_response, permit, kubeconfig=kubeconfig, context=context)
        return cls(transport, unreadable)

    @property
    def in_pod(self) -> bool:
        """Whether it uses the Pod's ServiceAccount instead of a kubeconfig."""
        return self._transport.in_pod

    @property
    def url(self) -> str:
        """URL of the API server."""
        return self._transport.url

    @property
    def namespace(self) -> str:
        """Namespace of the kubeconfig's context; `default` without one."""
        return self._transport.namespace

    def for_callers(self, user_agent: str) -> Transport:
        """Connections to the same API server for requests with callers' tokens, to be closed separately."""
        return self._transport.for_callers(user_agent)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def apply(
        self, resource: Resource, manifest: Mapping[str, Any], *, resource_version: str | None, status: bool = False
    ) -> KubeObject:
        """Server-side apply with force as field manager `well_known.FIELD_MANAGER`.

        `resource_version`: the version that the decision was based on; if the object has another one, the API server
        answers 409. None creates the object: an apply with version "1" creates an absent object and fails with 409 if
        it exists, so it never takes over an existing object.
        """
        metadata = {**manifest["metadata"], "resourceVersion": resource_version or "1"}
        path = resource.path(metadata.get("namespace"), metadata["name"]) + ("/status" if status else "")
        query = {"fieldManager": well_known.FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
        body = apply_body({**manifest, "metadata": metadata})
        return await self._transport.request("PATCH", path, query=query, body=body, content_type=APPLY_CONTENT_TYPE)

    async def merge_status(self, resource: Resource, metadata: Mapping[str, Any], status: KubeObject) -> KubeObject:
        """Merge `status` (null removes a field) into the object's status; 409 if the object has changed."""
        path = resource.path(metadata["namespace"], metadata["name"]) + "/status"
        body = {"metadata": {field: metadata[field] for field in ("uid", "resourceVersion")}, "status": status}
        return await self._merge(path, body)

    async def remove_owner(
        self, resource: Resource, namespace: str, name: str, *, uid: str, owner_uid: str
    ) -> KubeObject:
        """Remove one owner reference from the object with that uid; 409 if another object has the name by now."""
        metadata = {"uid": uid, "ownerReferences": [{"$patch": "delete", "uid": owner_uid}]}
        path = resource.path(namespace, name)
        return await self._merge(path, {"metadata": metadata}, STRATEGIC_MERGE_PATCH_CONTENT_TYPE)

    async def set_managed_fields(
        self, resource: Resource, live_metadata: Mapping[str, Any], managed_fields: Sequence[Mapping[str, Any]]
    ) -> KubeObject:
        """Replace the object's managedFields; 409 if the object has changed."""
        metadata = {field: live_metadata[field] for field in ("uid", "resourceVersion")} | {
            "managedFields": managed_fields
        }
        path = resource.path(live_metadata["namespace"], live_metadata["name"])
        return await self._merge(path, {"metadata": metadata})

    async def _merge(self, path: str, body: KubeObject, content_type: str = MERGE_PATCH_CONTENT_TYPE) -> KubeObject:
        query = {"fieldManager": well_known.FIELD_MANAGER}
        return await self._transport.request("PATCH", path, query=query, body=body, content_type=content_type)

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str, resource_version: str) -> None:
        """Delete the object at that version; 409 if it has changed."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        path = resource.path(namespace, name)
        body = {"preconditions": preconditions}
        await self._transport.request("DELETE", path, body=body, content_type=JSON_CONTENT_TYPE)

    async def get(
        self, resource: Resource, namespace: str, name: str, *, metadata_alone: bool = False
    ) -> KubeObject | None:
        """The object, or only its `metadata`; None if the object or its kind doesn't exist."""
        accept = METADATA_ONLY if metadata_alone else JSON_CONTENT_TYPE
        try:
            return await self._transport.request("GET", resource.path(namespace, name), accept=accept)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def events(self, namespace: str, selector: str) -> list[KubeObject]:
        """The events that a field selector picks, at most MAX_EVENTS of them."""
        page = await self._page(
            EVENTS,
            namespace,
            {"fieldSelector": selector},
            size=PageSize(limit=MAX_EVENTS),
            metadata_only=False,
            left_out=partial(self.unreadable, EVENTS.plural),
        )
        items: list[KubeObject] = page["items"]
        return items

    async def write_event(self, event: KubeObject) -> None:
        """Create or replace an Event by server-side apply."""
        path = EVENTS.path(event["metadata"]["namespace"], event["metadata"]["name"])
        query = {"fieldManager": well_known.FIELD_MANAGER, "force": "true"}
        body = apply_body(event)
        await self._transport.request("PATCH", path, query=query, body=body, content_type=APPLY_CONTENT_TYPE)

    async def create_review(self, review: KubeObject) -> KubeObject:
        """The API server's answer to a review of authorization.k8s.io, which is not stored."""
        path = f"/apis/{review['apiVersion']}/{review['kind'].lower()}s"
        return await self._transport.request("POST", path, body=review, content_type=JSON_CONTENT_TYPE)

    async def get_document(self, path: str) -> KubeObject:
        """A document of the API server that is not an object, such as its discovery."""
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

        Pages are smaller for large objects; release a page before requesting the next. metadata_only: items have only
        `metadata`. size: the page size to start with, adapted to the objects. unreadable: also called for each object
        that can't be parsed.
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
        """The resourceVersion of a collection, from which a watch can start without a LIST."""
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
        self, resource: Resource, version: str, *, selector: str = "", namespace: str = "", metadata_only: bool = False
    ) -> AsyncIterator[KubeObject]:
        """Open a watch: events (`type`, `object`) after `version`, including bookmarks, until the API server ends it.

        It also ends after WATCH_SILENCE_SECONDS without an event; the next watch from the same version delivers what
        was lost. Events that can't be decoded are skipped and reported to `unreadable`.
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
