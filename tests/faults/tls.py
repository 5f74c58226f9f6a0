"""A certificate authority of the proxy's own and a certificate for 127.0.0.1, made by openssl for the time of a run."""

import ssl
import subprocess
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2")
_USAGE = ("-addext", "keyUsage=critical,digitalSignature,keyCertSign")  # openssl calls every certificate it makes a CA


def make_certificates(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """Write them below `directory`; the file of the authority for clients, and the context for the server."""
    directory.mkdir(parents=True, exist_ok=True)
    authority = directory / "ca.crt"
    certificate = directory / "proxy.crt"
    key = directory / "proxy.key"
    issuer = ("-CA", str(authority), "-CAkey", str(directory / "ca.key"))
    _openssl("/CN=fault-proxy-ca", directory / "ca.key", authority)
    _openssl("/CN=fault-proxy", key, certificate, "-addext", "subjectAltName=IP:127.0.0.1", *issuer)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    return authority, server


def _openssl(subject: str, key: Path, certificate: Path, *more: str) -> None:
    command = ["openssl", "req", "-x509", *_KEY, *_USAGE, "-subj", subject, *more]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
