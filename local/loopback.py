"""Free ports of the loopback address, and requests to servers on it."""

import http.client
import socket
import ssl
import urllib.error
import urllib.request


def free_ports(count: int) -> list[int]:
    """Free ports of 127.0.0.1; all are held until the last is chosen, so that they differ."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def answers(url: str, tls: ssl.SSLContext | None = None) -> bool:
    """Tell whether a GET is answered with a 2xx or 3xx."""
    try:
        with opened(url, tls):
            return True
    except (OSError, http.client.HTTPException):  # no answer, half of one, or an HTTP error
        return False


def fetch(url: str, timeout: float = 5) -> tuple[int, str]:
    """HTTP status and text of the answer to a GET, whatever the status; raises OSError or HTTPException without one."""
    try:
        answer: http.client.HTTPResponse | urllib.error.HTTPError = opened(url, timeout=timeout)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status or 0, answer.read().decode()


def opened(
    request: str | urllib.request.Request, tls: ssl.SSLContext | None = None, timeout: float = 5
) -> http.client.HTTPResponse:
    """The answer, yet to be read and closed; raises what urlopen raises."""
    # No proxy of the environment may stand between this process and its own loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls))
    answer: http.client.HTTPResponse = opener.open(request, timeout=timeout)
    return answer
