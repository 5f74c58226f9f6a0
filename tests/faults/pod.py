"""`python -m tests.faults.pod <url> <token file> <authority file>`: the operator as in a Pod, with a token in a file.

Only where the files and the API server are differs from a Pod's.
"""

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kopf
from kubernetes.aio.config import incluster_config

from runai_nim import __main__


def main(url: str, token_file: str, authority: str) -> int:
    """Run the operator with them."""

    def login(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=url, ca_path=authority, token=Path(token_file).read_text(encoding="utf-8"))

    kopf.login_with_service_account = login
    incluster_config.SERVICE_TOKEN_FILENAME, incluster_config.SERVICE_CERT_FILENAME = token_file, authority
    where = urlsplit(url)
    os.environ |= {"KUBERNETES_SERVICE_HOST": str(where.hostname), "KUBERNETES_SERVICE_PORT": str(where.port)}
    return __main__.main()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
