"""pip's configuration inside the build: this machine's, mounted as files that no image contains."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PASSED_ON = ("extra-index-url", "index-url", "proxy", "retries", "timeout", "trusted-host")
"""Settings that mean inside what they mean here. Those with paths mean nothing there."""
AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Where pip looks for certificates when its own setting `cert` is not there."""
INSIDE = "/run/secrets/pip_ca"
"""Where the build finds the certificates."""


def current_settings() -> dict[str, str]:
    """What pip is told on this machine, by files and by the environment, which wins."""
    asked = [sys.executable, "-m", "pip", "config", "list", "--disable-pip-version-check"]
    return parse_settings(subprocess.run(asked, capture_output=True, text=True, check=False).stdout)


def parse_settings(listed: str) -> dict[str, str]:
    """The settings in what `pip config list` prints: `global.index-url='…'`, `:env:.index-url='…'`."""
    found = re.findall(r"^(\S+)\.([a-z-]+)='(.*)'$", listed, re.MULTILINE)
    # A section of a command is more than [global], and the environment more than both.
    order = {"global": 0, "install": 1, ":env:": 2}
    known = [(order[section], name, value) for section, name, value in found if section in order]
    return {name: value for _, name, value in sorted(known)}


def build_secrets(pip: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> tuple[str, Path | None]:
    """The pip.conf of the build, and the file with the certificates that it needs, if any."""
    bundle = pip.get("cert") or next((environment[name] for name in AUTHORITIES if environment.get(name)), "")
    lines = [f"{name} = {pip[name]}".replace("\\n", "\n    ") for name in PASSED_ON if name in pip]
    if bundle:
        lines.append(f"cert = {INSIDE}")
    return "\n".join(["[global]", *lines, ""]), Path(bundle) if bundle else None


def hosts(pip: Mapping[str, str]) -> set[str]:
    """Names of the hosts in the settings, which nothing may hold that is published."""
    urls = " ".join(pip.get(name, "") for name in ("extra-index-url", "index-url", "proxy"))
    return set(re.findall(r"//(?:[^/@\s]*@)?([^/:\s]+)", urls)) | set(pip.get("trusted-host", "").split())
