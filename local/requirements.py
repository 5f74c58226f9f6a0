"""What a machine must have for a command, and the remedy for what it lacks."""

import os
import shutil
import sys
from collections.abc import Mapping


class CannotRunError(Exception):
    """This machine can't run what was asked for; the message is one line with the remedy."""


def require_root(what: str) -> None:
    """Raise CannotRunError unless this is root on Linux."""
    if sys.platform != "linux":
        raise CannotRunError(f"{what} needs Linux, and this is {sys.platform}: use a virtual machine")
    if os.geteuid() != 0:
        raise CannotRunError(
            f"{what} needs root (namespaces, mounts, cgroups), and this is user {os.geteuid()}: use sudo"
        )


def require_packages(what: str, packages: set[str]) -> None:
    """Raise CannotRunError where Debian packages are missing: `packages`."""
    if packages:
        names = " ".join(sorted(packages))
        raise CannotRunError(
            f"{what} needs programs that are not here: apt-get install --no-install-recommends {names}"
        )


def missing_packages(programs: Mapping[str, str]) -> set[str]:
    """The Debian packages of the programs that are not in PATH. programs: program → package that has it."""
    return {package for program, package in programs.items() if shutil.which(program) is None}
