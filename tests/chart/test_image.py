"""The image, as far as can be tried without building it (`make image-check` does): its Dockerfile, and its wheel."""

import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from local.cluster import CHECKOUT
from runai_nim import __version__

DOCKERFILE = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
UNCOMPILED = """
import os, sys, runai_nim.controller.handlers, runai_nim.rest.app
specs = [module.__spec__ for module in sys.modules.values() if getattr(module, "__spec__", None)]
ours = [spec for spec in specs if (spec.origin or "").startswith(sys.argv[1]) and spec.cached]
print([spec.name for spec in ours if not os.path.exists(spec.cached)] if ours else "nothing")
"""
"""Modules of the environment in that folder that a start would have to compile."""
HADOLINT = Path(sys.executable).with_name("hadolint")


def linted(dockerfile: str) -> str:
    return subprocess.run([HADOLINT, "-"], input=dockerfile, text=True, capture_output=True).stdout


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint is offered for Linux on x86-64 only")
def test_hadolint_finds_nothing() -> None:
    assert linted(DOCKERFILE) == ""
    assert "DL3008" in linted(DOCKERFILE + "\nRUN apt-get install -y curl\n")


def test_bases_are_pinned_and_the_user_is_nobody() -> None:
    stages = DOCKERFILE.split("\nFROM ")

    assert re.search(r"^ARG PYTHON_VERSION=\d+\.\d+\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^ARG PYTHON_DIGEST=@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    assert [stage.splitlines()[0] for stage in stages[1:]] == [
        "${PYTHON_IMAGE}:${PYTHON_VERSION}${PYTHON_DIGEST} AS dependencies",
        "dependencies AS runtime",
        "dependencies AS application",
        "scratch",
    ]
    assert "\nUSER 65532:65532\n" in stages[-1]
    assert "RUN" not in stages[-1]


def test_what_the_dockerfile_copies_is_not_ignored() -> None:
    allowed = {line[1:] for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        name.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
        for name in line.split()
    }

    assert all(any(f"{name}/".startswith(f"{part}/") for part in copied) for name in allowed)
    assert all(any(f"{name}/".startswith(f"{part}/") for name in allowed) for part in copied)
    assert all((CHECKOUT / name).exists() for name in allowed)


def test_what_builds_the_wheel_is_little_and_as_it_is_tested() -> None:
    """`make lock` wrote all three: the build stage has nothing of what only tests need."""
    building, testing = (pins(f"requirements-{name}.lock") for name in ("build", "dev"))

    assert "hatchling" in building
    assert len(building) < 10
    assert building.items() <= testing.items()


def pins(lock: str) -> dict[str, str]:
    text = (CHECKOUT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


@pytest.mark.chart
def test_the_wheel_runs_in_a_clean_environment(tmp_path: Path) -> None:
    """With the image's own steps: locked dependencies by hash, what no process imports dropped, then the wheel."""
    dist, application, environment = (tmp_path / name for name in ("dist", "application", "venv"))
    building = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(dist)]
    subprocess.run(building, cwd=CHECKOUT, check=True, capture_output=True)
    (wheel,) = dist.glob("*.whl")
    assert __version__ in wheel.name
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    install = [sys.executable, "-m", "pip", f"--python={python}", "install", "--quiet", "--no-compile"]
    locked = ["--require-hashes", "--only-binary=:all:", "-r", str(CHECKOUT / "requirements.lock")]
    subprocess.run([*install, *locked], check=True)
    contents = [sys.executable, str(CHECKOUT / "scripts" / "image_contents.py")]
    subprocess.run([*contents, "packages", environment], check=True)
    subprocess.run([*install, "--no-deps", "--no-index", f"--prefix={application}", wheel], check=True)
    subprocess.run([*contents, "compile", application, environment], check=True)
    shutil.copytree(application, environment, dirs_exist_ok=True)
    (site,) = environment.glob("lib/python3*/site-packages")
    generated = [*site.glob("kubernetes/client/models/*.py"), *site.glob("kubernetes/aio/client/models/*.py")]
    assert 0 < len(generated) < 20
    assert sorted(path.name for path in (environment / "bin").iterdir() if not path.name.startswith("python")) == [
        "kubectl-runai_nim",
        "runai-nim",
    ]

    def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        bare = {"PATH": str(python.parent)} | environment
        return subprocess.run([python, *arguments], env=bare, cwd=tmp_path, capture_output=True, text=True)

    refused = run("-m", "runai_nim", RUNAI_NIM_WORKERS="many")
    assert (refused.returncode, "workers in RUNAI_NIM_WORKERS" in refused.stderr) == (2, True)
    sample = str(CHECKOUT / "deploy" / "samples" / "gpu-portion.yaml")
    rendered = run(str(python.with_name("runai-nim")), "render", "-f", sample)
    assert (rendered.returncode, "kind: NIMService" in rendered.stdout) == (0, True), rendered.stderr
    uncompiled = run("-c", UNCOMPILED, str(tmp_path))
    assert (uncompiled.returncode, uncompiled.stdout) == (0, "[]\n"), uncompiled.stderr
    tools = run(
        "-c", "import importlib.util as u; print([n for n in ('pip', 'pytest', 'hatchling') if u.find_spec(n)])"
    )
    assert tools.stdout.strip() == "[]"
