"""`make packages` installs what the commands would miss."""

import re

from local.cluster import CHECKOUT
from local.image import commands as image
from local.node import requirements as node

OF_EVERY_DEBIAN = {"coreutils"}
OF_OTHERS = {"buildah", "debootstrap", "containernetworking-plugins"}
"""What is asked for where it is used, and not in a table."""


def test_each_package_that_a_command_asks_for_is_installed() -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"^PACKAGES := (.*)$", makefile, re.MULTILINE)

    assert set(line.split()) == {*node.PACKAGES.values(), *image.PACKAGES.values(), *OF_OTHERS} - OF_EVERY_DEBIAN
