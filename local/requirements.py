"""Checks that a machine meets the requirements of a command; errors name the remedy."""

import os
import shutil
import sys
from collections.abc import Mapping


class CannotRunError(Exception):
    """This machine can't run the command; the message is one line with the remedy."""


def require_root(what: str) -> None:
    """Raise CannotRunError unless this is root on Linux."""
    if sys.platform != "linux":
        raise CannotRunError(f"{what} needs Linux, but this is {sys.platform}: use a virtual machine")
    if os.geteuid() != 0:
        raise CannotRunError(
            f"{what} needs root (namespaces, mounts, cgroups), but this is user {os.geteuid()}: use sudo"
        )


def require_packages(what: str, packages: set[str]) -> None:
    """Raise CannotRunError if Debian packages are missing: `packages`."""
    if packages:
        names = " ".join(sorted(packages))
        raise CannotRunError(f"{what} needs missing programs: apt-get install --no-install-recommends {names}")


def missing_packages(programs: Mapping[str, str]) -> set[str]:
    """The Debian packages of the programs that are not in PATH. programs: program → package that has it."""
    return {package for program, package in programs.items() if shutil.which(program) is None}
