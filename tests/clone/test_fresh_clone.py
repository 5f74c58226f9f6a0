"""A newcomer's first half hour: the README's commands in a fresh clone, with an empty HOME and empty caches."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local.cluster import CHECKOUT

pytestmark = pytest.mark.clone

# What a shell has anyway, and how this machine reaches its package registries; nothing that was installed or cached.
KEPT = re.compile(r"PATH|LANG|LC_.*|TERM|TMPDIR|.*_PROXY|.*_proxy|PIP_.*|GOPROXY|GOSUMDB|GONOSUMDB|SSL_.*|.*CA_BUNDLE")


def readme_commands() -> list[str]:
    """The commands of shell in the README's section "Try it", without their comments."""
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Try it\n")[2].partition("\n## ")[0]
    lines = "".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL)).splitlines()
    return [line.partition("#")[0].strip() for line in lines if line.strip()]


def test_the_readme_s_commands_work_from_nothing(tmp_path: Path) -> None:
    home, clone = tmp_path / "home", tmp_path / "clone"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", CHECKOUT, clone], check=True)
    environment = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)} | {"HOME": str(home)}
    try:
        commands = readme_commands()
        assert [command.split()[0] for command in commands] == ["make", ".venv/bin/runai-nim", "make", "make"]
        assert commands[-2:] == ["make demo", "make test"]
        for command in commands:
            subprocess.run(command, shell=True, check=True, cwd=clone, env=environment)  # noqa: S602  # as a person types it
    finally:
        # Go makes its module cache read-only, which would keep the folder for ever.
        subprocess.run(["chmod", "-R", "u+w", home], check=False)
        shutil.rmtree(home, ignore_errors=True)
