"""Ask each address behind each URL once: `helm test` runs it in a pod. Standard library alone."""

import socket
import ssl
import sys
import urllib.parse
import urllib.request

# Certificates are for the hosts that users call, and a pod is asked by its address.
TLS = ssl._create_unverified_context()  # noqa: S323
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=TLS))

for url in sys.argv[1:]:
    parts = urllib.parse.urlsplit(url)
    found = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
    for host, port in sorted({info[4][:2] for info in found}):
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        with DIRECTLY.open(urllib.parse.urlunsplit(parts._replace(netloc=place)), timeout=10) as answer:
            print(f"{url} at {place}: {answer.status}")
