"""Addresses of the node's network, which can be reached only from its network namespace."""

from typing import Final

NODE_NAME: Final = "node-1"
NODE: Final = "10.210.0.1"
BRIDGE: Final = "node0"
NODE_NETWORK: Final = "10.210.0.0/16"
FIRST_POD: Final = "10.210.1.10"
LAST_POD: Final = "10.210.1.250"
SERVICE_NETWORK: Final = "10.211.0.0/16"
DNS_SERVICE: Final = "10.211.0.10"
DNS_DOMAIN: Final = "cluster.local"
METRICS_PORT: Final = 4443
