"""The Kubernetes API: the only importer of `kubernetes`. It sends requests and names errors; it decides nothing.

Objects go in and come out as plain JSON mappings: the client's generated models cost an order of magnitude more time
and memory, and know neither our kind nor NIMService.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies

import aiohttp
import orjson
import yaml
from kubernetes.aio import client, config

from runai_nim.api import well_known
from runai_nim.api.apply_patch import APPLY_CONTENT_TYPE, apply_body
from runai_nim.api.resources import EVENTS, KubeObject, Resource
from runai_nim.kube.bounded_reader import PageSize, Reader, Unreadable, lines, name_in

logger = logging.getLogger(__name__)

WATCH_TIMEOUT_SECONDS = 300
"""How long a watch lasts before the server ends it and it is opened anew."""
WATCH_SILENCE_SECONDS = 90.0
"""A watch that says nothing for so long is dead: bookmarks come about once a minute."""
LONGEST_MESSAGE: Final = 8192
"""Characters that are kept of a refusal: it may repeat a value of any size."""
LONGEST_RETRY_SECONDS: Final = 300.0
"""The most that a Retry-After is obeyed."""
JSON_CONTENT_TYPE: Final = "application/json"
MERGE_PATCH_CONTENT_TYPE: Final = "application/merge-patch+json"
METADATA_ONLY: Final = f"{JSON_CONTENT_TYPE};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST: Final = f"{JSON_CONTENT_TYPE};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""What an answer is to be: the whole object, or nothing of it but its metadata."""

Query = Mapping[str, str]
RequestBody = KubeObject | bytes | None
ResponseObserver = Callable[[str, str, str], object]
"""Is told of each request's method, HTTP status (`<error>`: no answer, as client-go has it) and host."""
WriteGate = Callable[[], None]
"""Is asked right before each write; raises ApiError where this process may not write now."""


def log_unreadable(kind: str, name: str, error: Exception) -> None:
    """Say which object is left out. Its tenant may have meant it so: nothing of its content is repeated."""
    logger.warning("object left out", extra={"kind": kind, "object": name, "reason": type(error).__name__})


class ApiError(Exception):
    """The API server's refusal, or (status 0) no answer from it.

    `status` is the HTTP status, `reason` the API's own (`Conflict`, `NotFound`, `Invalid`, …), `retry_after` seconds.
    """

    def __init__(self, status: int, reason: str, message: str, retry_after: float = 0.0) -> None:
        super().__init__(f"{status} {reason}: {message}" if status else f"no answer from the API server: {message}")
        self.status, self.reason, self.message, self.retry_after = status, reason, message, retry_after

    @property
    def is_permanent(self) -> bool:
        """Would the same request be refused again? Then waiting does not help, only another request or another rule."""
        return self.status in (400, 403, 405, 413, 415, 422)


class KubeClient:
    """A connection to the API server, for all requests of the process. `unreadable` is told of objects left out.

    in_pod: whether the Pod's ServiceAccount authenticates it, and not a kubeconfig.
    """

    def __init__(
        self,
        api: client.ApiClient,
        observe_response: ResponseObserver,
        permit: WriteGate,
        unreadable: Unreadable = log_unreadable,
        *,
        in_pod: bool,
    ) -> None:
        self._api, self._observe_response, self.permit, self.unreadable = api, observe_response, permit, unreadable
        self.in_pod, self._reader = in_pod, Reader()
        self._host = urlsplit(api.configuration.host).netloc
        self._timeout = aiohttp.ClientTimeout(total=30.0, sock_connect=10.0)
        # A large page waits for others, with the rest of it in the network.
        self._of_page = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=30.0)

    @classmethod
    async def connect(
        cls,
        observe_response: ResponseObserver = lambda method, code, host: None,
        permit: WriteGate = lambda: None,
        unreadable: Unreadable = log_unreadable,
    ) -> Self:
        """Connect as the Pod's ServiceAccount where there is one, else as the kubeconfig of KUBECONFIG says.

        Raises ApiError where there is neither. The ServiceAccount's token is read anew every minute.
        """
        # Where the environment is asked, aiohttp looks for a .netrc at each request, in a thread: a fifth of our CPU.
        session = {"trust_env": bool(getproxies())}
        configuration = client.Configuration(connection_pool_maxsize=64, client_session_kwargs=session)
        in_pod = True
        try:
            config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException:
            in_pod = False
            try:
                await config.load_kube_config(client_configuration=configuration)
            except (config.ConfigException, OSError, ValueError, yaml.YAMLError) as error:
                raise ApiError(0, "", f"no kubeconfig that can be used: {error}") from error
        return cls(client.ApiClient(configuration), observe_response, permit, unreadable, in_pod=in_pod)

    @property
    def address(self) -> tuple[str, str | None]:
        """URL of the API server, and the file of the authorities that vouch for it; None: those of the system."""
        return self._api.configuration.host, self._api.configuration.ssl_ca_cert

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

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
        return await self._object(
            "PATCH", path, query, apply_body({**manifest, "metadata": metadata}), APPLY_CONTENT_TYPE
        )

    async def merge_status(self, resource: Resource, metadata: Mapping[str, Any], status: KubeObject) -> KubeObject:
        """Merge `status` (null removes a field) into that of the object that was seen; 409 when it changed since."""
        path = resource.path(metadata["namespace"], metadata["name"]) + "/status"
        query = {"fieldManager": well_known.FIELD_MANAGER}
        body = {"metadata": {field: metadata[field] for field in ("uid", "resourceVersion")}, "status": status}
        return await self._object("PATCH", path, query, body, MERGE_PATCH_CONTENT_TYPE)

    async def remove_owner(
        self, resource: Resource, namespace: str, name: str, *, uid: str, owner_uid: str
    ) -> KubeObject:
        """Take one owner reference out of the object of that uid; 409 when it is another object by now."""
        metadata = {"uid": uid, "ownerReferences": [{"$patch": "delete", "uid": owner_uid}]}
        query = {"fieldManager": well_known.FIELD_MANAGER}
        content = "application/strategic-merge-patch+json"
        return await self._object("PATCH", resource.path(namespace, name), query, {"metadata": metadata}, content)

    async def set_managed_fields(
        self, resource: Resource, live_metadata: Mapping[str, Any], managed_fields: Sequence[Mapping[str, Any]]
    ) -> KubeObject:
        """Say who owns which fields of the object that was seen; 409 when it changed since."""
        metadata = {field: live_metadata[field] for field in ("uid", "resourceVersion")} | {
            "managedFields": managed_fields
        }
        query = {"fieldManager": well_known.FIELD_MANAGER}
        path = resource.path(live_metadata["namespace"], live_metadata["name"])
        return await self._object("PATCH", path, query, {"metadata": metadata}, MERGE_PATCH_CONTENT_TYPE)

    async def delete(self, resource: Resource, namespace: str, name: str, uid: str, resource_version: str) -> None:
        """Delete the object that was seen at that version; 409 when it is another one by now."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        await self._object(
            "DELETE", resource.path(namespace, name), {}, {"preconditions": preconditions}, JSON_CONTENT_TYPE
        )

    async def get(
        self, resource: Resource, namespace: str, name: str, *, metadata_alone: bool = False
    ) -> KubeObject | None:
        """The object, or nothing of it but `metadata`; None when it or its kind is not there."""
        accept = METADATA_ONLY if metadata_alone else JSON_CONTENT_TYPE
        try:
            return await self._object("GET", resource.path(namespace, name), {}, None, None, accept)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def write_event(self, event: KubeObject) -> None:
        """Create or replace an Event by server-side apply."""
        path = EVENTS.path(event["metadata"]["namespace"], event["metadata"]["name"])
        query = {"fieldManager": well_known.FIELD_MANAGER, "force": "true"}
        await self._object("PATCH", path, query, apply_body(event), APPLY_CONTENT_TYPE)

    async def create_review(self, review: KubeObject) -> KubeObject:
        """The API server's answer to a review of authorization.k8s.io, which it stores nowhere."""
        path = f"/apis/{review['apiVersion']}/{review['kind'].lower()}s"
        return await self._object("POST", path, {}, review, JSON_CONTENT_TYPE)

    async def get_document(self, path: str) -> KubeObject:
        """A document of the API server that is no object, such as its discovery."""
        return await self._object("GET", path, {}, None, None)

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
            page = await self._page(resource, namespace, query, size, metadata_only, left_out)
            yield page
            if not (token := page["metadata"].get("continue")):
                return
            query["continue"] = token

    async def version_of(self, resource: Resource, selector: str = "", namespace: str = "") -> str:
        """The resourceVersion of a collection: after it a watch can begin where nothing has to be listed."""
        query = {"labelSelector": selector} if selector else {}
        left_out = partial(self.unreadable, resource.plural)
        page = await self._page(resource, namespace, query, PageSize(limit=1), True, left_out)
        return str(page["metadata"]["resourceVersion"])

    async def _page(
        self,
        resource: Resource,
        namespace: str,
        query: Query,
        size: PageSize,
        metadata_only: bool,
        left_out: Callable[[str, Exception], object],
    ) -> KubeObject:
        def ask(limit: int) -> Awaitable[aiohttp.ClientResponse]:
            accept = METADATA_LIST if metadata_only else JSON_CONTENT_TYPE
            asked = {**query, "limit": str(limit)}
            return self._send("GET", resource.path(namespace), asked, self._of_page, accept=accept)

        try:
            return await self._reader.page(ask, size, left_out)
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
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=WATCH_SILENCE_SECONDS)
        accept = METADATA_ONLY if metadata_only else JSON_CONTENT_TYPE
        response = await self._send("GET", resource.path(namespace), query, timeout, accept=accept)
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

    async def _object(
        self,
        method: str,
        path: str,
        query: Query,
        body: RequestBody,
        content: str | None,
        accept: str = JSON_CONTENT_TYPE,
    ) -> KubeObject:
        if method not in ("GET", "POST"):  # only reviews are posted
            self.permit()
        response = await self._send(method, path, query, self._timeout, body=body, content=content, accept=accept)
        try:
            loaded: KubeObject = orjson.loads(await self._reader.body(response.content) or b"")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ApiError(0, "", f"{type(error).__name__} while reading the answer to {method} {path}") from error
        return loaded

    async def _send(
        self,
        method: str,
        path: str,
        query: Query,
        limits: aiohttp.ClientTimeout,
        *,
        body: RequestBody = None,
        content: str | None = None,
        accept: str = JSON_CONTENT_TYPE,
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": accept, **({"Content-Type": content} if content else {})}
        code = "<error>"
        try:
            for auth in (await self._api.configuration.auth_settings()).values():
                headers[auth["key"]] = auth["value"]
            url = f"{self._api.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
            answer = await self._api.rest_client.request(method, url, headers, body, _request_timeout=limits)
            code = str(answer.status)
            if answer.status < 400:
                return answer.response  # type: ignore[no-any-return]
            raise api_error(answer.status, await answer.response.read(), answer.response.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(0, "", f"{type(error).__name__} at {method} {path}") from error
        finally:
            self._observe_response(method, code, self._host)


def api_error(status: int, body: bytes, retry_after: str | None) -> ApiError:
    """The error that an answer of that HTTP status means; `body` is a metav1.Status, or anything a proxy may send."""
    try:
        answer = orjson.loads(body)
        reason, message = str(answer.get("reason", "")), str(answer.get("message", ""))
    except (ValueError, AttributeError):
        reason, message = "", body[:200].decode(errors="replace")
    # A proxy may write anything there; no API server asks for more than minutes.
    asked = retry_after if retry_after and retry_after.isascii() and retry_after.isdigit() else "0"
    seconds = min(float(asked), LONGEST_RETRY_SECONDS)
    return ApiError(status, reason, message[:LONGEST_MESSAGE], seconds)
