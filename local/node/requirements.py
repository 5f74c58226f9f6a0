"""Checks the requirements of a node, and names the packages to install."""

import os
from pathlib import Path

from local.requirements import missing_packages, require_packages, require_root

CNI = Path("/usr/lib/cni")
PLUGINS = ("bridge", "host-local", "portmap", "loopback")
PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "openssl": "openssl",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
}
"""Debian package of each program."""


def require_node() -> None:
    """Raise CannotRunError if this machine can't run a node."""
    require_root("a node")
    packages = missing_packages(PACKAGES)
    if any(not os.access(CNI / plugin, os.X_OK) for plugin in PLUGINS):
        packages.add("containernetworking-plugins")
    require_packages("a node", packages)
