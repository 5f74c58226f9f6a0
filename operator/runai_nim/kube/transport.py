"""Sends requests to the Kubernetes API server and converts errors; the only module that imports `kubernetes`.

The operator sends them with its own credentials, the REST API with those of its callers (`for_callers`).

Objects go in and come out as plain JSON mappings: the client's generated models cost an order of magnitude more time
and memory, and know neither our kind nor NIMService.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies

import aiohttp
import orjson
import yaml
from kubernetes.aio import client, config

from runai_nim.api.resources import KubeObject, Resource
from runai_nim.kube.api_error import ApiError, api_error, seconds_in
from runai_nim.kube.bounded_reader import PageSize, Reader, Unreadable

JSON_CONTENT_TYPE: Final = "application/json"
Query = Mapping[str, str]
RequestBody = KubeObject | list[dict[str, Any]] | bytes | None
ResponseObserver = Callable[[str, str, str], object]
"""Callback for each request: method, HTTP status (`<error>` without a response, as in client-go) and host."""
WriteGate = Callable[[], None]
"""Called right before each write; raises ApiError if this process may not write now."""
_TIMEOUT: Final = aiohttp.ClientTimeout(total=30.0, sock_connect=10.0)
_CALLER_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=10.0, sock_connect=3.0, sock_read=10.0)
"""Someone waits for the answer. `connect` includes waiting for a free connection."""
_CONNECTIONS: Final = 64
_NO_QUERY: Final[Query] = MappingProxyType({})


def _no_kubeconfig(cause: str) -> ApiError:
    return ApiError(0, "", f"no usable kubeconfig: {cause}; name one in the environment variable KUBECONFIG")


def _check_exists(kubeconfig: str | None) -> None:
    """Raise ApiError if none of the kubeconfig's files exists: the loader logs that, and says that a key is missing."""
    files = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    if not any(os.path.exists(os.path.expanduser(file)) for file in files.split(os.pathsep)):
        raise _no_kubeconfig(f"{files} doesn't exist")


@dataclass(frozen=True, slots=True)
class Answer:
    """The API server's answer to a caller: HTTP status, body, and seconds to wait before a retry."""

    status: int
    body: bytearray
    retry_after: int


class Transport:
    """A connection to the API server, for all requests of the process.

    in_pod: whether it uses the Pod's ServiceAccount instead of a kubeconfig. reader: reads all responses, because it
    bounds their total memory.
    """

    def __init__(
        self, api: client.ApiClient, observe_response: ResponseObserver, permit: WriteGate, *, in_pod: bool
    ) -> None:
        self._api = api
        self._observe_response = observe_response
        self.permit = permit
        self.in_pod = in_pod
        self.namespace = "default"
        """Namespace of the kubeconfig's context."""
        self.reader = Reader()
        self._host = urlsplit(api.configuration.host).netloc

    @classmethod
    async def connect(
        cls,
        observe_response: ResponseObserver = lambda method, code, host: None,
        permit: WriteGate = lambda: None,
        *,
        kubeconfig: str | None = None,
        context: str | None = None,
    ) -> Self:
        """Connect as the Pod's ServiceAccount if there is one, else with the kubeconfig in KUBECONFIG.

        A given kubeconfig or context of it precedes the ServiceAccount, whose token is read again every minute. Raises
        ApiError without any.
        """
        # With trust_env, aiohttp searches a .netrc for each request, in a thread: a fifth of the process's CPU.
        session = {"trust_env": bool(getproxies())}
        configuration = client.Configuration(connection_pool_maxsize=_CONNECTIONS, client_session_kwargs=session)
        in_pod = not (kubeconfig or context)
        namespace = ""
        try:
            if in_pod:
                config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException:
            in_pod = False
        if not in_pod:
            namespace = await _load_kubeconfig(configuration, kubeconfig, context)
        transport = cls(client.ApiClient(configuration), observe_response, permit, in_pod=in_pod)
        transport.namespace = namespace or transport.namespace
        return transport

    def for_callers(self, user_agent: str) -> "Transport":
        """Connections to the same API server without credentials, for `exchange`.

        They are separate, since a client certificate of a kubeconfig would authenticate callers as this process. They
        share nothing between callers: no cookies, and no configuration from the environment, such as a .netrc.
        """
        session = {
            "trust_env": False,
            "cookie_jar": aiohttp.DummyCookieJar(),
            "headers": {"User-Agent": user_agent},
            "middlewares": (_send_once,),
        }
        own = self._api.configuration
        configuration = client.Configuration(
            host=own.host,
            ssl_ca_cert=own.ssl_ca_cert,
            verify_ssl=own.verify_ssl,
            tls_server_name=own.tls_server_name,
            proxy=own.proxy,
            connection_pool_maxsize=_CONNECTIONS,
            client_session_kwargs=session,
        )
        return Transport(client.ApiClient(configuration), self._observe_response, self.permit, in_pod=self.in_pod)

    @property
    def url(self) -> str:
        """URL of the API server."""
        return str(self._api.configuration.host)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = _NO_QUERY,
        body: RequestBody = None,
        content_type: str | None = None,
        accept: str = JSON_CONTENT_TYPE,
    ) -> KubeObject:
        """Send a request and return the decoded response. Raises ApiError."""
        if method not in ("GET", "POST"):  # only reviews are posted
            self.permit()
        response = await self.send(method, path, query=query, body=body, content_type=content_type, accept=accept)
        try:
            loaded: KubeObject = orjson.loads(await self.reader.body(response.content) or b"")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ApiError(0, "", f"{type(error).__name__} while reading the response to {method} {path}") from error
        return loaded

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Query = _NO_QUERY,
        body: RequestBody = None,
        content_type: str | None = None,
        accept: str = JSON_CONTENT_TYPE,
        timeout: aiohttp.ClientTimeout = _TIMEOUT,  # noqa: ASYNC109  # of aiohttp, per phase
    ) -> aiohttp.ClientResponse:
        """A response with an unread body. Raises ApiError for an error response or without a response."""
        headers = {"Accept": accept, **({"Content-Type": content_type} if content_type else {})}
        try:
            for auth in (await self._api.configuration.auth_settings()).values():
                headers[auth["key"]] = auth["value"]
            answer = await self._respond(method, path, headers, query=query, body=body, timeout=timeout)
            if answer.status < 400:
                return answer
            raise api_error(answer.status, await answer.read(), answer.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _no_answer(error, method, path) from error

    async def exchange(
        self,
        token: str,
        method: str,
        path: str,
        *,
        query: Query = _NO_QUERY,
        body: RequestBody = None,
        content_type: str = JSON_CONTENT_TYPE,
    ) -> Answer:
        """The answer to a request with a caller's token, a refusal too. Raises ApiError where there is none."""
        headers = {"Accept": JSON_CONTENT_TYPE, "Authorization": f"Bearer {token}", "Content-Type": content_type}
        answer = await self._respond(method, path, headers, query=query, body=body, timeout=_CALLER_TIMEOUT)
        try:
            content = await self.reader.body(answer.content) or bytearray()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _no_answer(error, method, path) from error
        finally:
            answer.release()
        return Answer(answer.status, content, seconds_in(answer.headers.get("Retry-After")))

    async def page(
        self,
        token: str,
        resource: Resource,
        namespace: str,
        *,
        query: Query,
        size: PageSize,
        accept: str,
        unreadable: Unreadable,
    ) -> KubeObject:
        """A page of a LIST with a caller's token, in bounded memory. Raises ApiError, for a refusal, too.

        unreadable: called for each object that can't be parsed.
        """
        path = resource.path(namespace)
        headers = {"Accept": accept, "Authorization": f"Bearer {token}"}

        async def ask(limit: int) -> aiohttp.ClientResponse:
            asked = {**query, "limit": str(limit)}
            answer = await self._respond("GET", path, headers, query=asked, body=None, timeout=_CALLER_TIMEOUT)
            if answer.status < 400:
                return answer
            raise api_error(answer.status, await answer.read(), answer.headers.get("Retry-After"))

        try:
            return await self.reader.page(ask, size, partial(unreadable, resource.plural))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _no_answer(error, "GET", path) from error

    async def _respond(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        *,
        query: Query,
        body: RequestBody,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> aiohttp.ClientResponse:
        """Any answer, with its body not read yet. Raises ApiError where there is none."""
        url = f"{self.url}{path}" + (f"?{urlencode(query)}" if query else "")
        code = "<error>"
        try:
            answer = await self._api.rest_client.request(
                method, url, headers=headers, body=body, _request_timeout=timeout
            )
            code = str(answer.status)
            return answer.response  # type: ignore[no-any-return]
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _no_answer(error, method, path) from error
        finally:
            self._observe_response(method, code, self._host)


async def _load_kubeconfig(configuration: client.Configuration, kubeconfig: str | None, context: str | None) -> str:
    """Configure by a kubeconfig; the namespace of its context, empty without one. Raises ApiError."""
    _check_exists(kubeconfig)
    try:
        loader = await config.load_kube_config(kubeconfig, context=context, client_configuration=configuration)
        return str(loader.current_context["context"].get("namespace") or "")
    except (AttributeError, KeyError, TypeError, UnicodeError) as error:  # the loader's, for what is none
        raise _no_kubeconfig("the file is no kubeconfig") from error
    except OSError as error:
        raise _no_kubeconfig(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from error
    except (config.ConfigException, ValueError, yaml.YAMLError) as error:
        if context and f"name {context} " in str(error):
            message = f'the kubeconfig has no context "{context}": kubectl config get-contexts lists them'
            raise ApiError(0, "", message) from error
        raise _no_kubeconfig(" ".join(str(error).split())) from error


def _no_answer(error: Exception, method: str, path: str) -> ApiError:
    return ApiError(0, "", f"{type(error).__name__} at {method} {path}")


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a caller's request once, to where it was sent.

    aiohttp repeats a DELETE whose answer was lost, which after a successful DELETE returns 404, and follows redirects,
    which an API server never answers with.
    """
    try:
        answer = await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method != "DELETE":
            raise
        raise aiohttp.ClientConnectionError(str(error)) from error
    if 300 <= answer.status < 400:
        answer.close()
        raise aiohttp.ClientConnectionError("a redirect")
    return answer
