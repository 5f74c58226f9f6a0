"""`python -m local.node.names <kubeconfig> <file>`: writes the cluster's Services to a hosts file, for CoreDNS.

CoreDNS' kubernetes plugin doesn't compile with the client library of this Kubernetes version. As there, the name of a
headless Service resolves to the addresses of its ready endpoints.
"""

import sys
import time
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from local.node.network import DNS_DOMAIN

PAUSE_SECONDS = 0.5


def main(kubeconfig: str, file: Path) -> None:
    """Write the file after each change until the process is stopped."""
    config.load_kube_config(kubeconfig)
    core, discovery = client.CoreV1Api(), client.DiscoveryV1Api()
    written = None
    while True:
        try:
            services: Any = core.list_service_for_all_namespaces().items
            slices: Any = discovery.list_endpoint_slice_for_all_namespaces().items
        except (ApiException, OSError) as error:  # the API server doesn't answer; urllib3's errors are OSErrors
            print(f"names: {error}", file=sys.stderr, flush=True)
        else:
            text = "".join(f"{address} {name}.svc.{DNS_DOMAIN}\n" for name, address in sorted(_names(services, slices)))
            if text != written:
                new = file.with_suffix(".new")
                new.write_text(text, encoding="utf-8")
                new.rename(file)
                written = text
        time.sleep(PAUSE_SECONDS)


def _names(services: Any, slices: Any) -> set[tuple[str, str]]:
    """Pairs of `<service>.<namespace>` and one of its addresses."""
    addresses: dict[tuple[str, str], set[str]] = {}
    for found in slices:
        of_service = (found.metadata.namespace, (found.metadata.labels or {}).get("kubernetes.io/service-name", ""))
        for endpoint in found.endpoints or ():
            if endpoint.conditions.ready:
                addresses.setdefault(of_service, set()).update(endpoint.addresses)
    names = set()
    for service in services:
        name, namespace = service.metadata.name, service.metadata.namespace
        own = service.spec.cluster_ip
        for address in addresses.get((namespace, name), ()) if own in (None, "", "None") else (own,):
            names.add((f"{name}.{namespace}", address))
    return names


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
