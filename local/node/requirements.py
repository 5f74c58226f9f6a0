"""What a machine must have to run a node, and the remedy for what it lacks."""

import os
import shutil
import sys
from pathlib import Path

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
"""Program → Debian package that has it."""


class CannotRunError(Exception):
    """This machine can't run what was asked for; the message is one line with the remedy."""


def require_node() -> None:
    """Raise CannotRunError unless this machine can run a node."""
    require_root("a node")
    packages = {package for program, package in PACKAGES.items() if shutil.which(program) is None}
    if any(not os.access(CNI / plugin, os.X_OK) for plugin in PLUGINS):
        packages.add("containernetworking-plugins")
    if packages:
        names = " ".join(sorted(packages))
        raise CannotRunError(
            f"a node needs programs that are not here: apt-get install --no-install-recommends {names}"
        )


def require_root(what: str) -> None:
    """Raise CannotRunError unless this is root on Linux."""
    if sys.platform != "linux":
        raise CannotRunError(f"{what} needs Linux, and this is {sys.platform}: use a virtual machine")
    if os.geteuid() != 0:
        raise CannotRunError(
            f"{what} needs root (namespaces, mounts, cgroups), and this is user {os.geteuid()}: use sudo"
        )
