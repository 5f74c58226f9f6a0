"""Ports of this machine's loopback address: finding free ones, asking whether a server answers."""

import http.client
import socket
import ssl
import urllib.request


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody uses now; all are held until the last is chosen, so that they differ."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def answers(url: str, tls: ssl.SSLContext | None = None) -> bool:
    """Tell whether a GET is answered with a 2xx or 3xx."""
    # No proxy of the environment may stand between this process and its own loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls))
    try:
        with opener.open(url, timeout=5):
            return True
    except (OSError, http.client.HTTPException):  # no answer, half of one, or an HTTP error
        return False
