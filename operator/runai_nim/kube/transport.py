"""Requests to the Kubernetes API server: the only importer of `kubernetes`. It sends them and names errors.

Objects go in and come out as plain JSON mappings: the client's generated models cost an order of magnitude more time
and memory, and know neither our kind nor NIMService.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies

import aiohttp
import orjson
import yaml
from kubernetes.aio import client, config

from runai_nim.api.resources import KubeObject
from runai_nim.kube.api_error import ApiError, api_error
from runai_nim.kube.bounded_reader import Reader

JSON_CONTENT_TYPE: Final = "application/json"
Query = Mapping[str, str]
RequestBody = KubeObject | bytes | None
ResponseObserver = Callable[[str, str, str], object]
"""Is told of each request's method, HTTP status (`<error>`: no answer, as client-go has it) and host."""
WriteGate = Callable[[], None]
"""Is asked right before each write; raises ApiError where this process may not write now."""
_TIMEOUT: Final = aiohttp.ClientTimeout(total=30.0, sock_connect=10.0)
_NO_QUERY: Final[Query] = MappingProxyType({})


class Transport:
    """A connection to the API server, for all requests of the process.

    in_pod: whether the Pod's ServiceAccount authenticates it, and not a kubeconfig. reader: of its answers, one for
    all, since it bounds what they take of memory together.
    """

    def __init__(
        self, api: client.ApiClient, observe_response: ResponseObserver, permit: WriteGate, *, in_pod: bool
    ) -> None:
        self._api = api
        self._observe_response = observe_response
        self.permit = permit
        self.in_pod = in_pod
        self.reader = Reader()
        self._host = urlsplit(api.configuration.host).netloc

    @classmethod
    async def connect(
        cls,
        observe_response: ResponseObserver = lambda method, code, host: None,
        permit: WriteGate = lambda: None,
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
        return cls(client.ApiClient(configuration), observe_response, permit, in_pod=in_pod)

    @property
    def address(self) -> tuple[str, str | None]:
        """URL of the API server, and the file of the authorities that vouch for it; None: those of the system."""
        return self._api.configuration.host, self._api.configuration.ssl_ca_cert

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
        """The object of the answer. Raises ApiError."""
        if method not in ("GET", "POST"):  # only reviews are posted
            self.permit()
        response = await self.send(method, path, query=query, body=body, content_type=content_type, accept=accept)
        try:
            loaded: KubeObject = orjson.loads(await self.reader.body(response.content) or b"")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ApiError(0, "", f"{type(error).__name__} while reading the answer to {method} {path}") from error
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
        """An answer whose body was not read yet. Raises ApiError for a refusal and where there is none."""
        headers = {"Accept": accept, **({"Content-Type": content_type} if content_type else {})}
        code = "<error>"
        try:
            for auth in (await self._api.configuration.auth_settings()).values():
                headers[auth["key"]] = auth["value"]
            url = f"{self._api.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
            answer = await self._api.rest_client.request(
                method, url, headers=headers, body=body, _request_timeout=timeout
            )
            code = str(answer.status)
            if answer.status < 400:
                return answer.response  # type: ignore[no-any-return]
            raise api_error(answer.status, await answer.response.read(), answer.response.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(0, "", f"{type(error).__name__} at {method} {path}") from error
        finally:
            self._observe_response(method, code, self._host)
